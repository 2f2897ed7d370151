/**
 * Decides which samples are usable, for both endpoints. usable.test.ts feeds fast path and slow path with the same
 * samples.
 */
import { column, columns } from '../sample/batch.ts';
import { type ContainerPoint, latestMs, type Point, valueLimit as valueMaximum } from '../sample/point.ts';
import { gauges, scrapedColumn } from '../sample/quantities.ts';
import type { Reading, Readings } from './reading.ts';
import * as rowNumbers from './rownumbers.ts';
import type { RowNumbers } from './rownumbers.ts';
import * as sampleTimes from './sampletime.ts';
import { type AnswerTime, sampleTime } from './sampletime.ts';

/** Local copies, for the hot loop: imported bindings are loaded from their module at each use. */
const { cpu, memory, firstGauge } = scrapedColumn;
const gaugeCount = gauges.length;
const { isSeenTime, placeOf } = rowNumbers;
const { isTrueTime } = sampleTimes;
const valueLimit = valueMaximum;
const width = columns;
const target = { ...column };

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
  const { values, times } = numbers;
  const from = placeOf(row);
  if (from + firstGauge + gaugeCount > times.length) return false;
  const cpuSeconds = values[from + cpu]!;
  const memoryBytes = values[from + memory]!;
  if (!isUsable(isSeenTime(times[from + memory]!), cpuSeconds, memoryBytes)) return false;
  const timestampMs = times[from + timeColumn(isSeenTime(times[from + cpu]!))]!;
  if (!isTrueTime(timestampMs, answer) || answer.nodeTimeMs - timestampMs > oldestMs) return false;
  const at = batchRow * width;
  result[at + target.timestampMs] = timestampMs;
  result[at + target.rawTimestampMs] = Number.NaN;
  result[at + target.isUntimed] = 0;
  result[at + target.cpuSeconds] = cpuSeconds;
  result[at + target.memoryBytes] = memoryBytes;
  for (let gauge = 0; gauge < gaugeCount; gauge += 1) {
    const scraped = from + firstGauge + gauge;
    result[at + target.firstGauge + gauge] = usableGauge(isSeenTime(times[scraped]!), values[scraped]!);
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
