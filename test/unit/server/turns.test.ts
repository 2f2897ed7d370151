import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurns, turnBudgetMs } from '../../../src/server/turns.ts';

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve));

test('steps beyond the budget of a turn wait for the next, in their order', async () => {
  let nowMs = 0;
  const inTurn = createTurns(() => nowMs);
  const done: unknown[] = [];
  for (let step = 0; step < 5; step += 1) {
    inTurn(() => {
      nowMs += turnBudgetMs / 2;
      done.push(step);
    });
  }
  assert.equal(done.length, 0);
  await nextTurn();
  assert.deepEqual(done, [0, 1]);
  inTurn(() => done.push(5));
  await nextTurn();
  assert.deepEqual(done, [0, 1, 2, 3]);
  await nextTurn();
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5]);
});

test('a step that takes too long by itself is done nevertheless', async () => {
  let nowMs = 0;
  const inTurn = createTurns(() => (nowMs += turnBudgetMs));
  let done = 0;
  inTurn(() => (done += 1));
  inTurn(() => (done += 1));
  await nextTurn();
  assert.equal(done, 1);
  await nextTurn();
  assert.equal(done, 2);
});
