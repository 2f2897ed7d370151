/** The fast path copies numbers only where the selection would choose as it did; each case is one doubt that it must leave to the slow path. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { column, columns, toBatch } from '../../../src/sample/batch.ts';
import { gauges, quantity, scrapedColumn } from '../../../src/sample/quantities.ts';
import type { ContainerPoint, Point } from '../../../src/sample/point.ts';
import { RowNumbers } from '../../../src/decode/rownumbers.ts';
import { answerTime } from '../../../src/decode/sampletime.ts';
import { type ChosenRows, copyNumbers, templateOf } from '../../../src/decode/fastpath.ts';

const nowMs = 1_795_377_600_000;
const time = answerTime(nowMs, nowMs);
const oldestMs = 90_000;
/** In another order than in the layout. */
const places = { container: 0, machine: 1 } as const;
const { cpu, memory, start, firstGauge } = scrapedColumn;
const swap = firstGauge + gauges.indexOf(quantity.swap);
const startSeconds = 1_795_377_000;

interface SampleValue {
  readonly value: number;
  readonly ageMs?: number;
}

type Row = Readonly<Partial<Record<'cpu' | 'memory' | 'swap' | 'start', SampleValue>>>;

const usual: Row = {
  cpu: { value: 3, ageMs: 5_000 },
  memory: { value: 4, ageMs: 4_000 },
  swap: { value: 5, ageMs: 4_000 },
  start: { value: startSeconds },
};

function numbersOf(container: Row, machine: Row = { cpu: { value: 1 }, memory: { value: 2 } }): RowNumbers {
  const numbers = new RowNumbers(2);
  for (const [place, row] of [
    [places.container, container],
    [places.machine, machine],
  ] as const) {
    for (const [name, { value, ageMs = 0 }] of Object.entries(row)) {
      const family = { cpu, memory, swap, start }[name as keyof Row];
      numbers.add(place, family, { value, timestampMs: nowMs - ageMs });
    }
  }
  return numbers;
}

function chosenOf(container: Partial<ContainerPoint> = {}): ChosenRows {
  const machine: Point = { timestampMs: nowMs, cpuSeconds: 1, memoryBytes: 2 };
  const point: ContainerPoint = {
    ...machine,
    name: 'app',
    containerId: 'id',
    startTimeMs: startSeconds * 1000,
    ...container,
  };
  return {
    machine,
    pods: [{ namespace: 'shop', name: 'web', uid: 'uid', containers: [point] }],
    rowOf: new Map([
      [machine, places.machine],
      [point, places.container],
    ]),
    rowCount: 2,
  };
}

function templateBy(chosen: ChosenRows) {
  const batch = toBatch({ node: 'node-a', source: 'cadvisor', hasSwap: undefined, ...chosen });
  return templateOf(chosen, batch.layout, numbersOf(usual), oldestMs);
}

function copied(numbers: RowNumbers, brief = false) {
  const template = templateBy(chosenOf()) ?? assert.fail('there is a fast path');
  return copyNumbers(template, numbers, time, new Float64Array(), brief);
}

test('numbers are copied to the rows of the layout, with the time of the CPU', () => {
  const result = copied(numbersOf(usual)) ?? assert.fail('nothing is remarkable');
  const row = (index: number) => result.subarray(index * columns, (index + 1) * columns);
  const [machine, container] = [row(0), row(1)];
  assert.deepEqual([machine[column.cpuSeconds], machine[column.memoryBytes]], [1, 2]);
  assert.deepEqual(
    [container[column.cpuSeconds], container[column.memoryBytes], container[column.swapBytes]],
    [3, 4, 5],
  );
  assert.equal(container[column.timestampMs], nowMs - 5_000);
  assert.equal(container[column.startTimeMs], startSeconds * 1000);
});

test('a sample without CPU has the time of its memory, and swap that cannot be true is left out', () => {
  const { cpu: _, ...idle } = usual;
  const result = copied(numbersOf({ ...idle, swap: { value: Number.NaN } })) ?? assert.fail('nothing is remarkable');
  assert.equal(result[columns + column.timestampMs], nowMs - 4_000);
  const infinite = copied(numbersOf({ ...idle, swap: { value: Infinity } })) ?? assert.fail('nothing is remarkable');
  assert.ok(Number.isNaN(infinite[columns + column.swapBytes]));
});

test('a start time that was not requested is the previous one', () => {
  const { start: _, ...brief } = usual;
  assert.ok(copied(numbersOf(brief), true));
  assert.equal(copied(numbersOf(brief), false), undefined);
});

describe('the slow path is taken', () => {
  const machine: Row = { cpu: { value: 1 }, memory: { value: 2 } };
  const { memory: _, ...withoutMemory } = usual;
  const { cpu: __, ...withoutCpu } = usual;
  const cases: Readonly<Record<string, RowNumbers>> = {
    'where a container has another start time': numbersOf({ ...usual, start: { value: startSeconds + 1 } }),
    'where the working set is missing': numbersOf(withoutMemory),
    'where CPU is infinite': numbersOf({ ...usual, cpu: { value: Infinity } }),
    'where CPU is negative': numbersOf({ ...usual, cpu: { value: -1 } }),
    'where CPU is no number': numbersOf({ ...usual, cpu: { value: Number.NaN } }),
    'where memory is infinite': numbersOf({ ...usual, memory: { value: Infinity } }),
    'where a container uses nothing': numbersOf({ ...withoutCpu, memory: { value: 0 } }),
    'where a sample is older than any that is alive': numbersOf({ ...usual, cpu: { value: 3, ageMs: oldestMs + 1 } }),
    'where a sample is of the future': numbersOf({ ...usual, cpu: { value: 3, ageMs: -60_000 } }),
    'where a sample is of 1970': numbersOf({ ...usual, cpu: { value: 3, ageMs: nowMs - 1_000 } }),
    'where the machine has used no CPU': numbersOf(usual, { ...machine, cpu: { value: 0 } }),
    'where the machine uses no memory': numbersOf(usual, { ...machine, memory: { value: 0 } }),
  };
  for (const [name, numbers] of Object.entries(cases)) test(name, () => assert.equal(copied(numbers), undefined));

  test('after a sample in the future, also if all ages are allowed', () => {
    const template = templateBy(chosenOf()) ?? assert.fail('there is a fast path');
    const numbers = numbersOf({ ...usual, cpu: { value: 3, ageMs: -60_000 } });
    assert.equal(copyNumbers({ ...template, oldestMs: Infinity }, numbers, time, new Float64Array(), false), undefined);
  });

  test('after a choice that left a row out', () => {
    assert.equal(templateBy({ ...chosenOf(), rowCount: 3 }), undefined);
  });

  test('after a choice with a sample without a value', () => {
    assert.equal(templateBy(chosenOf({ memoryBytes: Number.NaN })), undefined);
  });
});
