/** Our root in an APIService's caBundle, over a fake kube-apiserver: GET, watch, JSON patches. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { recentOutageMs } from '../../src/client/outage.ts';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { stagedRootsAnnotation } from '../../src/trustpublication/apiserviceview.ts';
import { deniedReadRetryMs } from '../../src/trustpublication/apiservicewatch.ts';
import { podReadPauseMs, podReadsAtOnce } from '../../src/trustpublication/podreads.ts';
import {
  createPublication,
  deniedPatchRetryMs,
  type Publication,
  type PublicationOptions,
} from '../../src/trustpublication/publication.ts';
import { blockedRetryMs, propagationMs } from '../../src/trustpublication/publicationdecision.ts';
import { pruneGraceMs } from '../../src/trustpublication/publicationmemory.ts';
import { bundleLimitBytes } from '../../src/trustpublication/publishedroots.ts';
import { createBackendSource } from '../../src/trustpublication/servicebackends.ts';
import { createFakeApiServer, type FakeApiServer, type ReceivedRequest } from '../fakes/apiserver.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import type { KubeObject } from '../fakes/kubeobjects.ts';
import { countPending } from '../fakes/pendingrequests.ts';
import { createRecordingLog, type RecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';
import {
  type ApiServiceObject,
  apiService,
  bundleOf,
  endpointSlice,
  makeRoot,
  ownerOf,
  ownPod,
  podAddress,
  serverPod,
  serverService,
  service,
  type SliceParts,
} from '../unit/trustpublication/apiservices.ts';

const name = 'v1beta1.metrics.k8s.io';
const own = ownPod('m');
const ownPem = String(own.root);
const other = String(makeRoot('k'));

let api: FakeApiServer;
let rest: RestClient;
let pending: () => number;
let clock: FakeClock;
let recorded: RecordingLog;
let running: Set<string>;
let separate: boolean;
let stop: AbortController;
let ended: Promise<void>;

beforeEach(async () => {
  api = await createFakeApiServer();
  ({ rest, pending } = countPending(createRestClient(api.connection)));
  clock = createFakeClock();
  recorded = createRecordingLog();
  running = new Set(['m', 'k']);
  separate = true;
  stop = new AbortController();
  ended = Promise.resolve();
  api.objects.set(serverService);
  setPod('m');
});

afterEach(async () => {
  stop.abort();
  await ended;
  await rest[Symbol.asyncDispose]();
  await api.close();
});

/** Advances the clock unless a request is under way: kube-apiserver must not seem as slow as the machine is busy. */
async function advanceIfIdle(ms: number): Promise<void> {
  if (pending() === 0) await clock.advance(ms);
}

/** Advances the clock until the pod is ready. */
function becomesReady(publication: Publication): Promise<void> {
  return until('the pod is ready', () => {
    void advanceIfIdle(1_000);
    return publication.ready();
  });
}

function start(): Publication {
  const isRunning = ({ uid }: { readonly uid: string }) => running.has(uid);
  const isSeparate = () => separate;
  const pods = createBackendSource(rest, service);
  const { log } = recorded;
  const onState: PublicationOptions['onState'] = ({ code, state, level }) => log[level]({ code }, state);
  const shared = { rest, clock, log, name, own, ownerOf, pods };
  const options = {
    ...shared,
    isRunning,
    isSeparate,
    isFirst: () => true,
    mayHoldBack: true,
    onState,
    random: () => 0,
  };
  const publication = createPublication(options);
  ended = publication.run(stop.signal);
  return publication;
}

function setPod(uid: string, template = 'new'): void {
  api.objects.set(serverPod(uid, template));
}

function set(object: ApiServiceObject): void {
  api.objects.set(object as KubeObject & ApiServiceObject);
}

function current(): ApiServiceObject {
  return api.objects.get('APIService', name) as KubeObject & ApiServiceObject;
}

const patches = (): readonly ReceivedRequest[] => api.requests.filter(({ method }) => method === 'PATCH');
const isInsecure = () => current().spec.insecureSkipTLSVerify === true;

