import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { columns, toPoints } from '../../../src/sample/batch.ts';
import type { Point } from '../../../src/sample/point.ts';
import { quantities, scrapedColumn } from '../../../src/sample/quantities.ts';
import { RowNumbers } from '../../../src/decode/rownumbers.ts';
import { answerTime } from '../../../src/decode/sampletime.ts';
import { copyRow, toContainerPoint } from '../../../src/decode/usable.ts';

const nowMs = 1_795_377_600_000;
const time = answerTime(nowMs, nowMs);
const oldestMs = 90_000;
const { cpu, memory } = scrapedColumn;
const identity = { name: 'app', containerId: 'id', startTimeMs: undefined };

function bySlowPath(numbers: RowNumbers, row = 0): Point {
  const {
    name: _,
    containerId: __,
    startTimeMs: ___,
    ...point
  } = toContainerPoint(identity, numbers.readings(row), time);
  return point;
}

/** Undefined where the fast path falls back. */
function byFastPath(numbers: RowNumbers): Point | undefined {
  const result = new Float64Array(columns).fill(-1);
  if (!copyRow(numbers, 0, time, oldestMs, result, 0)) return undefined;
  const layout = { version: 1, pods: [] };
  return toPoints({ node: 'node-a', source: 'cadvisor', hasSwap: undefined, layout, numbers: result }).machine;
}

describe('the fast path', () => {
  const value = fc.oneof(
    fc.double({ min: 0, max: 1e12, noNaN: true }),
    fc.constantFrom(0, -1, 2 ** 60, 2 ** 61, Infinity, -Infinity, Number.NaN),
  );
  const timestampMs = fc.oneof(
    fc.integer({ min: nowMs - oldestMs, max: nowMs }),
    fc.constantFrom(0, Number.NaN, nowMs + 4_999, nowMs + 5_001, nowMs - oldestMs - 1, 1, -1, 2 ** 62),
  );
  const samples = fc.tuple(...quantities.map(() => fc.option(fc.record({ value, timestampMs }))));

  test('has the point of the slow path, or falls back', () => {
    const outcomes = { fast: 0, fallBack: 0 };
    fc.assert(
      fc.property(samples, (row) => {
        const numbers = new RowNumbers(1);
        for (const [column, sample] of row.entries()) if (sample !== null) numbers.add(0, column, sample);
        const fast = byFastPath(numbers);
        outcomes[fast === undefined ? 'fallBack' : 'fast'] += 1;
        if (fast !== undefined) assert.deepEqual(fast, bySlowPath(numbers));
      }),
      { numRuns: 2_000 },
    );
    assert.ok(outcomes.fast > 100 && outcomes.fallBack > 100, JSON.stringify(outcomes));
  });

  test('is taken for a usable sample with a true time', () => {
    const numbers = new RowNumbers(1);
    numbers.add(0, cpu, { value: 1, timestampMs: nowMs - 1_000 });
    numbers.add(0, memory, { value: 2, timestampMs: nowMs - 1_000 });
    assert.deepEqual(byFastPath(numbers), { timestampMs: nowMs - 1_000, cpuSeconds: 1, memoryBytes: 2 });
  });
});

test("a container's sample has the time of its CPU, or of its memory where it has used no CPU", () => {
  const numbers = new RowNumbers(2);
  numbers.add(0, cpu, { value: 1, timestampMs: nowMs - 9_000 });
  numbers.add(0, memory, { value: 1, timestampMs: nowMs - 2_000 });
  numbers.add(1, memory, { value: 1, timestampMs: nowMs - 2_000 });
  const times = [0, 1].map((row) => bySlowPath(numbers, row).timestampMs);
  assert.deepEqual(times, [nowMs - 9_000, nowMs - 2_000]);
});

test('the newer of two samples of one series counts, and of equal time the later one', () => {
  const numbers = new RowNumbers(1);
  numbers.add(0, cpu, { value: 1, timestampMs: nowMs });
  numbers.add(0, cpu, { value: 2, timestampMs: nowMs - 1 });
  assert.equal(numbers.value(0, cpu), 1);
  numbers.add(0, cpu, { value: 3, timestampMs: nowMs });
  assert.equal(numbers.value(0, cpu), 3);
});
