import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gauges } from '../../../src/sample/quantities.ts';
import { combineUsages, setGauge } from '../../../src/storage/rate.ts';

test('a gauge is served in whole bytes if it is known, and swap only of nodes that have some', () => {
  const swap = gauges.find(({ field }) => field === 'swapBytes');
  assert.ok(swap);
  const usageOf = (value: number | undefined, hasSwap: boolean) => {
    const usage: { swapBytes?: number | undefined } = {};
    setGauge(usage, swap, value, hasSwap);
    return usage;
  };
  assert.deepEqual(usageOf(4096.5, true), { swapBytes: 4096 });
  assert.deepEqual(usageOf(0, true), { swapBytes: 0 });
  for (const usage of [usageOf(undefined, true), usageOf(Number.NaN, true), usageOf(4096, false)])
    assert.deepEqual(usage, {});
});

test("a pod's usage has the time and window of its oldest container, and its containers by name", () => {
  const usage = (name: string, timestampMs: number, windowMs: number) => ({
    name,
    timestampMs,
    windowMs,
    cpuNanocores: 1,
    memoryBytes: 1,
    swapBytes: undefined,
  });
  const [b, a, c] = [usage('b', 20_000, 10_000), usage('a', 15_000, 12_000), usage('c', 15_001, 9_000)];
  assert.deepEqual(combineUsages([b, a, c]), { timestampMs: 15_000, windowMs: 12_000, containers: [a, b, c] });
  assert.throws(() => combineUsages([]), /has containers/);
});