test('the root is staged, and verification begins when the old server has left', async () => {
  set(apiService({ insecure: true }));
  setPod('old', 'old');
  const publication = start();
  await until('the pod waits for the old server', () => publication.state().includes('kubegauge-old'));
  assert.equal(publication.ready(), true);
  assert.equal(isInsecure(), true);
  api.objects.delete('Pod', 'kubegauge-old', service.namespace);
  await clock.advance(blockedRetryMs);
  await until('the APIService is verified', () => !isInsecure());
  assert.equal(bundleOf(current()), ownPem);
  assert.equal(current().metadata.annotations, undefined);
  const [patch] = patches();
  assert.equal(patch?.path, `/apis/apiregistration.k8s.io/v1/apiservices/${name}`);
  assert.equal(patch.query.get('fieldManager'), 'kubegauge');
  assert.equal(patches().length, 2);
});

test('verification begins when an endpoint that a person added to the Service is gone', async () => {
  set(apiService({ insecure: true }));
  api.objects.set(endpointSlice());
  const publication = start();
  await until('the pod waits for the endpoint', () => publication.code() === 'EndpointByHand');
  assert.match(publication.state(), /10\.0\.0\.9 port 10250 of EndpointSlice by-hand/);
  assert.deepEqual([publication.ready(), publication.isTrouble(), isInsecure()], [true, true, true]);
  assert.ok(
    api.requests.some(({ query }) => query.get('labelSelector') === 'kubernetes.io/service-name=metrics-server'),
  );
  api.objects.delete('EndpointSlice', 'by-hand', service.namespace);
  await clock.advance(blockedRetryMs);
  await until('the APIService is verified', () => !isInsecure());
});

const waitedFor: readonly (readonly [string, SliceParts])[] = [
  ['of another program', { manager: 'custom' }],
  ['mirrored from an Endpoints object', { manager: 'endpointslicemirroring-controller.k8s.io' }],
  [
    'that ends and still serves, while none is ready',
    { conditions: { ready: false, serving: true, terminating: true } },
  ],
];
for (const [which, parts] of waitedFor) {
  test(`an endpoint ${which} delays verification`, async () => {
    set(apiService({ insecure: true }));
    api.objects.set(endpointSlice(parts));
    const publication = start();
    await until('the pod waits for the endpoint', () => publication.code() === 'EndpointByHand');
    assert.equal(isInsecure(), true);
  });
}

const notWaitedFor: readonly (readonly [string, SliceParts])[] = [
  ['of the controller, which lags behind the pods', { manager: 'endpointslice-controller.k8s.io' }],
  ['with the address of our pod', { address: podAddress }],
  ['that is not ready', { conditions: { ready: false } }],
  ['of another port than those of the Service', { port: 'metrics' }],
];
for (const [which, parts] of notWaitedFor) {
  test(`an endpoint ${which} does not delay verification`, async () => {
    set(apiService({ insecure: true }));
    api.objects.set(endpointSlice(parts));
    start();
    await until('the APIService is verified', () => !isInsecure());
  });
}

test('without the right to list EndpointSlices verification waits, and says which manifests grant it', async () => {
  set(apiService({ insecure: true }));
  api.faults.answer = ({ path }) => (path.includes('endpointslices') ? 403 : undefined);
  const publication = start();
  await until('the missing right is reported', () => publication.code() === 'EndpointsUnreadable');
  assert.deepEqual([publication.ready(), isInsecure()], [true, true]);
  api.faults.answer = undefined;
  await clock.advance(blockedRetryMs);
  await until('the APIService is verified', () => !isInsecure());
});

test('a Kubernetes without EndpointSlices does not delay verification', async () => {
  set(apiService({ insecure: true }));
  api.faults.answer = ({ path }) => (path.includes('endpointslices') ? 404 : undefined);
  start();
  await until('the APIService is verified', () => !isInsecure());
});

