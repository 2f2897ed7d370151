import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTurns } from '../../bench/turns.ts';

describe('missed turns, of a resolution of 15 s', () => {
  const check = (what: string, askedMs: readonly number[], nowMs: number, missed: number) =>
    test(what, () => {
      const turns = createTurns(15_000);
      for (const ms of askedMs) turns.asked('node-0', ms);
      assert.equal(turns.missed(nowMs), missed);
    });
  check('none of a node that is asked in each', [0, 15_000, 30_010], 44_000, 0);
  check('none for a question in between', [0, 7_500, 15_000], 16_000, 0);
  check('none for a node that was never scraped', [], 100_000, 0);
  check('one', [0, 15_000, 45_000], 46_000, 1);
  check('two', [0, 45_000], 46_000, 2);
  check('one of a node that is silent still', [0], 31_000, 1);

  test('those of before are forgotten', () => {
    const turns = createTurns(15_000);
    turns.asked('node-0', 0);
    turns.asked('node-0', 60_000);
    turns.begin();
    turns.asked('node-0', 75_000);
    assert.equal(turns.missed(76_000), 0);
  });
});
