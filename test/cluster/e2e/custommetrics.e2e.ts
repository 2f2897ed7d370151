/**
 * custom.metrics.k8s.io from kubelets, by the kustomization of docs/kubelet-metrics.md: an autoscaler follows the traffic
 * of pods without Prometheus, and nothing else in the cluster is disturbed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { V1ClusterRole, V1RoleBinding, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import { catalogue } from '../../../src/kubeletsource/catalogue.ts';
import { familiesOf } from '../../../src/sample/seriescolumns.ts';
import type { KubernetesObject } from '../registration.ts';
import { waitFor } from '../wait.ts';
import { ask } from './ask.ts';
import { metricsAutoscaler, scaledDeployment, watchScaling } from './autoscaler.ts';
import {
  askAsAdmin,
  causesIn,
  customApiServices,
  customPath,
  podsPath,
  sendTraffic,
  valuesIn,
} from './custommetrics.ts';
import { documentedKustomization } from './documentedkustomization.ts';
import { examineCluster, findingOf, paste } from './examination.ts';
import { harness } from './harness.ts';
import { type CadvisorRow, cadvisorRows } from './kubelet.ts';
import { buildManifests } from './kustomized.ts';
import { heldBytes, loadNamespace, loadPods } from './loads.ts';
import { makeNamespace } from './namespaces.ts';
import { addArgs, fitToCluster, listServerPods, rolledOut } from './podserver.ts';
import { apply, fieldOf, podsReady } from './pods.ts';
import { isAmong, removeObjects } from './registration.ts';
import { shortResolution } from './server.ts';
import { assertNoFailure, createVerifiedPods, inKubeSystem } from './verifiedpods.ts';

const shared = harness();
const { brief, cluster, credentials, program, registration } = shared;
const { begin, list, published, podNames } = createVerifiedPods(shared);

const namespace = 'e2e-custom';
const received = 'network_receive_bytes_per_second';
/** The second sample of cAdvisor is at most 30 s after the first; a scrape and a busy machine beside it. */
const samplesTimeoutMs = 90_000;
/** That, the controller's 15 s, and a new pod. */
const scaleTimeoutMs = 120_000;
/** kube-apiserver looks at an APIService every 30 s. */
const doctorTimeoutMs = 120_000;
const inFull = { skip: brief && 'integration tests have it' };
const bytesPerSecond = 300_000;
/** What one pod is to get: a load of more than two replicas, which falls below one replica in half a window. */
const targetBytesPerSecond = '140k';

const documented = documentedKustomization('docs/kubelet-metrics.md', '--custom-metrics=kubelet');
/** Beside those of the kustomization, to be faster. The short form has the shortest window, so that a rate falls sooner. */
const extraArgs = [shortResolution, ...(brief ? ['--custom-metrics-window=15s'] : [])];
const fit = (objects: readonly KubernetesObject[]) =>
  fitToCluster(cluster, objects).map((object) => addArgs(object, extraArgs));