test('nothing is written until kubelets get tokens of another account', async () => {
  separate = false;
  set(apiService({ insecure: true }));
  const publication = start();
  await until('the pod is ready', () => publication.ready());
  assert.match(publication.state(), /token of our own ServiceAccount/);
  assert.equal(publication.isTrouble(), false);
  assert.deepEqual(patches(), []);
  separate = true;
  await clock.advance(blockedRetryMs);
  await until('verification has begun', () => !isInsecure());
});

test('a root is appended to a bundle, and the pod is ready after its propagation', async () => {
  set(apiService({ bundle: other }));
  const publication = start();
  await until('the root is in the bundle', () => bundleOf(current()) === other + ownPem);
  await until('the loop has seen it', () => publication.state() === 'the bundle holds our root');
  assert.equal(publication.ready(), false);
  await clock.advance(propagationMs);
  await until('the pod is ready', () => publication.ready());
  assert.equal(patches().length, 1);
});

test('an APIService that comes later is seen by the watch', async () => {
  const publication = start();
  await until('the absence is known', () => publication.ready() && api.watches.count() === 1);
  set(apiService());
  await until('the root is in the bundle', () => bundleOf(current()) === ownPem);
});

test('after a conflict the object is read and the patch decided again', async () => {
  set(apiService({ bundle: other }));
  api.faults.answer = ({ method }) => (method === 'PATCH' && patches().length === 1 ? 422 : undefined);
  start();
  await until('the conflict was answered', () => api.requests.filter(({ method }) => method === 'GET').length >= 3);
  await until('the retry', () => {
    void advanceIfIdle(500);
    return bundleOf(current()) === other + ownPem;
  });
  assert.equal(patches().length, 2);
});

test('a root that another writer removes is put back', async () => {
  set(apiService({ bundle: ownPem }));
  const publication = start();
  await until('the root was seen', () => publication.state() === 'the bundle holds our root');
  set(apiService({ bundle: other }));
  await until('the root is back', () => bundleOf(current()) === other + ownPem);
});

test('a pod without the right is ready while insecure, says so once, and tries again minutes later', async () => {
  set(apiService({ insecure: true }));
  api.faults.answer = ({ method }) => (method === 'PATCH' ? 403 : undefined);
  const publication = start();
  const advances: Promise<void>[] = [];
  await until('the pod is ready', () => {
    advances.push(advanceIfIdle(500));
    return publication.ready();
  });
  await Promise.all(advances);
  await until('the denial', () => publication.state().includes('denies our patch'));
  const before = patches().length;
  await clock.advance(deniedPatchRetryMs / 2);
  assert.equal(patches().length, before);
  await clock.advance(deniedPatchRetryMs / 2);
  await until('the next try', () => patches().length === before + 1);
  await until('its denial', () => publication.state().includes('denies our patch'));
  const lines = recorded.lines.filter((line) => line.includes('denie'));
  assert.deepEqual(lines, [
    'warn: a patch for caBundle was denied',
    'warn: caBundle is not maintained: kube-apiserver denies our patch of the APIService',
  ]);
});

test('a patch that kube-apiserver denies for a moment, as when it has just started, makes no pod ready without a root', async () => {
  set(apiService({ insecure: true }));
  setPod('old', 'old');
  api.faults.answer = ({ method }) => (method === 'PATCH' && patches().length <= 3 ? 403 : undefined);
  const publication = start();
  await until('the root is staged', () => {
    const isStaged = current().metadata.annotations !== undefined;
    if (!isStaged) assert.equal(publication.ready(), false);
    void advanceIfIdle(500);
    return isStaged;
  });
  assert.equal(patches().length, 4);
});

test('a pod that was denied adds its root as soon as another pod begins to verify', async () => {
  set(apiService({ insecure: true }));
  api.faults.answer = ({ method }) => (method === 'PATCH' ? 403 : undefined);
  const publication = start();
  await until('the denial', () => {
    void advanceIfIdle(500);
    return publication.state().includes('denies our patch');
  });
  api.faults.answer = () => undefined;
  set(apiService({ bundle: other }));
  // The clock stands still: only the event can lead to this.
  await until('the root is in the bundle', () => bundleOf(current()) === other + ownPem);
});

