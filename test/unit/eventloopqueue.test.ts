import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEventLoopQueue, iterationBudgetMs } from '../../src/eventloopqueue.ts';

const nextIteration = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** Waits until everything has run. Returns the iterations of the event loop that it took. */
async function allOf(isDone: () => boolean): Promise<number> {
  let iterations = 0;
  for (; !isDone(); iterations += 1) await nextIteration();
  return iterations;
}

test('steps beyond the budget of an iteration run in a later one, in their order', async () => {
  let nowMs = 0;
  const share = createEventLoopQueue(() => nowMs).shareOf('a');
  const done: unknown[] = [];
  for (let step = 0; step < 5; step += 1) {
    share.enqueue(() => {
      nowMs += iterationBudgetMs / 2;
      done.push(step);
    });
  }
  assert.equal(done.length, 0);
  await nextIteration();
  assert.deepEqual(done, [0, 1]);
  share.enqueue(() => done.push(5));
  let before = 2;
  await allOf(() => {
    assert.ok(done.length - before <= 3, 'two that take half of a budget each, and one that takes no time');
    before = done.length;
    return done.length === 6;
  });
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5]);
});

test('the microtasks and next ticks of a step count', async () => {
  let nowMs = 0;
  const share = createEventLoopQueue(() => nowMs).shareOf('a');
  let done = 0;
  for (let step = 0; step < 4; step += 1) {
    share.enqueue(() => {
      done += 1;
      if (step % 2 === 0) process.nextTick(() => (nowMs += iterationBudgetMs));
      else void Promise.resolve().then(() => (nowMs += iterationBudgetMs));
    });
  }
  let before = 0;
  await allOf(() => {
    assert.ok(done - before <= 1);
    before = done;
    return done === 4;
  });
});

test('a step that exceeds the budget by itself runs nevertheless', async () => {
  let nowMs = 0;
  const share = createEventLoopQueue(() => (nowMs += iterationBudgetMs)).shareOf('a');
  let done = 0;
  for (let step = 0; step < 3; step += 1) share.enqueue(() => (done += 1));
  await nextIteration();
  assert.equal(done, 1);
  await allOf(() => done === 3);
});

test('each of very many steps runs once, in their order', async () => {
  let nowMs = 0;
  const share = createEventLoopQueue(() => (nowMs += 1)).shareOf('a');
  const done: number[] = [];
  const all = Array.from({ length: 3_000 }, (_, step) => step);
  for (const step of all) share.enqueue(() => done.push(step));
  await allOf(() => done.length >= all.length);
  await nextIteration();
  assert.deepEqual(done, all);
});

test('a step runs at once unless others wait or the budget is spent', async () => {
  let nowMs = 0;
  const share = createEventLoopQueue(() => nowMs).shareOf('a');
  const done: unknown[] = [];
  const step = (name: string) => () => {
    nowMs += iterationBudgetMs / 2;
    done.push(name);
  };
  for (const name of ['a', 'b', 'c']) share.runOrEnqueue(step(name));
  assert.deepEqual(done, ['a', 'b']);
  await allOf(() => done.length === 3);
  share.enqueue(step('d'));
  share.runOrEnqueue(step('e'));
  assert.equal(done.length, 3);
  await allOf(() => done.length === 5);
  assert.deepEqual(done, ['a', 'b', 'c', 'd', 'e']);
});

test('owners take turns, however many steps one of them has', async () => {
  const queue = createEventLoopQueue(() => 0);
  const done: string[] = [];
  const add = (owner: string, step: string) => queue.shareOf(owner).enqueue(() => done.push(step));
  for (let step = 1; step <= 4; step += 1) add('flood', `flood ${step}`);
  add('one', 'one 1');
  add('two', 'two 1');
  add('two', 'two 2');
  await allOf(() => done.length === 7);
  assert.deepEqual(done, ['flood 1', 'one 1', 'two 1', 'flood 2', 'two 2', 'flood 3', 'flood 4']);
});

test('parts of an owner take turns within its share', async () => {
  const queue = createEventLoopQueue(() => 0);
  const done: string[] = [];
  const add = (owner: string, part: object, step: string) => queue.shareOf(owner, part).enqueue(() => done.push(step));
  const [flood, single, other] = [{}, {}, {}];
  for (let step = 1; step <= 3; step += 1) add('network', flood, `flood ${step}`);
  add('network', single, 'single 1');
  add('another', other, 'other 1');
  await allOf(() => done.length === 5);
  assert.deepEqual(done, ['flood 1', 'other 1', 'single 1', 'flood 2', 'flood 3']);
});

test('urgent steps of all owners run before others', async () => {
  const queue = createEventLoopQueue(() => 0);
  const done: string[] = [];
  queue.shareOf('a').enqueue(() => done.push('a reads'));
  queue.shareOf('b').enqueue(() => done.push('b reads'));
  queue.shareOf('a').enqueue(() => done.push('a begins'), true);
  await allOf(() => done.length === 3);
  assert.deepEqual(done, ['a begins', 'a reads', 'b reads']);
});

test('a caller goes on at once while there is time, and at its turn otherwise', async () => {
  let nowMs = 0;
  const queue = createEventLoopQueue(() => nowMs);
  assert.equal(queue.shareOf('a').turn(), undefined);
  nowMs += iterationBudgetMs;
  const done: string[] = [];
  const [first, second, other] = ['a', 'a', 'b'].map((owner) => queue.shareOf(owner).turn());
  assert.ok(first && second && other);
  await Promise.all([
    first.then(() => done.push('a 1')),
    second.then(() => done.push('a 2')),
    other.then(() => done.push('b 1')),
  ]);
  assert.deepEqual(done, ['a 1', 'b 1', 'a 2']);
});