describe('custom metrics from kubelets', { skip: program.name !== 'kubegauge' && 'the image is our own' }, () => {
  let objects: KubernetesObject[] = [];
  const ofComponents = () => objects.filter((object) => !isAmong(object, registration.base));
  const undo = new AsyncDisposableStack();

  before(async () => {
    await begin();
    await makeNamespace(cluster, namespace);
    objects = fit(await buildManifests(cluster, shared.folder, documented.components, documented.patches));
    undo.defer(() => removeObjects(cluster, ofComponents()));
    await apply(cluster, objects);
    await rolledOut(cluster);
    await registration.available();
  });
  after(() => undo.disposeAsync());

  test('its APIServices are Available and verified, and doctor finds nothing wrong with them', async () => {
    const wait = ['wait', '--for=condition=Available', '--timeout=60s'];
    await cluster.kubectl([...wait, ...customApiServices.map((name) => `apiservice/${name}`)], { timeoutMs: 70_000 });
    await published(await podNames(), customApiServices);
    await waitFor('doctor to find nothing', hasNothingToFind, doctorTimeoutMs, 1_000);
  });

  test('discovery lists all metrics, while none is wanted', async () => {
    const { status, body } = await askAsAdmin(cluster, customPath);
    assert.equal(status, 200, body);
    const { resources } = JSON.parse(body) as { resources: { name: string }[] };
    const names = new Set(resources.map(({ name }) => name));
    for (const { name } of catalogue) assert.ok(names.has(`pods/${name}`), name);
    assert.equal(await wanted(), 0);
  });

  test('a metric is scraped while a request or an autoscaler wants it', async () => {
    const raw = ['get', '--raw', podsPath(loadNamespace, received)];
    await assert.rejects(cluster.kubectl(raw), /from the next samples on/);
    assert.equal(await wanted(), 1);
    // The controller requests nothing for a target that is not there.
    const autoscaler = podsAutoscaler('absent', [
      ['threads', '1'],
      ['processes', '1'],
    ]);
    await apply(cluster, [autoscaler]);
    await waitFor('the metrics of the autoscaler to be wanted', async () => (await wanted()) === 3, 180_000);
    const haveValues = async () => {
      const found = valuesIn(await cluster.kubectl(raw));
      return loadPods.every((pod) => found.has(pod.replace(`${loadNamespace}/`, '')));
    };
    await waitFor('rates of all pods', haveValues, samplesTimeoutMs, 1_000);
    // Those samples are newer than the autoscaler, so its metric has values at the first request.
    const { status, body } = await askAsAdmin(cluster, podsPath(loadNamespace, 'processes'));
    assert.equal(status, 200, body);
    await removeObjects(cluster, [asObject(autoscaler)]);
    // The requests keep two of them for an hour.
    await waitFor('threads to be wanted no more', async () => (await wanted()) === 2, 180_000);
  });

  // Side by side: the autoscaler waits most of the time.
  describe('while an autoscaler works', { concurrency: true }, () => {
    test('an autoscaler follows the traffic, up and down', async (t) => {
      const name = 'receiver';
      const autoscaler = podsAutoscaler(name, [[received, targetBytesPerSecond]]);
      await apply(cluster, [
        scaledDeployment(cluster, namespace, name, { script: 'exec sleep infinity', requests: { cpu: '10m' } }),
        autoscaler,
      ]);
      await podsReady(cluster, namespace, `app=${name}`);
      const scaled = watchScaling(cluster, namespace, name);
      const ip = await fieldOf(
        cluster,
        namespace,
        'pods',
        `{.items[?(@.metadata.labels.app=="${name}")].status.podIP}`,
      );
      const traffic = sendTraffic(cluster, ip, bytesPerSecond);
      try {
        t.diagnostic(`2 replicas after ${(await scaled.reached(2, scaleTimeoutMs)).toFixed(0)} s`);
        const values = valuesIn((await askAsAdmin(cluster, podsPath(namespace, received))).body);
        t.diagnostic(`bytes per second: ${[...values.values()].join()}, of ${bytesPerSecond}`);
        assert.equal(traffic.exitCode, null, 'the traffic has ended too early');
      } finally {
        traffic.kill();
      }
      t.diagnostic(`1 replica after ${(await scaled.reached(1, scaleTimeoutMs)).toFixed(0)} s`);
      const events = await scaled.events();
      for (const event of events) t.diagnostic(event);
      assert.match(
        events.at(0) ?? '',
        /New size: 2; reason: pods metric network_receive_bytes_per_second above target/,
      );
      assert.match(events.at(-1) ?? '', /New size: 1; reason: All metrics below target/);
      await removeObjects(cluster, [asObject(autoscaler)]);
    });

    test('kubectl api-resources and kubectl top are as without it', async () => {
      const resources = await cluster.kubectl(['api-resources', '--no-headers']);
      assert.match(resources, /^pods +metrics\.k8s\.io\/v1 /m);
      assert.doesNotMatch(resources, /custom\.metrics/);
      const isThere = async () => (await cluster.kubectl(['top', 'pods', '-n', loadNamespace])).includes('burner');
      await waitFor('kubectl top pods', isThere, samplesTimeoutMs, 1_000);
      assert.match(await cluster.kubectl(['top', 'nodes']), new RegExp(`^${cluster.nodeName} +\\d+m `, 'm'));
    });

    test('a namespace can be deleted', async () => {
      const name = await makeNamespace(cluster, 'e2e-custom-gone');
      await cluster.kubectl(['delete', 'namespace', name, '--timeout=60s'], { timeoutMs: 70_000 });
    });

    test('a client without the right to a metric gets 403, and the documented right is enough', async () => {
      const path = podsPath(loadNamespace, received);
      const [pod] = await listServerPods(cluster);
      for (const url of [cluster.apiServerUrl, `https://${pod?.status?.podIP}:10250`])
        for (const token of [credentials.strangerToken, credentials.viewerToken])
          assert.equal((await ask(cluster, `${url}${path}`, { token })).status, 403);
      const rights = readerRights(received);
      await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(rights) });
      try {
        const asViewer = () => ask(cluster, `${cluster.apiServerUrl}${path}`, { token: credentials.viewerToken });
        await waitFor('the right to be known', async () => (await asViewer()).status === 200, 180_000);
      } finally {
        await cluster.kubectl(['delete', '-f', '-'], { input: JSON.stringify(rights) });
      }
    });

    test('each metric has values of the pods of which the kubelet has series, and causes otherwise', async (t) => {
      // Rates of single pods come later than those of others.
      const answers = await waitFor('all values', allAnswers, samplesTimeoutMs, 5_000);
      for (const [name, { values, causes }] of answers)
        t.diagnostic(`${name}: ${[...values.keys(), ...causes].join()}`);
      const [held, throttled] = ['memory_working_set_bytes', 'cpu_throttled_ratio'].map((name) => answers.get(name));
      assert.ok((held?.values.get('holder') ?? 0) >= heldBytes);
      assert.ok((throttled?.values.get('burner') ?? 0) > 0.5);
    });

    test('the kubelet sends the families that a request names, and no others', async () => {
      const families = ['container_network_receive_bytes_total', 'container_threads'];
      assert.deepEqual(new Set((await cadvisorRows(cluster, families)).map(({ family }) => family)), new Set(families));
    });
  });

  test('without the component, the flag does not hold back a rolling update', async (t) => {
    await removeObjects(cluster, ofComponents());
    const before = await podNames();
    await using lister = await list(['v1beta1']);
    await cluster.kubectl(['rollout', 'restart', 'deployment/metrics-server', inKubeSystem]);
    await rolledOut(cluster);
    await waitFor('one pod', async () => (await podNames()).length === 1, 180_000);
    assert.equal((await podNames()).filter((name) => before.includes(name)).length, 0);
    await lister.more(10);
    assertNoFailure(t, lister.answers);
  });

  test(
    'doctor finds the missing component, and its remedy registers it, verified without a restart',
    inFull,
    async (t) => {
      const finding = await found('custom-api-not-registered');
      const pastedMs = performance.now();
      await paste(cluster, finding);
      await published(await podNames(), customApiServices);
      t.diagnostic(`verified ${((performance.now() - pastedMs) / 1000).toFixed(0)} s after the remedy`);
      await waitFor('doctor to find nothing', hasNothingToFind, doctorTimeoutMs, 1_000);
    },
  );

  test('doctor finds a missing right of the component, and its remedy grants it', inFull, async () => {
    await cluster.kubectl(['delete', 'clusterrole', 'system:kubegauge-custom-metrics']);
    await paste(cluster, await found('custom-right-missing'));
    await waitFor('doctor to find nothing', hasNothingToFind, doctorTimeoutMs, 1_000);
  });

  test('doctor finds APIServices of a server without the flag, and its remedy ends them', inFull, async () => {
    const base = fitToCluster(cluster, registration.base).map((object) => addArgs(object, [shortResolution]));
    await apply(cluster, base);
    await rolledOut(cluster);
    await paste(cluster, await found('custom-api-without-source'));
    await waitFor('doctor to find nothing', hasNothingToFind, doctorTimeoutMs, 1_000);
  });

  const found = (code: string) => findingOf(cluster, { check: 'custom-metrics', code, object: '' }, doctorTimeoutMs);

  /** Throws an Error with what doctor finds, beside notes. */
  async function hasNothingToFind(): Promise<boolean> {
    const { findings } = await examineCluster(cluster, 'custom-metrics');
    const wrong = findings.filter(({ severity }) => severity !== 'note');
    if (wrong.length > 0) throw new Error(JSON.stringify(wrong));
    return true;
  }

  /** Returns the answer to each metric of the pods with loads. @throws AssertionError unless all have values of the pods of which the kubelet has series. */
  async function allAnswers(): Promise<ReadonlyMap<string, Answer>> {
    const rows = (
      await cadvisorRows(cluster, [...new Set(catalogue.flatMap(({ columns }) => familiesOf(columns)))])
    ).filter((row) => row.namespace === loadNamespace && !isNoLimit(row));
    const podsOf = (wantedFamily: string) =>
      new Set(rows.filter(({ family }) => family === wantedFamily).map(({ pod }) => pod));
    const answers = new Map<string, Answer>();
    for (const metric of catalogue) {
      const { status, body } = await askAsAdmin(cluster, podsPath(loadNamespace, metric.name));
      const answer =
        status === 200 ? { values: valuesIn(body), causes: [] } : { values: new Map(), causes: causesIn(body) };
      answers.set(metric.name, answer);
    }
    for (const metric of catalogue) {
      const { values, causes } = answers.get(metric.name) ?? assert.fail();
      const expected = familiesOf(metric.columns)
        .map(podsOf)
        .reduce((both, pods) => both.intersection(pods));
      assert.deepEqual(new Set(values.keys()), expected, metric.name);
      assert.deepEqual(new Set(causes), new Set(expected.size === 0 ? ['NoSuchSeries'] : []), metric.name);
    }
    return answers;
  }

  /** Returns how many metrics the server scrapes. */
  async function wanted(): Promise<number> {
    const [pod] = (await listServerPods(cluster)).filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    const url = `https://${pod?.status?.podIP}:10250/metrics`;
    const { body } = await ask(cluster, url, { token: credentials.readerToken });
    return Number(/^kubegauge_kubelet_metrics_wanted (\S+)$/m.exec(body)?.[1] ?? assert.fail(body));
  }
});

