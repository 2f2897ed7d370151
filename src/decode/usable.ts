/**
 * Decides which samples are usable, for both endpoints. usable.test.ts feeds fast path and slow path with the same
 * samples.
 */
import { column, columns } from '../sample/batch.ts';
import { type ContainerPoint, latestMs, type Point, valueLimit } from '../sample/point.ts';
import { gauges, scrapedColumn } from '../sample/quantities.ts';
import type { Reading, Readings } from './reading.ts';
import type { RowNumbers } from './rownumbers.ts';
import { type AnswerTime, isTrueTime, sampleTime } from './sampletime.ts';

const { cpu, memory, firstGauge } = scrapedColumn;
/** A local copy, for the hot loop. */
const gaugeCount = gauges.length;

/** Reports whether CPU seconds or bytes are possible; NaN is not. */
export function isPlausible(value: number): boolean {
  return value >= 0 && value <= valueLimit;
}

/** Kubelets leave CPU out while none was used, which reads as 0. */
function isUsable(hasMemory: boolean, cpuSeconds: number, memoryBytes: number): boolean {
  return hasMemory && isPlausible(cpuSeconds) && isPlausible(memoryBytes);
}

/** Reports whether a machine's sample is usable. Old cAdvisors on cgroup v2 report 0. */
export function isUsableMachine(cpuSeconds: number, memoryBytes: number): boolean {
  return cpuSeconds > 0 && memoryBytes > 0;
}

function usableGauge(isSeen: boolean, value: number): number {
  return isSeen && isPlausible(value) ? value : Number.NaN;
}

function timeColumn(hasCpu: boolean): number {
  return hasCpu ? cpu : memory;
}

/** Reports whether a point has a plausible value. */
export function hasValue(point: Pick<Point, 'memoryBytes'> | undefined): boolean {
  return point !== undefined && !Number.isNaN(point.memoryBytes);
}

/** Reports whether the working set is 0 or NaN, as of no running container. */
export function lacksMemory(memoryBytes: number): boolean {
  return !(memoryBytes > 0);
}

/** Returns whole milliseconds; undefined if impossible, as Go's zero time, which is negative. */
export function startTimeMs(seconds: number): number | undefined {
  return seconds > 0 && seconds * 1000 <= latestMs ? Math.trunc(seconds * 1000) : undefined;
}

/**
 * Fast path: copies a usable sample with a true time into a batch's row. Returns false to fall back.
 * @param oldestMs older samples need the slow path.
 */
export function copyRow(
  numbers: RowNumbers,
  row: number,
  answer: AnswerTime,
  oldestMs: number,
  result: Float64Array,
  batchRow: number,
): boolean {
  const cpuSeconds = numbers.value(row, cpu);
  const memoryBytes = numbers.value(row, memory);
  if (!isUsable(numbers.isSeen(row, memory), cpuSeconds, memoryBytes)) return false;
  const timestampMs = numbers.timestampMs(row, timeColumn(numbers.isSeen(row, cpu)));
  if (!isTrueTime(timestampMs, answer) || answer.nodeTimeMs - timestampMs > oldestMs) return false;
  const at = batchRow * columns;
  result[at + column.timestampMs] = timestampMs;
  result[at + column.rawTimestampMs] = Number.NaN;
  result[at + column.isUntimed] = 0;
  result[at + column.cpuSeconds] = cpuSeconds;
  result[at + column.memoryBytes] = memoryBytes;
  for (let gauge = 0; gauge < gaugeCount; gauge += 1) {
    const from = firstGauge + gauge;
    result[at + column.firstGauge + gauge] = usableGauge(numbers.isSeen(row, from), numbers.value(row, from));
  }
  return true;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Slow path: returns undefined if unusable. */
function toPoint(readings: Readings, answer: AnswerTime): Mutable<Point> | undefined {
  if (!isUsable(readings.memory.seen, readings.cpu.value, readings.memory.value)) return undefined;
  const time = timeOf(readings, answer);
  if (time === undefined) return undefined;
  const point: Mutable<Point> = { ...time, cpuSeconds: readings.cpu.value, memoryBytes: readings.memory.value };
  for (const [gauge, { field }] of gauges.entries()) {
    const { seen, value } = readings.at(firstGauge + gauge);
    const usable = usableGauge(seen, value);
    if (!Number.isNaN(usable)) point[field] = usable;
  }
  return point;
}

/** Returns the machine's point; undefined if unusable. */
export function toMachinePoint(readings: Readings, answer: AnswerTime): Point | undefined {
  const point = toPoint(readings, answer);
  return point !== undefined && isUsableMachine(point.cpuSeconds, point.memoryBytes) ? point : undefined;
}

/**
 * Returns a container's point; an unusable one's working set is NaN: the pod must not look whole without the container.
 */
export function toContainerPoint(
  { name, containerId, startTimeMs: startedMs }: Pick<ContainerPoint, 'name' | 'containerId' | 'startTimeMs'>,
  readings: Readings,
  answer: AnswerTime,
): ContainerPoint {
  const { cpu: read } = readings;
  // In place: a spread takes several times as long.
  const point: Mutable<Point> & Partial<Mutable<ContainerPoint>> = toPoint(readings, answer) ?? {
    ...(timeOf(readings, answer) ?? { timestampMs: answer.nodeTimeMs }),
    cpuSeconds: isPlausible(read.value) ? read.value : 0,
    memoryBytes: Number.NaN,
  };
  point.name = name;
  point.containerId = containerId;
  point.startTimeMs = startedMs;
  return point as ContainerPoint;
}

function timeOf(readings: Readings, answer: AnswerTime): ReturnType<typeof sampleTime> {
  const { seen, timestampMs }: Reading = readings.at(timeColumn(readings.cpu.seen));
  return seen ? sampleTime(timestampMs, answer) : undefined;
}
