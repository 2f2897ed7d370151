import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Flow, Lane } from '../../../src/promql/flow.ts';
import { laneLimits, RequestSlots } from '../../../src/promql/requestslots.ts';

const forever = new AbortController().signal;
const { slots, ofOneKey } = laneLimits.users;

function setUp() {
  const all = new RequestSlots();
  /** Keys in the order of their begin. */
  const begun: string[] = [];
  const releases: (() => void)[] = [];
  const take = (key: string, lane: Lane = 'users', signal = forever) =>
    all.take({ lane, key } satisfies Flow, signal).then((release) => {
      begun.push(key);
      releases.push(release);
    });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { take, begun, releases, turn };
}

const times = (count: number, key: string) => Array.from({ length: count }, () => key);

test('a key has at most its share, and another has the rest at once', async () => {
  const { take, begun, turn } = setUp();
  for (const key of [...times(slots + 5, 'mallory'), ...times(slots, 'alice')]) void take(key);
  await turn();
  assert.deepEqual(begun, [...times(ofOneKey, 'mallory'), ...times(slots - ofOneKey, 'alice')]);
});

test('keys that wait take turns, each with its own order', async () => {
  const { take, begun, releases, turn } = setUp();
  for (const key of ['a', 'b']) for (let index = 0; index < slots / 2; index += 1) void take(key);
  await turn();
  for (const key of ['mallory', 'mallory', 'mallory', 'alice', 'bob']) void take(key);
  await turn();
  begun.length = 0;
  for (const release of releases.splice(0, 5)) release();
  await turn();
  assert.deepEqual(begun, ['mallory', 'alice', 'bob', 'mallory', 'mallory']);
});

test('no lane waits for another', async () => {
  const { take, begun, turn } = setUp();
  for (let index = 0; index < 100; index += 1) void take(`user-${index}`);
  await turn();
  begun.length = 0;
  for (const lane of ['lists', 'system', 'strangers'] as const) void take(lane, lane);
  await turn();
  assert.deepEqual(begun, ['lists', 'system', 'strangers']);
});

test('a request whose caller leaves gives its place in the queue up', async () => {
  const { take, begun, releases, turn } = setUp();
  for (let index = 0; index < slots; index += 1) void take(`user-${index}`);
  await turn();
  const caller = new AbortController();
  const left = assert.rejects(take('alice', 'users', caller.signal), /left/);
  void take('bob');
  caller.abort(new Error('left'));
  await left;
  begun.length = 0;
  releases[0]?.();
  await turn();
  assert.deepEqual(begun, ['bob']);
});
