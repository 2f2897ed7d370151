/** This pod's root in both APIServices, with the informer of pods: readiness, reports and metrics. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { createPods } from '../../src/cluster/pods.ts';
import { type CaBundles, type CaBundlesOptions, createCaBundles } from '../../src/command/cabundles.ts';
import { claimIntervalMs, claimPod } from '../../src/command/podclaim.ts';
import { createRegistry, type Registry } from '../../src/monitoring.ts';
import { createPodRoot } from '../../src/tls/podroot.ts';
import { propagationMs } from '../../src/trustpublication/publicationdecision.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import type { KubeObject } from '../fakes/kubeobjects.ts';
import { createRecordingLog, type RecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';
import {
  apiService,
  type ApiServiceObject,
  type ApiServiceParts,
  bundleOf,
  ownerNamed,
  serverPod,
  serverService,
  service,
} from '../unit/trustpublication/apiservices.ts';

const owner = ownerNamed('new');
const names = ['v1.metrics.k8s.io', 'v1beta1.metrics.k8s.io'];
const root = createPodRoot(owner);

let api: FakeApiServer;
let rest: RestClient;
let clock: FakeClock;
let recorded: RecordingLog;
let registry: Registry;
let stop: AbortController;
let ended: Promise<unknown>;

beforeEach(async () => {
  api = await createFakeApiServer();
  rest = createRestClient(api.connection);
  clock = createFakeClock();
  recorded = createRecordingLog();
  registry = createRegistry();
  stop = new AbortController();
  ended = Promise.resolve();
  api.objects.set(serverService);
  api.objects.set(serverPod('new'));
});

afterEach(async () => {
  stop.abort();
  await ended;
  await rest[Symbol.asyncDispose]();
  await api.close();
});

function setApiServices(parts: ApiServiceParts): void {
  for (const name of names) api.objects.set(apiService({ name, ...parts }) as KubeObject & ApiServiceObject);
}

const alone = { isHeld: () => true, run: () => Promise.resolve() };

function start(
  claim: CaBundlesOptions['claim'] = alone,
  own = root,
  apiServices: readonly string[] = names,
): CaBundles {
  const { log } = recorded;
  const pods = createPods({ rest, clock, log });
  const identity = { owner, service, names: () => [] };
  const options = {
    apiServices,
    pod: identity,
    claim,
    root: own,
    rest,
    pods,
    isSeparate: () => true,
    registry,
    clock,
    log,
  };
  const bundles = createCaBundles(options);
  ended = Promise.all([ended, pods.run(stop.signal), bundles.run(stop.signal)]);
  return bundles;
}

const current = (name: string) => api.objects.get('APIService', name) as KubeObject & ApiServiceObject;

test('an APIService of custom metrics gets the root, and one that names another adapter is left alone', async () => {
  setApiServices({});
  const [ours, other] = ['v1beta2.custom.metrics.k8s.io', 'v1beta1.external.metrics.k8s.io'];
  const adapter = { service: { namespace: 'monitoring', name: 'prometheus-adapter' } };
  api.objects.set(apiService({ name: ours }) as KubeObject & ApiServiceObject);
  api.objects.set({ ...apiService({ name: other }), spec: adapter });
  const bundles = start(alone, root, [...names, ours, other]);
  await until('the roots are in the bundles', () =>
    [...names, ours].every((name) => current(name).spec.caBundle !== undefined),
  );
  assert.equal(bundleOf(current(ours)), root.pem);
  await until('all are seen', () =>
    bundles.reports().every(({ state }) => state !== 'the APIService was not read yet'),
  );
  assert.equal(current(other).spec.caBundle, undefined);
  assert.equal(
    bundles.reports().find(({ apiService: name }) => name === other)?.state,
    'the APIService names another Service',
  );
  await until('the bundles are seen', () =>
    bundles.reports().every(({ state }) => /holds our root|another Service/.test(state)),
  );
  await clock.advance(propagationMs);
  await until('the pod is ready', () => bundles.problem() === undefined);
});

test('the pod is ready when both bundles hold its root', async () => {
  setApiServices({});
  const bundles = start();
  await until('the roots are in the bundles', () => names.every((name) => current(name).spec.caBundle !== undefined));
  for (const name of names) assert.equal(bundleOf(current(name)), root.pem);
  await until('both are seen', () => bundles.reports().every(({ state }) => state === 'the bundle holds our root'));
  assert.match(bundles.problem()?.text ?? '', /^v1\.metrics\.k8s\.io: the bundle holds our root/);
  await clock.advance(propagationMs);
  await until('the pod is ready', () => bundles.problem() === undefined);
  const metrics = await registry.metrics();
  for (const name of names) assert.ok(metrics.includes(`kubegauge_ca_bundle_ready{apiservice="${name}"} 1\n`));
  assert.ok(metrics.includes('kubegauge_ca_bundle_patches_total{write="append"} 2\n'));
});

test('verification begins as soon as the informer reports that the old server is gone', async () => {
  setApiServices({ insecure: true });
  api.objects.set(serverPod('old', 'old'));
  const bundles = start();
  await until('both wait for the old server', () =>
    bundles.reports().every(({ state }) => state.includes('kubegauge-old')),
  );
  assert.equal(bundles.problem(), undefined);
  await until('the informer watches', () => recorded.lines.some((line) => line.includes('listed')));
  await until('all watches are open', () => api.watches.count() === 3);
  api.objects.delete('Pod', 'kubegauge-old', service.namespace);
  // The clock stands still: only the event can lead to this.
  await until('both are verified', () => names.every((name) => current(name).spec.insecureSkipTLSVerify === undefined));
});

test('without the right to read APIServices the pod is ready, and nothing counts as degraded', async () => {
  setApiServices({ insecure: true });
  api.faults.answer = ({ path }) => (path.includes('apiservices') ? 403 : undefined);
  const bundles = start();
  await until('the pod is ready', () => {
    void clock.advance(1_000);
    return bundles.problem() === undefined;
  });
  for (const { state, trouble } of bundles.reports()) {
    assert.match(state, /may not read the APIService; apply manifests\/base/);
    assert.equal(trouble, false);
  }
  assert.equal(recorded.lines.filter((line) => line.includes('may not read')).length, 1);
});

test('without the right to read an APIService of custom metrics the pod is ready for metrics.k8s.io, also while another pod serves', async () => {
  setApiServices({ insecure: true });
  api.objects.set(serverPod('other'));
  api.faults.answer = ({ path }) => (path.includes('custom.metrics.k8s.io') ? 403 : undefined);
  const bundles = start(alone, root, [...names, 'v1beta2.custom.metrics.k8s.io']);
  await until('the pod is ready', () => {
    void clock.advance(1_000);
    return bundles.problem() === undefined;
  });
  assert.match(bundles.reports().at(-1)?.state ?? '', /may not read the APIService/);
});

test('where the right to read an APIService is missing, the message names the manifests that grant it', async () => {
  setApiServices({ insecure: true });
  api.faults.answer = ({ path }) => (path.includes('apiservices') ? 403 : undefined);
  const granting: Readonly<Record<string, string>> = {
    'v1beta1.metrics.k8s.io': 'apply manifests/base for verified TLS',
    'v1beta2.custom.metrics.k8s.io': 'add manifests/components/custom-metrics to your kustomization',
    'v1beta1.custom.metrics.k8s.io': 'add manifests/components/custom-metrics to your kustomization',
    'v1beta1.external.metrics.k8s.io': 'add manifests/components/external-metrics to your kustomization',
  };
  const bundles = start(alone, root, Object.keys(granting));
  await until('each right is missing', () => {
    void clock.advance(1_000);
    return bundles.reports().every(({ state }) => state.includes('may not read the APIService'));
  });
  const ends = Object.fromEntries(bundles.reports().map(({ apiService, state }) => [apiService, state.split('; ')[1]]));
  assert.deepEqual(ends, granting);
});

test('a second process of the pod leaves the root of the first alone, and publishes its own once that has ended', async () => {
  setApiServices({});
  const { log } = recorded;
  const claimOf = () =>
    claimPod({ uid: owner.uid, cluster: api.connection.url, secret: () => 'Bearer a-token-of-this-pod', clock, log });
  const first = await claimOf();
  start(first);
  await until('the roots are in the bundles', () => names.every((name) => current(name).spec.caBundle !== undefined));
  registry = createRegistry();
  await using second = await claimOf();
  const bundles = start(second, createPodRoot(owner));
  await until('the second knows both', () => bundles.reports().every(({ trouble }) => trouble));
  for (const { state, ready } of bundles.reports()) {
    assert.match(state, /^caBundle is left to another process of this pod/);
    assert.equal(ready, false);
  }
  assert.match(bundles.problem()?.text ?? '', /left to another process of this pod/);
  assert.ok(recorded.lines.some((line) => line.includes('another process of this pod serves')));
  for (const name of names) assert.equal(bundleOf(current(name)), root.pem);
  await first[Symbol.asyncDispose]();
  await clock.advance(claimIntervalMs);
  await until('its root is in the bundles', () => names.every((name) => bundleOf(current(name)) !== root.pem));
});
