import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodUsage } from '../../../src/sample/point.ts';
import { updateLastUsage } from '../../../src/storage/lastusage.ts';

const usage = (...timesMs: readonly number[]): PodUsage => {
  const containers = timesMs.map((timestampMs, index) => ({
    name: `c${index}`,
    timestampMs,
    windowMs: 10_000,
    cpuNanocores: 1,
    memoryBytes: 1,
  }));
  return { timestampMs: Math.min(...timesMs), windowMs: 10_000, containers };
};

test("a pod's usage is news with a newer sample of any container, and none where all are repeated", () => {
  const before = updateLastUsage(undefined, { kind: 'ready', value: usage(10_000, 20_000) }, 1_000);
  const sinceMs = (...timesMs: readonly number[]) =>
    updateLastUsage(before, { kind: 'ready', value: usage(...timesMs) }, 2_000).last?.sinceMs;
  assert.equal(sinceMs(10_000, 30_000), 2_000);
  assert.equal(sinceMs(10_000, 20_000), 1_000);
});
