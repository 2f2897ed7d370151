import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRetryPolicy } from '../../../../src/scrape/schedule/retrypolicy.ts';

const resolutionMs = 15_000;

describe('pace', () => {
  test('asks for one early second scrape where something is new, at most at every other turn', () => {
    const pace = createRetryPolicy(resolutionMs);
    const soon = [3, 3, 3, 3, 0].map((waiting) => pace.scraped(waiting).soonMs);
    assert.deepEqual(soon, [7_500, undefined, undefined, 7_500, undefined]);
  });

  test('tries again soon after the first failure, and only after the first', () => {
    const pace = createRetryPolicy(resolutionMs);
    assert.deepEqual(
      [pace.failed(true), pace.failed(true)].map(({ soonMs }) => soonMs),
      [2_000, undefined],
    );
    pace.scraped(0);
    assert.equal(pace.failed(true).soonMs, 2_000);
  });

  for (const [state, ready, expected] of [
    ['not Ready', false, [0, 0, 0, 0, 0, 0, 1, 3, 3]],
    ['Ready', true, [0, 0, 0, 0, 0, 0, 1, 1, 1]],
  ] as const) {
    test(`lets a node that is ${state} and fails for long miss turns, and none once it answers`, () => {
      const pace = createRetryPolicy(resolutionMs);
      assert.deepEqual(
        expected.map(() => pace.failed(ready).restTurns),
        expected,
      );
      assert.equal(pace.scraped(0).restTurns, 0);
      assert.equal(pace.failed(ready).restTurns, 0);
    });
  }
});
