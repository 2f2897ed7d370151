import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { LargeBodies } from '../../../src/client/largebodies.ts';
import { readBody } from '../../../src/client/response.ts';

const never = new AbortController().signal;

test('bodies that are not large do not wait', () => {
  const bodies = new LargeBodies(10);
  using large = bodies.turn(never);
  using small = bodies.turn(never);
  void large.grow(11);
  assert.equal(small.grow(10), undefined);
});

test('a large body waits until the previous one is disposed of, and no longer than its signal', async () => {
  const bodies = new LargeBodies(10);
  const [first, second, third] = [
    bodies.turn(never),
    bodies.turn(AbortSignal.abort(new Error('late'))),
    bodies.turn(never),
  ];
  await first.grow(11);
  assert.equal(first.grow(20), undefined);
  await assert.rejects(second.grow(11) ?? Promise.resolve(), /late/);
  second[Symbol.dispose]();
  const order: string[] = [];
  const last = third.grow(11)?.then(() => order.push('third goes on'));
  await new Promise(setImmediate);
  order.push('first is done');
  first[Symbol.dispose]();
  await last;
  assert.deepEqual(order, ['first is done', 'third goes on']);
});

test('a body that waits is not read on', async () => {
  const bodies = new LargeBodies(10_000);
  using first = bodies.turn(never);
  await first.grow(20_000);
  let sent = 0;
  const body = new Readable({
    read() {
      sent += 1;
      this.push(sent > 1000 ? null : Buffer.alloc(1000));
    },
  });
  const late = new AbortController();
  using second = bodies.turn(late.signal);
  const read = readBody(body, 2_000_000, undefined, second);
  await new Promise(setImmediate);
  late.abort(new Error('late'));
  await assert.rejects(read, /late/);
  assert.ok(sent < 1000, `${sent} chunks`);
  assert.ok(body.destroyed);
});
