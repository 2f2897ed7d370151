import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PodReads, podReadPauseMs, podReadsAtOnce } from '../../../src/trustpublication/podreads.ts';

test('reads of pods: so many at once, then one per pause, and all again after a rest', () => {
  const reads = new PodReads();
  const take = (count: number, nowMs: number) => Array.from({ length: count }, () => reads.take(nowMs));
  assert.deepEqual(take(podReadsAtOnce, 0), Array(podReadsAtOnce).fill(0));
  assert.deepEqual(take(2, 0), [podReadPauseMs, podReadPauseMs]);
  assert.deepEqual(take(2, podReadPauseMs), [0, podReadPauseMs]);
  assert.deepEqual(take(1, 1.5 * podReadPauseMs), [podReadPauseMs / 2]);
  const restedMs = (podReadsAtOnce + 1) * podReadPauseMs;
  assert.deepEqual(take(podReadsAtOnce + 1, restedMs), [...Array<number>(podReadsAtOnce).fill(0), podReadPauseMs]);
});