test('after a restore of etcd, which takes versions back, a lost root is put back', async () => {
  set(apiService({ bundle: other + ownPem }));
  const publication = start();
  await until('the root was seen', () => publication.state() === 'the bundle holds our root');
  await until('the watch is open', () => api.watches.count() === 1);
  api.watches.end();
  await until('the watch has ended', () => api.watches.count() === 0);
  api.objects.rewind(10);
  set(apiService({ bundle: other }));
  await until('the root is back', () => {
    void advanceIfIdle(500);
    return bundleOf(current()) === other + ownPem;
  });
});

const undone: readonly (readonly [string, ApiServiceObject])[] = [
  ['empties the bundle', apiService({ bundle: other })],
  ['takes verification back', apiService({ insecure: true })],
];
for (const [what, object] of undone) {
  test(`another writer that ${what} again and again meets ever fewer patches`, async () => {
    set(object);
    const publication = start();
    let undoings = 0;
    await until('the patches become rare', () => {
      const settled = !isInsecure() && bundleOf(current()).includes(ownPem);
      if (settled && undoings < 50) {
        undoings += 1;
        set(object);
      }
      return publication.state().includes('ever more slowly');
    });
    // The first one, and one repetition at once; each may need to stage and to switch.
    assert.ok(patches().length <= 4, `${patches().length} patches`);
    assert.equal(publication.isTrouble(), true);
  });
}

test('another writer that removes staged roots again and again meets ever fewer patches', async () => {
  set(apiService({ insecure: true }));
  setPod('old', 'old');
  const publication = start();
  await until('the patches become rare', () => {
    if (current().metadata.annotations !== undefined) set(apiService({ insecure: true }));
    return publication.state().includes('ever more slowly');
  });
  assert.ok(patches().length <= 3, `${patches().length} patches`);
});

test('another writer that puts an older root of this pod back again and again meets ever fewer patches', async () => {
  const older = String(makeRoot('m'));
  set(apiService({ bundle: ownPem }));
  const publication = start();
  await until('the root was seen', () => publication.state() === 'the bundle holds our root');
  await until('the watch is open', () => api.watches.count() === 1);
  set(apiService({ bundle: older + ownPem }));
  await until('the patches become rare', () => {
    if (!bundleOf(current()).includes(older)) set(apiService({ bundle: older + ownPem }));
    return publication.state().includes('ever more slowly');
  });
  assert.ok(patches().length <= 2, `${patches().length} patches`);
});

test('a patch that conflicts again and again counts as denied, so that an insecure pod becomes ready', async () => {
  set(apiService({ insecure: true }));
  api.faults.answer = ({ method }) => (method === 'PATCH' ? 422 : undefined);
  const publication = start();
  await becomesReady(publication);
  assert.equal(patches().length, 10);
  assert.match(publication.state(), /denies our patch/);
});

test('a patch of an APIService that was just deleted is no denial', async () => {
  set(apiService());
  api.faults.answer = ({ method }) => (method === 'PATCH' && patches().length === 1 ? 404 : undefined);
  const publication = start();
  await until('the root is in the bundle', () => {
    void advanceIfIdle(500);
    return bundleOf(current()) === ownPem;
  });
  assert.doesNotMatch(publication.state(), /denies/);
});

test('a Service that may not be read leaves the APIService insecure, and the pod ready', async () => {
  set(apiService({ insecure: true }));
  api.faults.answer = ({ path }) => (path.includes('/services/') ? 403 : undefined);
  const publication = start();
  await until('the failure is reported', () => publication.state().includes('cannot be maintained'));
  assert.equal(publication.ready(), true);
  assert.equal(isInsecure(), true);
});

