import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageLog } from '../../../src/ui/usagelog.ts';

const nowMs = 1_000_000_000_000;
/** Seconds after `nowMs` of the points that are kept after these were added in order. */
function keptOf(...seconds: readonly number[]): readonly number[] {
  const log = new UsageLog();
  for (const second of seconds) log.add('node-1', { timestampMs: nowMs + second * 1000, windowSeconds: 15 }, nowMs);
  const points = log.read({ sinceSeconds: 3600 }, nowMs, () => true).get('node-1') ?? [];
  return points.map(({ timestampMs }) => (timestampMs - nowMs) / 1000);
}

test('a point that is known or older than the latest is left out', () => {
  assert.deepEqual(keptOf(-30, -15, -15, -20), [-30, -15]);
});

test('a timestamp of the future gives way to a true one', () => {
  assert.deepEqual(keptOf(-30, 86_400, -15, 0), [-30, -15, 0]);
});

test('points go on where the clock of a node was set back, and those of after then give way', () => {
  assert.deepEqual(keptOf(-1_830, -630, -15, 0, -600, -585), [-1_830, -630, -600, -585]);
});

test('a node whose clock is always ahead has its points, each once', () => {
  assert.deepEqual(keptOf(270, 285, 285, 300), [270, 285, 300]);
  assert.deepEqual(keptOf(15, 30, 20), [15, 30]);
});
