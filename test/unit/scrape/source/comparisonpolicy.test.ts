import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createComparisonPolicy } from '../../../../src/scrape/source/comparisonpolicy.ts';

const minuteMs = 60_000;

describe('the endpoints are compared', () => {
  test('after three doubtful scrapes in a row, not after three in all', () => {
    const policy = createComparisonPolicy();
    const doubts = [true, true, false, true, true, true];
    assert.deepEqual(
      doubts.map((doubtful) => policy.isDue(doubtful, 0)),
      [false, false, false, false, false, true],
    );
  });

  test('ten minutes after a comparison that found nothing, and a minute after one that failed', () => {
    for (const [how, quietMs] of [
      ['compared', 10 * minuteMs],
      ['not compared', minuteMs],
    ] as const) {
      const policy = createComparisonPolicy();
      policy.settled(how, 0);
      const due = [1, 2, 3, quietMs - 1, quietMs].map((atMs) => policy.isDue(true, atMs));
      assert.deepEqual(due, [false, false, false, false, true], how);
    }
  });
});
