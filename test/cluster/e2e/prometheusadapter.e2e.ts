/**
 * From prometheus-adapter to kubegauge and back by the documented steps (adaptersteps.ts), with a real Prometheus and
 * autoscalers that work all the time; and what autoscalers do while Prometheus is away.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { V1Deployment } from '@kubernetes/client-node';
import { type KubernetesObject, toList } from '../registration.ts';
import { waitFor } from '../wait.ts';
import {
  externalApiService,
  giveExternalAway,
  goBackToAdapter,
  prepareBeside,
  takeOverFromAdapter,
} from './adaptersteps.ts';
import { watchScaling } from './autoscaler.ts';
import { documentedKustomization } from './documentedkustomization.ts';
import { findingOf } from './examination.ts';
import { harness } from './harness.ts';
import { buildManifests } from './kustomized.ts';
import { type Lister, startLister } from './lister.ts';
import { dropNamespaces, makeNamespace } from './namespaces.ts';
import { adapterNamespace, adapterRelease, withPrometheus } from './prometheusadapter.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';
import { addArgs, fitToCluster, rolledOut } from './podserver.ts';
import { apply, fieldOf, podsReady } from './pods.ts';
import { removeObjects } from './registration.ts';
import { shortResolution } from './server.ts';
import {
  queueMetric,
  requestMetric,
  rulesOver,
  sendRequests,
  setQueue,
  shopAutoscalers,
  shopNamespace,
  shopObjects,
} from './shop.ts';
import { autoscalerWarnings, computations, moreComputations } from './syncs.ts';
import { type Step, stepTimeoutMs } from './takeoversteps.ts';
import { assertNoFailure, createVerifiedPods } from './verifiedpods.ts';

const shared = harness();
const { brief, cluster, credentials, program, registration } = shared;
const { begin, list, podNames, published } = createVerifiedPods(shared);

const document = 'docs/migrate-from-prometheus-adapter.md';
/** The window of rates; that of prometheus-adapter's walkthrough is 1m. */
const [window, scrapeInterval] = brief ? (['15s', '3s'] as const) : (['1m', '10s'] as const);
/** A window, two syncs of the controller, and a new pod, on a busy machine. */
const scaleTimeoutMs = brief ? 120_000 : 240_000;
/** Computations of each of the two autoscalers, one each 2 s: while Prometheus is away, and after a change of the APIServices. */
const [syncsOfOutage, syncsAfterStep] = brief ? ([10, 5] as const) : ([60, 30] as const);
const syncsTimeoutMs = 240_000;
const findingTimeoutMs = 60_000;
const apiServices = ['v1beta1.custom.metrics.k8s.io', 'v1beta2.custom.metrics.k8s.io', externalApiService];
const requestsPath = `/apis/custom.metrics.k8s.io/v1beta1/namespaces/${shopNamespace}/pods/*/${requestMetric}`;
const queuePath = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${shopNamespace}/${queueMetric}`;

describe('over prometheus-adapter', { skip: program.name !== 'kubegauge' && 'the image is our own' }, () => {
  const undo = new AsyncDisposableStack();
  const rules = rulesOver(window);
  const documented = documentedKustomization(document, '--config=');
  const installedComponents = documented.components.filter((component) => !component.endsWith('-metrics'));
  const fit = (objects: readonly KubernetesObject[]) =>
    fitToCluster(cluster, objects).map((object) => addArgs(withPrometheus(object, cluster), [shortResolution]));
  let objects: KubernetesObject[] = [];
  let prometheus: Prometheus;
  let load: ChildProcess | undefined;
  const shop = watchScaling(cluster, shopNamespace, 'shop');
  const workers = watchScaling(cluster, shopNamespace, 'workers');
  const stopLoad = () => {
    load?.kill();
    load = undefined;
  };

  before(async () => {
    await begin();
    const installed = fit(await buildManifests(cluster, shared.folder, installedComponents));
    const image = (installed.find(({ kind }) => kind === 'Deployment') as V1Deployment | undefined)?.spec?.template.spec
      ?.containers[0]?.image;
    await apply(cluster, installed);
    await makeNamespace(cluster, shopNamespace);
    await makeNamespace(cluster, adapterNamespace);
    // Its autoscalers have no metrics any more, which doctor reports.
    undo.defer(() => dropNamespaces(cluster, shopNamespace, adapterNamespace));
    const [adapter] = await Promise.all([adapterRelease(cluster, shared.folder, rules), openShop(image ?? '')]);
    undo.defer(() => removeObjects(cluster, adapter));
    await apply(cluster, adapter);
    await cluster.kubectl(['apply', '-f', '-'], { input: toList(readerRights) });
    undo.defer(() => removeObjects(cluster, readerRights));
    objects = fit(
      await buildManifests(cluster, shared.folder, documented.components, documented.patches, {
        configMapGenerator: documented.configMapGenerator,
        files: { 'config.yaml': rules },
      }),
    );
    undo.defer(() => removeObjects(cluster, ofTakeOver(objects)));
    await rolledOut(cluster);
    const wait = ['wait', '--for=condition=Available', '--timeout=60s'];
    await cluster.kubectl(
      [...wait, ...apiServices.filter((name) => name.startsWith('v1beta1')).map((name) => `apiservice/${name}`)],
      {
        timeoutMs: 70_000,
      },
    );
    await registration.available();
  });
  after(() => undo.disposeAsync());

  /** Resolves when Prometheus has its series: what the adapter lists at its start is all that it has for a minute. */
  async function openShop(image: string): Promise<void> {
    await apply(cluster, shopObjects(cluster, image));
    const { folder } = shared;
    prometheus = undo.use(await startPrometheus(cluster, { folder, namespace: shopNamespace, scrapeInterval }));
    undo.defer(stopLoad);
    await podsReady(cluster, shopNamespace);
    await setQueue(cluster, 3);
    const areThere = async () => (await prometheus.seriesOf('http_requests_total or queue_depth')) === 3;
    await waitFor('series', areThere, 180_000);
  }

  test('autoscalers work by prometheus-adapter, beside metrics.k8s.io of ours', async (t) => {
    await using lister = await list(['v1beta1', 'v1']);
    await using custom = await listCustom();
    load = await sendRequests(cluster);
    await apply(cluster, shopAutoscalers());
    t.diagnostic(`2 replicas after ${(await shop.reached(2, scaleTimeoutMs)).toFixed(0)} s`);
    await workers.reached(2, scaleTimeoutMs);
    if (!brief) {
      stopLoad();
      t.diagnostic(`1 replica after ${(await shop.reached(1, scaleTimeoutMs)).toFixed(0)} s`);
      load = await sendRequests(cluster);
      await shop.reached(2, scaleTimeoutMs);
    }
    await lister.more(10);
    assertNoFailure(t, lister.answers);
    assertNoFailure(t, custom.answers);
  });

  test('it is replaced without a failed request or computation of an autoscaler', (t) =>
    withoutFailure(t, async () => {
      await walk(prepareBeside);
      assert.equal(await serviceOf('v1beta1.custom.metrics.k8s.io'), 'prometheus-adapter');
      await walk(takeOverFromAdapter);
      for (const name of apiServices) assert.equal(await serviceOf(name), 'metrics-server');
      await waitFor('one pod', async () => (await podNames()).length === 1, 180_000);
      await published(await podNames(), apiServices);
    }));

  test('while Prometheus is away replicas stay, also where the load has ended; then autoscalers go on', async (t) => {
    const before = await scales();
    const counts = await computations(cluster);
    const stoppedMs = performance.now();
    await prometheus.stop();
    stopLoad();
    await setQueue(cluster, 0);
    await moreComputations(cluster, 2 * syncsOfOutage, syncsTimeoutMs);
    const { all, failed } = await computations(cluster);
    t.diagnostic(`${all - counts.all} computations of autoscalers, ${failed - counts.failed} failed`);
    t.diagnostic(`replicas stayed for ${seconds(stoppedMs)} s`);
    assert.deepEqual(await scales(), before);
    await prometheus.start();
    await Promise.all([
      shop.reached(1, scaleTimeoutMs).then((seconds) => t.diagnostic(`1 replica after ${seconds.toFixed(0)} s`)),
      workers.reached(0, scaleTimeoutMs).then((seconds) => t.diagnostic(`no worker after ${seconds.toFixed(0)} s`)),
    ]);
  });

  test('autoscalers go up again, one of them from zero', async (t) => {
    load = await sendRequests(cluster);
    await setQueue(cluster, 3);
    await Promise.all([
      shop.reached(2, scaleTimeoutMs).then((seconds) => t.diagnostic(`2 replicas after ${seconds.toFixed(0)} s`)),
      workers.reached(2, scaleTimeoutMs).then((seconds) => t.diagnostic(`2 workers after ${seconds.toFixed(0)} s`)),
    ]);
    for (const event of [...(await shop.events()), ...(await workers.events())]) t.diagnostic(event);
  });

  test('another server of external.metrics.k8s.io is left alone', { skip: brief }, (t) =>
    withoutFailure(t, async () => {
      await walk(giveExternalAway);
      const given = await specOf(externalApiService);
      const wanted = { check: 'custom-metrics', code: 'custom-api-elsewhere', object: externalApiService };
      const { severity, evidence } = await findingOf(cluster, wanted, findingTimeoutMs);
      t.diagnostic(`doctor: ${severity}: ${evidence}`);
      // A repair of caBundle would come at once.
      await moreComputations(cluster, 2 * syncsAfterStep, syncsTimeoutMs);
      assert.equal(await specOf(externalApiService), given);
      for (const name of apiServices)
        assert.equal(await serviceOf(name), name === externalApiService ? 'prometheus-adapter' : 'metrics-server');
    }),
  );

  test('it comes back without a failed request or computation of an autoscaler', (t) =>
    withoutFailure(t, async () => {
      await walk(goBackToAdapter);
      for (const name of apiServices) assert.equal(await serviceOf(name), 'prometheus-adapter');
    }));

  /** Replicas of both stay, for some computations after the work. */
  async function withoutFailure(t: TestContext, work: () => Promise<void>): Promise<void> {
    await using lister = await list(['v1beta1', 'v1']);
    await using custom = await listCustom();
    const [counts, warnings, replicas] = [
      await computations(cluster),
      await autoscalerWarnings(cluster, shopNamespace),
      await scales(),
    ];
    const startedMs = performance.now();
    await work();
    t.diagnostic(`the steps took ${seconds(startedMs)} s`);
    await moreComputations(cluster, 2 * syncsAfterStep, syncsTimeoutMs);
    const { all, failed } = await computations(cluster);
    t.diagnostic(`${all - counts.all} computations of autoscalers, ${failed - counts.failed} failed`);
    assert.deepEqual(await autoscalerWarnings(cluster, shopNamespace), warnings);
    assert.equal(failed - counts.failed, 0);
    assert.deepEqual(await scales(), replicas);
    await Promise.all([lister.more(10), custom.more(10)]);
    assertNoFailure(t, lister.answers);
    assertNoFailure(t, custom.answers);
  }

  async function walk(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step[0] !== 'apply') await cluster.kubectl(step, { timeoutMs: stepTimeoutMs });
      else {
        const [verb, , , ...options] = step;
        await cluster.kubectl([verb, ...options, '-f', '-'], { input: toList(objects) });
      }
    }
  }

  function listCustom(): Promise<Lister> {
    const token = credentials.readerToken;
    return startLister(cluster, { url: cluster.apiServerUrl, paths: [requestsPath, queuePath], token, everyMs: 200 });
  }

  /** Returns the replicas that both autoscalers want. */
  function scales(): Promise<string> {
    const what = '{range .items[*]}{.metadata.name}={.spec.replicas} {end}';
    return fieldOf(cluster, shopNamespace, 'deployments', what);
  }

  /** Returns the spec, and the annotations, in which a root may be staged. */
  function specOf(apiService: string): Promise<string> {
    return cluster.kubectl(['get', 'apiservice', apiService, '-o', 'jsonpath={.spec} {.metadata.annotations}']);
  }

  function serviceOf(apiService: string): Promise<string> {
    return cluster.kubectl(['get', 'apiservice', apiService, '-o', 'jsonpath={.spec.service.name}']);
  }

  function ofTakeOver(all: readonly KubernetesObject[]): KubernetesObject[] {
    return all.filter(
      ({ kind, metadata }) =>
        !registration.base.some((each) => each.kind === kind && each.metadata.name === metadata.name),
    );
  }
});

const seconds = (sinceMs: number): string => ((performance.now() - sinceMs) / 1000).toFixed(0);

const readerName = 'kubegauge-e2e-custom-reader';
const apiVersion = 'rbac.authorization.k8s.io/v1';
const readerRights: readonly KubernetesObject[] = [
  {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: readerName },
    rules: [
      { apiGroups: ['custom.metrics.k8s.io', 'external.metrics.k8s.io'], resources: ['*'], verbs: ['get', 'list'] },
    ],
  } as KubernetesObject,
  {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name: readerName },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: readerName },
    subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: 'e2e-users' }],
  } as KubernetesObject,
];
