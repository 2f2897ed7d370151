/** How replicas share the pins of kubelets through a ConfigMap, and what they do without it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createOutage } from '../../src/client/outage.ts';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { field, text } from '../../src/client/json.ts';
import { graceMs, lookEveryMs, removeDepartedNodes } from '../../src/kubelet/pins/departednodes.ts';
import { KubeletPins, type KubeletPinsOptions, openAgeMs } from '../../src/kubelet/pins/kubeletpins.ts';
import { pinsConfigMapName } from '../../src/kubelet/pins/pinconfigmap.ts';
import { formatPins, type Pin, pinKey, pinsLimitBytes } from '../../src/kubelet/pins/pinlist.ts';
import type { Proof } from '../../src/kubelet/pins/proof.ts';
import { silentLogger } from '../../src/logging.ts';
import { createFakeApiServer, type FakeApiServer, type ReceivedRequest } from '../fakes/apiserver.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { node, pinsConfigMap } from '../fakes/kubeobjects.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';

const key = (of: string): Proof => `sha256:${createHash('sha256').update(of).digest('base64')}`;
const good = { kind: 'good' };
const names = ['a', 'b', 'c', 'd', 'e'].map((end) => `node-${end}`);
let apiServer: FakeApiServer;
let clock: FakeClock;
let rests: RestClient[];

beforeEach(async () => {
  apiServer = await createFakeApiServer();
  apiServer.objects.set(pinsConfigMap());
  clock = createFakeClock();
  rests = [];
});
afterEach(async () => {
  await Promise.all(rests.map((rest) => rest[Symbol.asyncDispose]()));
  await apiServer.close();
});

function restOf(): RestClient {
  const rest = createRestClient(apiServer.connection, { outage: createOutage(clock) });
  rests.push(rest);
  return rest;
}

function replica(options: Partial<KubeletPinsOptions> = {}): KubeletPins {
  return new KubeletPins({
    rest: restOf(),
    namespace: 'kube-system',
    mayWrite: () => true,
    uidOf: (name) => `uid-${name}`,
    nodes: () => names.map((name) => ({ name, uid: `uid-${name}` })),
    clock,
    log: silentLogger,
    ...options,
  });
}

/** Real milliseconds, for a busy machine. */
const limitMs = 60_000;
/** Milliseconds of the fake clock per turn: short beside what kube-apiserver takes. */
const stepMs = 10;