interface Answer {
  readonly values: ReadonlyMap<string, number>;
  /** The causes of a 404. */
  readonly causes: readonly string[];
}

/** Without a memory limit, cAdvisor says 0. */
const isNoLimit = ({ family, value }: CadvisorRow) => family === 'container_spec_memory_limit_bytes' && value === 0;

const asObject = (autoscaler: V2HorizontalPodAutoscaler) => autoscaler as unknown as KubernetesObject;

function podsAutoscaler(name: string, metrics: readonly (readonly [string, string])[]): V2HorizontalPodAutoscaler {
  return metricsAutoscaler(
    { name, namespace },
    1,
    metrics.map(([metric, averageValue]) => ({
      type: 'Pods',
      pods: { metric: { name: metric }, target: { type: 'AverageValue', averageValue } },
    })),
  );
}

/** As manifests/components/custom-metrics/README.md says, for the viewer of the tests. */
function readerRights(metric: string): object {
  const name = 'kubegauge-e2e-custom';
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const role: V1ClusterRole = {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name },
    rules: [{ apiGroups: ['custom.metrics.k8s.io'], resources: [`pods/${metric}`], verbs: ['get'] }],
  };
  const binding: V1RoleBinding = {
    apiVersion,
    kind: 'RoleBinding',
    metadata: { name, namespace: loadNamespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name: 'viewer', namespace: 'e2e-users' }],
  };
  return { apiVersion: 'v1', kind: 'List', items: [role, binding] };
}
