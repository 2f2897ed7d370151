import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PodInfo } from '../../../src/cluster/pods.ts';
import { createExpectations } from '../../../src/command/expectations.ts';
import { createFakeClock } from '../../fakes/clock.ts';

function setUp() {
  const clock = createFakeClock();
  const pods = new Map<string, PodInfo>();
  const reported = new Set<string>();
  const listeners: ((pod: PodInfo) => void)[] = [];
  const expectations = createExpectations({
    pods: {
      get: (namespace, name) => pods.get(`${namespace}/${name}`),
      values: () => pods.values(),
      onSet: (listener) => void listeners.push(listener),
    },
    usage: { isReported: ({ uid }) => reported.has(uid) },
    clock,
  });
  const add = (name: string, uid = `uid of ${name}`, node: string | undefined = 'node-a') => {
    const none = {
      labels: new Map(),
      configHash: undefined,
      createdSeconds: undefined,
      endedContainers: '',
      hostNetwork: false,
    };
    const pod = { namespace: 'shop', name, uid, node, ...none };
    pods.set(`shop/${name}`, pod);
    for (const listener of listeners) listener(pod);
    return uid;
  };
  /** Returns the answer after so many seconds, with a request each second. */
  const after = async (seconds: number, node = 'node-a') => {
    let answer = expectations.anyUnreported(node);
    for (let second = 0; second < seconds; second += 1) {
      await clock.advance(1_000);
      answer = expectations.anyUnreported(node);
    }
    return answer;
  };
  return { pods, reported, expectations, add, after };
}

describe('kubelets are expected to report', () => {
  test('a running pod', () => {
    const { expectations, add } = setUp();
    add('web');
    assert.ok(expectations.isRunning('shop', 'web', 'node-a'));
    assert.ok(!expectations.isRunning('shop', 'other', 'node-a'));
  });

  test('a running pod on its own node only, if the API names it', () => {
    const { expectations, pods, add } = setUp();
    add('web');
    add('unbound');
    pods.set('shop/unbound', { ...pods.get('shop/unbound')!, node: undefined });
    assert.ok(!expectations.isRunning('shop', 'web', 'node-b'));
    assert.ok(expectations.isRunning('shop', 'unbound', 'node-b'));
  });

  test('an unreported pod, on its own node only', async () => {
    const { expectations, add, after } = setUp();
    add('web', 'uid-1', 'node-b');
    assert.equal(await after(121, 'node-a'), false);
    assert.equal(expectations.anyUnreported('node-b'), true);
  });

  test('an unreported pod without a node, on every node', async () => {
    const { expectations, pods, add, after } = setUp();
    add('web', 'uid-1', '');
    pods.set('shop/web', { ...pods.get('shop/web')!, node: undefined });
    // It changes, as the informer says.
    for (const node of ['node-a', 'node-b']) assert.equal(expectations.anyUnreported(node), false);
    assert.equal(await after(121 + 300, 'node-a'), true);
    assert.equal(expectations.anyUnreported('node-b'), true);
  });

  test('a pod that the API places later, on its own node only', async () => {
    const { expectations, pods, add, after } = setUp();
    add('web', 'uid-1', '');
    pods.set('shop/web', { ...pods.get('shop/web')!, node: undefined });
    assert.equal(await after(121 + 300, 'node-a'), true);
    add('web', 'uid-1', 'node-b');
    assert.equal(expectations.anyUnreported('node-a'), false);
    assert.equal(await after(121 + 300, 'node-a'), false);
    assert.equal(expectations.anyUnreported('node-b'), true);
  });

  test('new pods of a node that was not scraped while its old pods went', async () => {
    const { expectations, pods, add, after } = setUp();
    for (let index = 0; index < 20; index += 1) add(`old-${index}`, `old-${index}`, 'node-b');
    pods.clear();
    await after(301, 'node-a');
    add('new', 'new', 'node-b');
    await after(121, 'node-a');
    assert.equal(expectations.anyUnreported('node-b'), true);
  });

  test('a pod on its node beside a thousand unreported pods of other nodes', async () => {
    const { expectations, add, after } = setUp();
    for (let index = 0; index < 2_000; index += 1) add(`web-${index}`, `uid-${index}`, 'node-b');
    add('late', 'late', 'node-a');
    assert.equal(await after(121, 'node-a'), true);
    assert.equal(expectations.anyUnreported('node-c'), false);
  });

  test('each running pod within two minutes', async () => {
    const { reported, add, after } = setUp();
    const uid = add('web');
    assert.equal(await after(119), false);
    assert.equal(await after(2), true);
    reported.add(uid);
    assert.equal(await after(1), false);
  });

  test('no pod that is gone or was replaced', async () => {
    const { pods, add, after } = setUp();
    add('web');
    add('job');
    assert.equal(await after(60), false);
    pods.delete('shop/web');
    add('job', 'another uid');
    assert.equal(await after(119), false);
    assert.equal(await after(2), true);
  });

  test('pods that were reported before', async () => {
    const { reported, add, after } = setUp();
    reported.add(add('web'));
    assert.equal(await after(10), false);
    reported.clear();
    assert.equal(await after(119), false);
    assert.equal(await after(302), true);
  });

  test('many pods, in slices', async () => {
    const { reported, add, after } = setUp();
    for (let index = 0; index < 6_000; index += 1) reported.add(add(`web-${index}`));
    reported.delete('uid of web-5999');
    assert.equal(await after(119), false);
    assert.equal(await after(6), true);
  });
});