/** Lets the fake clock run until the condition holds. */
async function advanceUntil(description: string, condition: () => boolean): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${description}`);
    await clock.advance(stepMs);
  }
}

async function settled<T>(promise: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  promise.then(over, over);
  await advanceUntil('the promise settles', () => isOver);
  return promise;
}

const check = (pins: KubeletPins, name: string, proof: Proof) => settled(pins.check(name, proof));
const shared = () =>
  text(field(field(apiServer.objects.get('ConfigMap', pinsConfigMapName, 'kube-system'), 'data'), 'pins'));
const share = (pins: Record<string, Pin>) =>
  apiServer.objects.set(pinsConfigMap({ pins: formatPins(new Map(Object.entries(pins))) }));
const requests = (method: string) => apiServer.requests.filter((request) => request.method === method).length;

test('the check of an open connection sees another key within a minute, reads no more often, and pins nothing', async () => {
  const server = replica();
  const again = (proof: Proof) => settled(server.check('node-a', proof, true));
  assert.deepEqual(await check(server, 'node-a', key('attacker')), good);
  const before = requests('GET');
  assert.deepEqual(await again(key('attacker')), good);
  share({ 'node-a': { uid: 'uid-node-a', proof: key('a') } });
  await clock.advance(openAgeMs - 1_000);
  assert.deepEqual(await again(key('attacker')), good);
  assert.equal(requests('GET'), before);
  await clock.advance(1_000);
  assert.deepEqual(await again(key('attacker')), { kind: 'changed', pinned: key('a') });
  assert.equal((await settled(server.check('node-b', key('b'), true))).kind, 'unrecorded');
  assert.equal(shared()?.includes('node-b'), false);
});

test('an open connection goes on while the pins cannot be read, which is tried once a minute', async () => {
  const server = replica();
  assert.deepEqual(await check(server, 'node-a', key('a')), good);
  apiServer.faults.answer = () => 503;
  await clock.advance(openAgeMs);
  const before = apiServer.requests.length;
  for (let scrapes = 0; scrapes < 4; scrapes += 1) {
    assert.deepEqual(await settled(server.check('node-a', key('a'), true)), good);
    await clock.advance(openAgeMs / 5);
  }
  assert.equal(apiServer.requests.length, before + 1);
});

test('a first use is written to the ConfigMap before it is good', async () => {
  const pins = replica();
  assert.deepEqual(await check(pins, 'node-a', key('1')), good);
  assert.equal(shared(), `node-a uid-node-a ${key('1')}\n`);
  assert.deepEqual(await check(pins, 'node-a', key('1')), good);
  assert.deepEqual(await check(pins, 'node-a', key('2')), { kind: 'changed', pinned: key('1') });
  assert.equal(pins.note(), undefined);
});

test('many first uses are one write', async () => {
  const pins = replica();
  const names = Array.from({ length: 500 }, (_, index) => `node-${index}`);
  const verdicts = await settled(Promise.all(names.map((name) => pins.check(name, key(name)))));
  assert.ok(verdicts.every(({ kind }) => kind === 'good'));
  assert.equal(requests('PUT'), 1);
  assert.equal(requests('GET'), 1);
});

test('of two replicas that write at once the first one wins, and the other refuses its own key', async () => {
  const [one, two] = [replica(), replica()];
  const verdicts = await settled(
    Promise.all([one.check('node-a', key('1')), two.check('node-a', key('2')), two.check('node-b', key('b'))]),
  );
  assert.equal(verdicts.filter(({ kind }) => kind === 'changed').length, 1);
  assert.deepEqual(verdicts[2], good);
  const winner = verdicts[0]?.kind === 'good' ? key('1') : key('2');
  assert.equal(shared(), `node-a uid-node-a ${winner}\nnode-b uid-node-b ${key('b')}\n`);
  for (const each of [one, two]) assert.deepEqual(await check(each, 'node-a', winner), good);
});

test('a replica that has not read for a while reads again, so the other one is known to it', async () => {
  const [one, two] = [replica(), replica()];
  await check(two, 'node-b', key('b'));
  await check(one, 'node-a', key('1'));
  assert.deepEqual(await check(two, 'node-a', key('2')), { kind: 'changed', pinned: key('1') });
});

test('a Node with another UID is a new first use', async () => {
  let uid = 'first';
  const pins = replica({ uidOf: () => uid });
  await check(pins, 'node-a', key('1'));
  uid = 'second';
  assert.deepEqual(await check(pins, 'node-a', key('2')), good);
  assert.equal(shared(), `node-a second ${key('2')}\n`);
});

test('a Node without a UID is not pinned', async () => {
  const pins = replica({ uidOf: () => undefined });
  assert.deepEqual(await check(pins, 'node-a', key('1')), { kind: 'unrecorded', reason: 'its Node has no UID' });
  assert.equal(requests('PUT'), 0);
});

test('a node that had a certificate of a trusted CA is refused with a key', async () => {
  const pins = replica();
  await check(pins, 'node-a', key('1'));
  assert.deepEqual(await check(pins, 'node-a', 'ca'), good);
  assert.deepEqual(await check(replica(), 'node-a', key('1')), { kind: 'changed', pinned: 'ca' });
});

test('a pin that `kubegauge trust` has replaced counts at the next try, and the previous key no longer does', async () => {
  const pins = replica();
  await check(pins, 'node-a', key('1'));
  await check(pins, 'node-a', key('2'));
  share({ 'node-a': { uid: 'uid-node-a', proof: key('2') } });
  await clock.advance(1_000);
  assert.deepEqual(await check(pins, 'node-a', key('2')), good);
  await clock.advance(10_000);
  assert.deepEqual(await check(pins, 'node-a', key('1')), { kind: 'changed', pinned: key('2') });
});

describe('pins are in memory only, and /status says why:', () => {
  /** An answer of kube-apiserver has to last before it counts. */
  const afterGrace = async (pins: KubeletPins, why: RegExp) => {
    assert.equal((await check(pins, 'node-a', key('2'))).kind, 'unrecorded');
    assert.equal(pins.note(), undefined);
    await clock.advance(30_000);
    await inMemory(pins, why);
  };
  const inMemory = async (pins: KubeletPins, why: RegExp) => {
    assert.deepEqual(await check(pins, 'node-a', key('1')), good);
    assert.deepEqual(await check(pins, 'node-a', key('2')), { kind: 'changed', pinned: key('1') });
    assert.match(pins.note() ?? '', /^the keys of kubelets are pinned in memory only, so a restart pins them anew: /);
    assert.match(pins.note() ?? '', why);
    assert.equal(shared(), undefined);
  };

  test('outside of a pod', () => inMemory(replica({ namespace: undefined }), /outside of a pod$/));
  test('while kubelets get our own token', () =>
    inMemory(replica({ mayWrite: () => false }), /kubelets get the token of this server/));
  test('without the right', () => {
    apiServer.faults.answer = ({ path }) => (path.includes('/configmaps/') ? 403 : undefined);
    return afterGrace(replica(), /answers 403/);
  });
  test('without the right to update, however often it is tried', async () => {
    apiServer.faults.answer = ({ method }) => (method === 'PUT' ? 403 : undefined);
    const pins = replica();
    await afterGrace(pins, /answers 403/);
    for (let minute = 0; minute < 3; minute += 1) {
      await clock.advance(60_000);
      await inMemory(pins, /answers 403/);
    }
  });
  test('without the ConfigMap', () => {
    apiServer.objects.delete('ConfigMap', pinsConfigMapName, 'kube-system');
    return afterGrace(replica(), /./);
  });
});

test('what was pinned in memory is shared once it can be, and never over what is shared', async () => {
  const { log, lines } = createRecordingLog();
  let isSeparate = false;
  const pins = replica({ mayWrite: () => isSeparate, log });
  await check(pins, 'node-a', key('1'));
  await check(pins, 'node-b', key('b'));
  await check(pins, 'node-c', key('c'));
  share({ 'node-a': { uid: 'uid-node-a', proof: key('2') }, 'node-c': { uid: 'newer', proof: key('3') } });
  isSeparate = true;
  await clock.advance(10_000);
  assert.deepEqual(await check(pins, 'node-a', key('1')), { kind: 'changed', pinned: key('2') });
  await advanceUntil('node-b is shared', () => shared()?.includes('node-b') === true);
  assert.equal(shared(), `node-a uid-node-a ${key('2')}\nnode-b uid-node-b ${key('b')}\nnode-c newer ${key('3')}\n`);
  assert.equal(pins.note(), undefined);
  assert.equal(lines.filter((line) => line === 'warn: keys of kubelets are pinned in memory only').length, 1);
});

test('what was pinned in memory is good although sharing it fails', async () => {
  let isSeparate = false;
  const pins = replica({ mayWrite: () => isSeparate });
  await check(pins, 'node-a', key('1'));
  isSeparate = true;
  apiServer.faults.answer = ({ method }) => (method === 'PUT' ? 500 : undefined);
  for (let time = 0; time < 3; time += 1) {
    await clock.advance(10_000);
    assert.deepEqual(await check(pins, 'node-a', key('2')), { kind: 'changed', pinned: key('1') });
    assert.equal((await check(pins, 'node-b', key('b'))).kind, 'unrecorded');
  }
  apiServer.faults.answer = undefined;
  await clock.advance(10_000);
  assert.deepEqual(await check(pins, 'node-b', key('b')), good);
  assert.equal(shared(), `node-a uid-node-a ${key('1')}\nnode-b uid-node-b ${key('b')}\n`);
});

test('pins that a user removes from the ConfigMap are pinned anew', async () => {
  const pins = replica();
  await check(pins, 'node-a', key('1'));
  share({});
  await clock.advance(10_000);
  assert.deepEqual(await check(pins, 'node-a', key('2')), good);
});

test('a ConfigMap that was deleted is filled again, not pinned anew', async () => {
  const pins = replica();
  await check(pins, 'node-a', key('1'));
  const remove = () => apiServer.objects.delete('ConfigMap', pinsConfigMapName, 'kube-system');
  remove();
  for (const waitMs of [10_000, 30_000]) {
    await clock.advance(waitMs);
    assert.deepEqual(await check(pins, 'node-a', key('2')), { kind: 'changed', pinned: key('1') });
  }
  apiServer.objects.set(pinsConfigMap());
  await clock.advance(60_000);
  assert.deepEqual(await check(pins, 'node-a', key('2')), { kind: 'changed', pinned: key('1') });
  await advanceUntil('the pin is shared', () => shared() === `node-a uid-node-a ${key('1')}\n`);
  // And so fast that it was never seen to be away.
  remove();
  apiServer.objects.set(pinsConfigMap());
  await clock.advance(10_000);
  assert.deepEqual(await check(pins, 'node-a', key('2')), { kind: 'changed', pinned: key('1') });
  await advanceUntil('the pin is shared', () => shared() === `node-a uid-node-a ${key('1')}\n`);
});

for (const [how, object] of [
  ['replaced by our manifest', pinsConfigMap()],
  ['emptied', pinsConfigMap({ pins: '' })],
] as const) {
  test(`a ConfigMap that is ${how} is filled again, with a warning, and no other key is let in meanwhile`, async () => {
    const { log, lines } = createRecordingLog();
    const [one, two] = [replica({ log }), replica()];
    for (const name of names) assert.deepEqual(await check(one, name, key(name)), good);
    const before = shared();
    assert.deepEqual(await check(two, 'node-a', key('node-a')), good);
    apiServer.objects.set(object);
    await clock.advance(60_000);
    for (const server of [one, two]) {
      assert.deepEqual(await check(server, 'node-a', key('2')), { kind: 'changed', pinned: key('node-a') });
    }
    await advanceUntil('the pins are shared again', () => shared() === before);
    const warning = 'warn: keys of kubelets were removed at once; they are pinned again';
    assert.equal(lines.filter((line) => line === warning).length, 1);
  });
}

test('three lines that a user removes from the ConfigMap are pinned anew', async () => {
  const pins = replica();
  for (const name of names) await check(pins, name, key(name));
  share(Object.fromEntries(names.slice(3).map((name) => [name, { uid: `uid-${name}`, proof: key(name) }])));
  await clock.advance(10_000);
  assert.deepEqual(await check(pins, 'node-a', key('2')), good);
});

test('pins that another replica has removed with their Nodes stay away', async () => {
  const gone = Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [`gone-${index}`, { uid: 'u', proof: 'ca' as const }]),
  );
  share(gone);
  const { log, lines } = createRecordingLog();
  const pins = replica({ log });
  await check(pins, 'node-a', key('a'));
  share({ 'node-a': { uid: 'uid-node-a', proof: key('a') } });
  await clock.advance(10_000);
  assert.deepEqual(await check(pins, 'node-b', key('b')), good);
  assert.deepEqual([...pins.pins().keys()], ['node-a', 'node-b']);
  assert.ok(lines.every((line) => !line.startsWith('warn')));
});

test('a kube-apiserver that starts and denies everything makes no first use', async () => {
  share({ 'node-a': { uid: 'uid-node-a', proof: key('1') } });
  apiServer.faults.answer = () => 403;
  const pins = replica();
  assert.equal((await check(pins, 'node-a', key('2'))).kind, 'unrecorded');
  await clock.advance(20_000);
  assert.equal((await check(pins, 'node-a', key('2'))).kind, 'unrecorded');
  apiServer.faults.answer = undefined;
  await clock.advance(1_000);
  assert.deepEqual(await check(pins, 'node-a', key('2')), { kind: 'changed', pinned: key('1') });
});

describe('while kube-apiserver is away', () => {
  test('pinned keys are good and others are not; there are no first uses', async () => {
    const pins = replica();
    await check(pins, 'node-a', key('1'));
    apiServer.faults.answer = () => 500;
    await clock.advance(10_000);
    assert.deepEqual(await check(pins, 'node-a', key('1')), good);
    assert.deepEqual(await check(pins, 'node-a', key('2')), { kind: 'changed', pinned: key('1') });
    const verdict = await check(pins, 'node-b', key('b'));
    assert.equal(verdict.kind, 'unrecorded');
    assert.match(JSON.stringify(verdict), /kube-system\/kubegauge-kubelet-pins cannot be read or written/);
    assert.equal(pins.note(), undefined);
  });

  test('a server that has just started pins nothing', async () => {
    apiServer.faults.answer = () => 'hang up';
    const pins = replica();
    assert.equal((await check(pins, 'node-a', key('1'))).kind, 'unrecorded');
    apiServer.faults.answer = undefined;
    await clock.advance(1_000);
    assert.deepEqual(await check(pins, 'node-a', key('1')), good);
  });
});

test('damaged pins are not overwritten, and pin nothing', async () => {
  apiServer.objects.set(pinsConfigMap({ pins: `node-a uid-node-a ${key('1')}\nnode-b` }));
  const verdict = await check(replica(), 'node-c', key('c'));
  assert.equal(verdict.kind, 'unrecorded');
  assert.match(JSON.stringify(verdict), /line 2 is not/);
  assert.equal(requests('PUT'), 0);
});

test('a flood of Nodes is refused once the ConfigMap is full, and takes nothing from those that are pinned', async () => {
  const line = formatPins(new Map([['node-00000', { uid: 'u', proof: key('1') }]])).length;
  const many = Array.from({ length: Math.floor(pinsLimitBytes / line) }, (_, index) => [
    `node-${String(index).padStart(5, '0')}`,
    { uid: 'u', proof: key('1') },
  ]);
  share(Object.fromEntries(many));
  const pins = replica({ uidOf: () => 'u' });
  const verdict = await check(pins, `node-${'x'.repeat(50)}`, key('2'));
  const reason = `there is no room for more pins (${pinsLimitBytes} bytes)`;
  assert.deepEqual(verdict, { kind: 'unrecorded', reason, isFull: true });
  assert.deepEqual(await check(pins, 'node-00001', key('1')), good);
  assert.equal(requests('PUT'), 0);
});

test('other keys of the ConfigMap, labels and annotations stay', async () => {
  const { metadata, ...rest } = pinsConfigMap({ note: 'kept' });
  apiServer.objects.set({ ...rest, metadata: { ...metadata, labels: { team: 'a' } } });
  await check(replica(), 'node-a', key('1'));
  const object = apiServer.objects.get('ConfigMap', pinsConfigMapName, 'kube-system');
  assert.deepEqual(object?.['data'], { note: 'kept', pins: `node-a uid-node-a ${key('1')}\n` });
  assert.deepEqual(object?.metadata.labels, { team: 'a' });
});

describe('the pin of a Node that is gone', () => {
  const long = 'n'.repeat(120);

  async function after(ms: number, { known = [], more = {} }: { known?: string[]; more?: Record<string, Pin> } = {}) {
    share({
      ...more,
      'node-a': { uid: 'a', proof: key('a') },
      'node-b': { uid: 'old', proof: key('b') },
      [pinKey(long)]: { uid: 'l', proof: key('l') },
    });
    const pins = replica();
    await check(pins, 'node-z', 'ca');
    const stop = new AbortController();
    const { log, lines } = createRecordingLog();
    const nodes = { synced: () => true, list: () => known.map((name) => ({ name, uid: `uid-${name}` })) };
    const departed = { pins, nodes, rest: restOf(), clock, log };
    const running = removeDepartedNodes(departed, stop.signal);
    await clock.advance(ms);
    return {
      pins,
      lines,
      async [Symbol.asyncDispose]() {
        stop.abort();
        await settled(running);
      },
    };
  }

  const known = ['node-z'];

  test('stays for a while', async () => {
    await using watched = await after(graceMs, { known });
    // By the end of this write, kube-apiserver has got all requests before it.
    await check(watched.pins, 'node-y', 'ca');
    assert.deepEqual([...watched.pins.pins().keys()], ['node-a', 'node-b', 'node-y', 'node-z', pinKey(long)]);
    assert.equal(apiServer.requests.filter(({ path }) => path === '/api/v1/nodes').length, 0);
  });

  test('is removed then, also of one that was replaced by a Node with another UID', async () => {
    apiServer.objects.set(node('node-b', { uid: 'new' }));
    await using watched = await after(graceMs + lookEveryMs, { known });
    await advanceUntil('the pins are removed', () => watched.pins.pins().size === 1);
    assert.equal(shared(), 'node-z uid-node-z ca\n');
  });

  test('stays if kube-apiserver has a Node that our list leaves out (--node-selector), also with a long name', async () => {
    apiServer.objects.set(node('node-a', { uid: 'a' }));
    apiServer.objects.set(node(long, { uid: 'l' }));
    await using watched = await after(graceMs + lookEveryMs, { known });
    await advanceUntil('the pin of node-b is removed', () => !watched.pins.pins().has('node-b'));
    assert.deepEqual([...watched.pins.pins().keys()], ['node-a', 'node-z', pinKey(long)]);
  });

  const lists = () => apiServer.requests.filter(({ path }) => path === '/api/v1/nodes').length;
  const many = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        `${String(index).padStart(6, '0')}${'x'.repeat(34)}`,
        { uid: `u-${index}`, proof: key(String(index)) },
      ]),
    );

  test('is removed with thousands of others, after one list of the Nodes, page by page', async () => {
    const more = many(2_000);
    for (const name of Object.keys(more).slice(0, 600))
      apiServer.objects.set(node(name, { uid: more[name]?.uid ?? '' }));
    await using watched = await after(graceMs + lookEveryMs, { known, more });
    await advanceUntil('the pins are removed', () => watched.pins.pins().size === 601);
    assert.equal(lists(), 2);
  });

  test('is removed within minutes while there is little room, as in a blue/green replacement', async () => {
    await using watched = await after(3 * lookEveryMs, { known, more: many(5_000) });
    await advanceUntil('the pins are removed', () => watched.pins.pins().size === 1);
    assert.equal(lists(), 1);
  });

  for (const [what, answer] of [
    ['cannot be listed to its end', ({ query }: ReceivedRequest) => (query.has('continue') ? 503 : undefined)],
    ['cannot be listed', () => 403],
  ] as const) {
    test(`stays while Nodes ${what}`, async () => {
      for (const name of Object.keys(many(600))) apiServer.objects.set(node(name, { uid: 'other' }));
      apiServer.faults.answer = (request) => (request.path === '/api/v1/nodes' ? answer(request) : undefined);
      await using watched = await after(graceMs + lookEveryMs, { known });
      await advanceUntil('the look has failed', () =>
        watched.lines.some((line) => line.startsWith('warn: cannot check')),
      );
      assert.equal(watched.pins.pins().size, 4);
    });
  }
});