test('a pod that may not read the APIService is ready, as before', async () => {
  set(apiService({ bundle: other }));
  api.faults.answer = ({ path }) => (path.includes('apiservices') ? 403 : undefined);
  const publication = start();
  await becomesReady(publication);
  assert.match(publication.state(), /may not read/);
  assert.deepEqual(patches(), []);
});

test('a pod that may not read the APIService is ready behind a Service without selector: which pods serve is unknown', async () => {
  set(apiService({ bundle: other }));
  api.objects.set({ ...serverService, spec: { ports: [{ name: 'https', port: 443 }] } });
  api.faults.answer = ({ path }) => (path.includes('apiservices') ? 403 : undefined);
  const publication = start();
  await becomesReady(publication);
  assert.match(publication.state(), /may not read/);
});

test('the right to read the APIService, when it comes later, is used within half a minute', async () => {
  set(apiService({ bundle: other }));
  api.faults.answer = ({ path }) => (path.includes('apiservices') ? 403 : undefined);
  const publication = start();
  const advances: Promise<void>[] = [];
  await until('the pod is ready', () => {
    advances.push(advanceIfIdle(1_000));
    return publication.ready();
  });
  await Promise.all(advances);
  api.faults.answer = () => undefined;
  await clock.advance(deniedReadRetryMs);
  await until('the root is in the bundle', () => bundleOf(current()) === other + ownPem);
});

test('a pod that may not read the APIService is not ready while another one serves, since kube-apiserver may verify', async () => {
  set(apiService({ bundle: other }));
  setPod('k');
  api.faults.answer = ({ path }) => (path.includes('apiservices') ? 403 : undefined);
  const publication = start();
  await until('the pod reports why', () => {
    void advanceIfIdle(1_000);
    return publication.state().includes('Not ready while kubegauge-k serves');
  });
  assert.equal(publication.ready(), false);
  assert.equal(publication.isTrouble(), true);
  api.objects.delete('Pod', 'kubegauge-k', service.namespace);
  await clock.advance(blockedRetryMs);
  await until('nothing better can happen', () => publication.ready());
  assert.match(publication.state(), /may not read/);
  assert.equal(publication.isTrouble(), false);
});

for (const [what, prepare] of [
  ['without a ServiceAccount for kubelets, as where only the image was replaced,', () => (separate = false)],
  [
    'that may not read the Service either',
    () => (api.faults.answer = ({ path }) => (/apiservices|services/.test(path) ? 403 : undefined)),
  ],
] as const) {
  test(`a pod ${what} is ready without the right to read the APIService, beside another one`, async () => {
    set(apiService({ bundle: other }));
    setPod('old', 'old');
    api.faults.answer = ({ path }) => (path.includes('apiservices') ? 403 : undefined);
    prepare();
    const publication = start();
    await becomesReady(publication);
    assert.match(publication.state(), /may not read/);
  });
}

test('another writer that takes verification back again and again causes ever fewer reads of the pods', async () => {
  set(apiService({ insecure: true }));
  setPod('old', 'old');
  const publication = start();
  const reads = () => api.requests.filter(({ path }) => path.includes('/services/')).length;
  await until('the pod waits for the old server', () => publication.state().includes('kubegauge-old'));
  const { annotations = {} } = current().metadata;
  let changes = 0;
  const change = () => set(apiService({ insecure: true, annotations, available: (changes += 1) % 2 === 0 }));
  await until('all reads at once are made', () => {
    change();
    return reads() >= podReadsAtOnce;
  });
  for (let more = 0; more < 50; more += 1) {
    change();
    await new Promise(setImmediate);
  }
  assert.equal(reads(), podReadsAtOnce);
  api.objects.delete('Pod', 'kubegauge-old', service.namespace);
  await until('the pause ends', () => {
    void advanceIfIdle(podReadPauseMs);
    return !isInsecure();
  });
});

