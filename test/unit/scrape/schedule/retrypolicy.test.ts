import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRetryPolicy } from '../../../../src/scrape/schedule/retrypolicy.ts';

const resolutionMs = 15_000;

describe('a retry policy', () => {
  test('asks for one extra scrape after first samples, but not at each scheduled scrape', () => {
    const policy = createRetryPolicy(resolutionMs);
    const extras = [3, 3, 3, 3, 0].map((waiting) => policy.scraped(waiting).extraAfterMs);
    assert.deepEqual(extras, [7_500, undefined, undefined, 7_500, undefined]);
  });

  test('retries 2 s after the first failure, and only after the first', () => {
    const policy = createRetryPolicy(resolutionMs);
    policy.scraped(0);
    assert.deepEqual(
      [policy.failed(true), policy.failed(true)].map(({ extraAfterMs }) => extraAfterMs),
      [2_000, undefined],
    );
    policy.scraped(0);
    assert.equal(policy.failed(true).extraAfterMs, 2_000);
  });

  test('retries three times before the first success, ever later', () => {
    const policy = createRetryPolicy(resolutionMs);
    assert.deepEqual(
      Array.from({ length: 4 }, () => policy.failed(true).extraAfterMs),
      [2_000, 4_000, 8_000, undefined],
    );
  });

  for (const [state, ready, expected] of [
    ['not Ready', false, [0, 0, 0, 0, 0, 0, 1, 3, 3]],
    ['Ready', true, [0, 0, 0, 0, 0, 0, 1, 1, 1]],
  ] as const) {
    test(`skips scheduled scrapes of a node that is ${state} after six failures, and none once it answers`, () => {
      const policy = createRetryPolicy(resolutionMs);
      assert.deepEqual(
        expected.map(() => policy.failed(ready).skip),
        expected,
      );
      assert.equal(policy.scraped(0).skip, 0);
      assert.equal(policy.failed(ready).skip, 0);
    });
  }
});
