import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  freeMs,
  ReadingBudget,
  ReadingTooLongError,
  shortSliceMs,
  sliceMs,
} from '../../../../src/kubelet/http/readingbudget.ts';
import { runAtOnce, type Steps } from '../../../../src/decode/steps.ts';

let nowMs = 0;
const makeBudget = (cpuMs = () => nowMs) => new ReadingBudget(() => nowMs, cpuMs);

/** Advances the clock. */
function work(ms: number): void {
  nowMs += ms;
}

const iteration = () => new Promise((resolve) => setImmediate(resolve));

describe('a response', () => {
  test('that took little time is read at once, although another one is paused', () => {
    const budget = makeBudget();
    budget.resumeLater({ resume: () => {} });
    budget.begin(0);
    assert.deepEqual([budget.isLong, budget.mayRead, budget.isOver], [false, true, false]);
    work(freeMs / 5);
    assert.equal(budget.isOver, false);
    budget.end();
  });

  test('that took long waits for those that are paused, and while the slice is used up', async () => {
    const budget = makeBudget();
    budget.begin(freeMs);
    assert.deepEqual([budget.isLong, budget.mayRead, budget.isOver], [true, true, false]);
    work(sliceMs + 1);
    assert.deepEqual([budget.mayRead, budget.isOver], [false, true]);
    assert.ok(budget.end() >= sliceMs);
    budget.begin(freeMs);
    assert.equal(budget.mayRead, false);
    budget.end();
    await iteration();
    await iteration();
    budget.begin(freeMs);
    assert.equal(budget.mayRead, true);
    budget.resumeLater({ resume: () => {} });
    assert.equal(budget.mayRead, false);
    budget.end();
  });

  test('that is paused resumes in order, unless it was cancelled', async () => {
    const budget = makeBudget();
    const resumed: string[] = [];
    const paused = (name: string) => ({ resume: () => void resumed.push(name) });
    const [one, two, three] = [paused('one'), paused('two'), paused('three')];
    budget.resumeLater(one);
    budget.resumeLater(two);
    budget.resumeLater(three);
    budget.cancel(two);
    await iteration();
    await iteration();
    assert.deepEqual(resumed, ['one', 'three']);
  });
});

describe('the time that a response takes', () => {
  test('is CPU time once it is long: other processes do not make it too long', () => {
    let cpuMs = 0;
    const budget = makeBudget(() => cpuMs);
    budget.begin(0);
    work(freeMs);
    assert.equal(budget.end(), freeMs);
    budget.begin(freeMs);
    work(10 * sliceMs);
    cpuMs += 1;
    assert.equal(budget.isOver, true, 'slices are by the clock');
    assert.equal(budget.end(), 1);
  });
});

describe('responses that are not long', () => {
  test('are read at once while they have time in an iteration, and then in turns', async () => {
    const budget = makeBudget();
    const read: string[] = [];
    const reading = (name: string) => ({
      resume() {
        budget.begin(0);
        work(shortSliceMs / 2);
        budget.end();
        read.push(name);
      },
    });
    const arrive = (name: string) => {
      if (budget.mayBegin(0)) reading(name).resume();
      else budget.readLater(reading(name));
    };
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) arrive(name);
    assert.deepEqual(read, ['a', 'b']);
    // A long one has its slices, and does not wait for them.
    assert.equal(budget.mayBegin(freeMs), true);
    let iterations = 0;
    for (; read.length < 6; iterations += 1) {
      const before = read.length;
      await iteration();
      assert.ok(read.length - before <= 3, `${read.length - before} in one iteration`);
    }
    assert.ok(iterations >= 2);
    assert.deepEqual(read, ['a', 'b', 'c', 'd', 'e', 'f']);
    await iteration();
    assert.equal(budget.mayBegin(0), true);
  });

  test('that arrive while others are queued keep their order', async () => {
    const budget = makeBudget();
    const read: string[] = [];
    budget.readLater({ resume: () => void read.push('queued') });
    assert.equal(budget.mayBegin(0), false);
    budget.readLater({ resume: () => void read.push('next') });
    await iteration();
    await iteration();
    assert.deepEqual(read, ['queued', 'next']);
    assert.equal(budget.mayBegin(0), true);
  });
});

describe('steps', () => {
  function* counting(count: number, ms: number, done: () => void): Steps<number> {
    try {
      for (let step = 0; step < count; step += 1) {
        work(ms);
        yield;
      }
      return count;
    } finally {
      done();
    }
  }

  test('that run over several iterations have the result that they have at once', async () => {
    let iterations = 0;
    let isOver = false;
    const count = () => {
      iterations += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    assert.equal(await makeBudget().run(counting(20, 2, () => {})), 20);
    isOver = true;
    assert.ok(iterations >= 4, `${iterations}`);
    assert.equal(runAtOnce(counting(20, 0, () => {})), 20);
  });

  test('that throw reject the promise', async () => {
    function* failing(): Steps<number> {
      yield;
      throw new Error('as expected');
    }
    await assert.rejects(makeBudget().run(failing()), /as expected/);
  });

  test('that take too long are given up, and their cleanup runs', async () => {
    let isDone = false;
    await assert.rejects(makeBudget().run(counting(Infinity, 3, () => (isDone = true))), ReadingTooLongError);
    assert.ok(isDone);
  });
});
