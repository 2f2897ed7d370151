import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classifySample, longestWindowMs, mostCoresOf, mostMemoryBytesOf } from '../../../src/storage/samplerules.ts';
import { nanocores } from '../../../src/storage/rate.ts';

const limits = { mostCores: 20, mostMemoryBytes: 1e9, longestWindowMs: 300_000, stalenessMs: 45_000 };

test('a node is served with up to 1.25 times its capacity, and with 1,024 cores where that is unknown', () => {
  assert.deepEqual([16, 0.5, undefined, 0, Number.NaN, 10_000].map(mostCoresOf), [20, 0.625, 1024, 1024, 1024, 1024]);
});

test('a node is served with up to 1.25 times its memory, and with 2^60 bytes if that is unknown', () => {
  const general = 2 ** 60;
  assert.deepEqual([4e9, undefined, 0, Number.NaN, -1, 2 ** 61].map(mostMemoryBytesOf), [
    5e9,
    general,
    general,
    general,
    general,
    general,
  ]);
});

test('a working set is possible up to the limit, and no value above it', () => {
  const kindOf = (memoryBytes: number) => classifySample(0, 1, 1_000, 10_000, 2, memoryBytes, Number.NaN, limits);
  assert.equal(kindOf(1e9), 'newer');
  assert.equal(kindOf(1e9 + 1), 'no value');
  assert.equal(kindOf(Number.NaN), 'no value');
});

test('the longest window is five minutes, two resolutions or two intervals between samples', () => {
  assert.equal(longestWindowMs(10_000, 20_000), 300_000);
  assert.equal(longestWindowMs(3_600_000, 20_000), 7_200_000);
  assert.equal(longestWindowMs(10_000, 310_000), 620_000);
});

test('a counter of 0 of a container that started in the second of the last sample is a restart', () => {
  const lastMs = 1_795_377_600_500;
  // cAdvisor cuts start times to whole seconds.
  const startMs = 1_795_377_600_000;
  assert.equal(classifySample(lastMs, 12, 1_000, lastMs + 10_000, 0, 1_000, startMs, limits), 'restart');
  assert.equal(classifySample(lastMs, 12, 1_000, lastMs + 10_000, 0, 1_000, startMs - 1_000, limits), 'no value');
});

test('a start time later than its sample, as after a step back of the clock, makes no counter of 0 a restart', () => {
  const lastMs = 1_795_377_600_500;
  const nowMs = lastMs + 10_000;
  const startMs = lastMs + 100_000;
  assert.equal(classifySample(lastMs, 90, 1_000, nowMs, 0, 1_000, startMs, limits), 'no value');
  // Otherwise the CPU of the container's whole life would count for these 10 s.
  assert.equal(classifySample(lastMs, 0, 1_000, nowMs, 90, 1_000, startMs, limits), 'restart');
  assert.equal(classifySample(lastMs, 0, 1_000, nowMs, 90, 1_000, nowMs, limits), 'newer');
});

test('counters are cut to whole nanoseconds before their difference is taken, as by metrics-server', () => {
  assert.equal(nanocores(1.8e-9, 0.9e-9, 1), 1_000);
});
