import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurns, turnBudgetMs } from '../../../src/server/strangerbudget.ts';

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** Waits until everything has run. */
async function allOf(isDone: () => boolean): Promise<number> {
  let turns = 0;
  for (; !isDone(); turns += 1) await nextTurn();
  return turns;
}

test('steps beyond the budget of a turn wait for a later one, in their order', async () => {
  let nowMs = 0;
  const { inTurn } = createTurns(() => nowMs);
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
  let before = 2;
  await allOf(() => {
    assert.ok(done.length - before <= 3, 'two that take half of a turn each, and one that takes no time');
    before = done.length;
    return done.length === 6;
  });
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5]);
});

test('what a step leaves to promises and the next tick counts, too', async () => {
  let nowMs = 0;
  const { inTurn } = createTurns(() => nowMs);
  let done = 0;
  for (let step = 0; step < 4; step += 1) {
    inTurn(() => {
      done += 1;
      if (step % 2 === 0) process.nextTick(() => (nowMs += turnBudgetMs));
      else void Promise.resolve().then(() => (nowMs += turnBudgetMs));
    });
  }
  let before = 0;
  await allOf(() => {
    assert.ok(done - before <= 1);
    before = done;
    return done === 4;
  });
});

test('a step that takes too long by itself is done nevertheless', async () => {
  let nowMs = 0;
  const { inTurn } = createTurns(() => (nowMs += turnBudgetMs));
  let done = 0;
  for (let step = 0; step < 3; step += 1) inTurn(() => (done += 1));
  await nextTurn();
  assert.equal(done, 1);
  await allOf(() => done === 3);
});

test('each of very many steps is done once, in their order', async () => {
  let nowMs = 0;
  const { inTurn } = createTurns(() => (nowMs += 1));
  const done: number[] = [];
  const all = Array.from({ length: 3_000 }, (_, step) => step);
  for (const step of all) inTurn(() => done.push(step));
  await allOf(() => done.length >= all.length);
  await nextTurn();
  assert.deepEqual(done, all);
});

test('a step that may run at once does, unless others wait or the turn is used up', async () => {
  let nowMs = 0;
  const { inTurn, atOnce } = createTurns(() => nowMs);
  const done: unknown[] = [];
  const step = (name: string) => () => {
    nowMs += turnBudgetMs / 2;
    done.push(name);
  };
  for (const name of ['a', 'b', 'c']) atOnce(step(name));
  assert.deepEqual(done, ['a', 'b']);
  await allOf(() => done.length === 3);
  inTurn(step('d'));
  atOnce(step('e'));
  assert.equal(done.length, 3);
  await allOf(() => done.length === 5);
  assert.deepEqual(done, ['a', 'b', 'c', 'd', 'e']);
});
