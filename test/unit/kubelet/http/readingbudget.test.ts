import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freeMs, ReadingTooLongError, sliceMs, ReadingBudget } from '../../../../src/kubelet/http/readingbudget.ts';
import { runAtOnce, type Steps } from '../../../../src/decode/steps.ts';

let nowMs = 0;
const makeTurns = () => new ReadingBudget(() => nowMs);

/** Takes so long. */
function work(ms: number): void {
  nowMs += ms;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('an answer', () => {
  test('that has cost little is read at once, whoever waits', () => {
    const turns = makeTurns();
    turns.wait({ resume: () => {} });
    turns.begin(0);
    assert.deepEqual([turns.isLong, turns.isFree, turns.isOver], [false, true, false]);
    work(freeMs / 5);
    assert.equal(turns.isOver, false);
    turns.end();
  });

  test('that has cost much waits behind those that wait, and while the slice is used up', async () => {
    const turns = makeTurns();
    turns.begin(freeMs);
    assert.deepEqual([turns.isLong, turns.isFree, turns.isOver], [true, true, false]);
    work(sliceMs + 1);
    assert.deepEqual([turns.isFree, turns.isOver], [false, true]);
    assert.ok(turns.end() >= sliceMs);
    turns.begin(freeMs);
    assert.equal(turns.isFree, false);
    turns.end();
    await turn();
    await turn();
    turns.begin(freeMs);
    assert.equal(turns.isFree, true);
    turns.wait({ resume: () => {} });
    assert.equal(turns.isFree, false);
    turns.end();
  });

  test('that waits goes on in its order, and no more once it is forgotten', async () => {
    const turns = makeTurns();
    const resumed: string[] = [];
    const waiting = (name: string) => ({ resume: () => void resumed.push(name) });
    const [one, two, three] = [waiting('one'), waiting('two'), waiting('three')];
    turns.wait(one);
    turns.wait(two);
    turns.wait(three);
    turns.forget(two);
    await turn();
    await turn();
    assert.deepEqual(resumed, ['one', 'three']);
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

  test('run over several turns come to what they come to at once', async () => {
    let turnsSeen = 0;
    let isOver = false;
    const count = () => {
      turnsSeen += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    assert.equal(await makeTurns().run(counting(20, 2, () => {})), 20);
    isOver = true;
    assert.ok(turnsSeen >= 4, `${turnsSeen}`);
    assert.equal(runAtOnce(counting(20, 0, () => {})), 20);
  });

  test('that throw reject', async () => {
    function* failing(): Steps<number> {
      yield;
      throw new Error('as expected');
    }
    await assert.rejects(makeTurns().run(failing()), /as expected/);
  });

  test('that take too long are given up, and cleaned up', async () => {
    let isDone = false;
    await assert.rejects(makeTurns().run(counting(Infinity, 3, () => (isDone = true))), ReadingTooLongError);
    assert.ok(isDone);
  });
});