test('a pod is not ready because a kube-apiserver that starts denies it the APIService for a moment', async () => {
  set(apiService({ bundle: other }));
  let denials = 0;
  api.faults.answer = ({ path }) => (path.includes('apiservices') && (denials += 1) <= 3 ? 403 : undefined);
  const publication = start();
  const seen: string[] = [];
  await until('the root is in the bundle', () => {
    if (publication.ready() && bundleOf(current()) === other) seen.push('ready without the root');
    void advanceIfIdle(1_000);
    return bundleOf(current()) === other + ownPem;
  });
  await becomesReady(publication);
  assert.deepEqual(seen, []);
  assert.ok(denials > 3);
});

test('a denial that comes late counts from its request: two of them are no half a minute', async () => {
  set(apiService({ bundle: other }));
  const reads = () => api.requests.filter(({ path }) => path.includes('apiservices')).length;
  api.faults.answer = ({ path }) => (path.includes('apiservices') && reads() <= 2 ? 403 : undefined);
  const publication = start();
  await until('the first denial', () => reads() === 1);
  api.faults.delayMs = 200;
  await until('the second read', () => {
    if (reads() === 1) void advanceIfIdle(100);
    return reads() === 2;
  });
  await clock.advance(recentOutageMs);
  api.faults.delayMs = 0;
  await until('the third read', () => {
    assert.equal(publication.ready(), false);
    void advanceIfIdle(100);
    return reads() > 2;
  });
});

test('a patch that is denied just after an outage is tried again soon', async () => {
  set(apiService({ bundle: other }));
  let denied = 0;
  api.faults.answer = ({ method }) => (method === 'PATCH' && (denied += 1) <= 2 ? 403 : undefined);
  rest.outage.seen();
  const publication = start();
  const startedMs = clock.monotonicMs();
  await until('the root is in the bundle', () => {
    void advanceIfIdle(500);
    return bundleOf(current()) === other + ownPem;
  });
  assert.ok(clock.monotonicMs() - startedMs < deniedPatchRetryMs);
  assert.doesNotMatch(publication.state(), /denies/);
});

test('the root of a pod that is gone is pruned, and that of a pod that only the informer lacks is not', async () => {
  set(apiService({ bundle: other + String(makeRoot('l')) + ownPem }));
  setPod('l');
  const publication = start();
  await until('the root was seen', () => publication.state() === 'the bundle holds our root');
  running = new Set(['m']);
  publication.wake();
  await clock.advance(0);
  // Two pods that are not missing come first in the order.
  await until('the gone root is pruned', () => {
    void advanceIfIdle(pruneGraceMs / 10);
    return !bundleOf(current()).startsWith(other);
  });
  assert.equal(patches().length, 1);
  assert.ok(bundleOf(current()).endsWith(ownPem));
});

for (const place of ['bundle', 'annotation'] as const) {
  test(`a pod becomes ready although the ${place} was filled by pods that are gone`, async () => {
    // Signatures differ in length by some bytes.
    const largest = Math.max(other.length, ownPem.length);
    const full = `${'#'.repeat(bundleLimitBytes - largest - 1)}\n${other}`;
    const annotations = { [stagedRootsAnnotation]: full };
    set(place === 'bundle' ? apiService({ bundle: full }) : apiService({ insecure: true, annotations }));
    running.delete('k');
    const publication = start();
    await until('the pod knows that there is no room', () => publication.code() === 'BundleTooLong');
    assert.deepEqual([publication.ready(), publication.isTrouble(), patches().length], [false, true, 0]);
    await becomesReady(publication);
    const write = place === 'bundle' ? full.replace(other, ownPem) : ownPem;
    await until('kube-apiserver verifies', () => bundleOf(current()) === write);
  });
}

test('nothing is written after the abort', async () => {
  set(apiService({ bundle: ownPem }));
  const publication = start();
  await until('the root was seen', () => publication.state() === 'the bundle holds our root');
  stop.abort();
  await ended;
  set(apiService({ bundle: other }));
  publication.wake();
  await clock.advance(pruneGraceMs);
  assert.deepEqual(patches(), []);
});
