import assert from 'node:assert/strict';
import { test } from 'node:test';
import { milliOf } from '../../../src/metricsource/milli.ts';

test('a number is truncated toward zero to thousandths, as in prometheus-adapter', () => {
  const expected: readonly (readonly [number, bigint])[] = [
    [10, 10_000n],
    [1.9999, 1999n],
    [0.29, 290n],
    [0.57, 570n],
    [1.005, 1004n],
    [4.35, 4350n],
    [0.0004, 0n],
    [-0.0004, 0n],
    [-1.5, -1500n],
    [1_234_567.5, 1_234_567_500n],
    [1e15, 1_000_000_000_000_000_000n],
  ];
  for (const [value, milli] of expected) assert.equal(milliOf(value), milli, `${value}`);
});

test('NaN, infinities and what no int64 of thousandths can express are no value', () => {
  for (const value of [Number.NaN, Infinity, -Infinity, 1e16, -1e16, 2 ** 63 / 1000, 9_223_372_036_854_776]) {
    assert.equal(milliOf(value), undefined, `${value}`);
  }
});
