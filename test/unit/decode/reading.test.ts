import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowFamilies, RowNumbers } from '../../../src/decode/rownumbers.ts';
import { answerTime } from '../../../src/decode/sampletime.ts';

const nowMs = 1_795_377_600_000;
const time = answerTime(nowMs, nowMs);
const { cpu, memory } = rowFamilies;

test("a container's sample is from when its CPU was read, and from when its memory was where it has used no CPU", () => {
  const numbers = new RowNumbers(2);
  numbers.add(0, cpu, { value: 1, timestampMs: nowMs - 9_000 });
  numbers.add(0, memory, { value: 1, timestampMs: nowMs - 2_000 });
  numbers.add(1, memory, { value: 1, timestampMs: nowMs - 2_000 });
  const times = [0, 1].map((row) => numbers.readings(row).toPoint(time)?.timestampMs);
  assert.deepEqual(times, [nowMs - 9_000, nowMs - 2_000]);
});

test('of two samples of one series the younger one counts, and of equal age the later one', () => {
  const numbers = new RowNumbers(1);
  numbers.add(0, cpu, { value: 1, timestampMs: nowMs });
  numbers.add(0, cpu, { value: 2, timestampMs: nowMs - 1 });
  assert.equal(numbers.value(0, cpu), 1);
  numbers.add(0, cpu, { value: 3, timestampMs: nowMs });
  assert.equal(numbers.value(0, cpu), 3);
});
