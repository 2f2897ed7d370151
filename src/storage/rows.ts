/**
 * Fast path: a container's two samples, or its first, as a row. Others take the slow path (samplepair.ts), by the same
 * rules (samplerules.ts, rate.ts). test/unit/storage/inplace.test.ts compares them.
 */
import { column as batchColumn, columns as batchColumns, type PodLayout } from '../sample/batch.ts';
import type { ContainerPoint } from '../sample/point.ts';
import { type GaugeField, gauges } from '../sample/quantities.ts';
import { type ContainerUsage, nanocores, setGauge } from './rate.ts';
import { hasPlainTime, type SamplePair } from './samplepair.ts';
import { classifySample, type SampleKind, type SampleLimits } from './samplerules.ts';

/** The newest sample, and its base; NaN without one. */
const column = {
  timestampMs: 0,
  cpuSeconds: 1,
  memoryBytes: 2,
  baseTimestampMs: 3,
  baseCpuSeconds: 4,
  firstGauge: 5,
} as const;

const gaugeCount = gauges.length;

const columns = column.firstGauge + gaugeCount;

export type Rows = Float64Array;

/** @param count of the batch's rows. */
export function createRows(count: number): Rows {
  return new Float64Array(count * columns);
}

/** Result of updateRows: nothing was changed. */
export const needsSlowPath = -1;

/**
 * Adds the newest samples of containers that fit rows. Returns the longest interval in milliseconds, 0 without one; or
 * `needsSlowPath`.
 * @param numbers of a batch of the same layout.
 */
export function updateRows(
  rows: Rows,
  first: number,
  count: number,
  numbers: Float64Array,
  limits: SampleLimits,
  possibleMs: number,
): number {
  for (let row = first; row < first + count; row += 1) {
    const kind = classifyRow(rows, row, numbers, limits);
    if (kind !== 'newer' && kind !== 'repeated') return needsSlowPath;
    if (!isPlainTime(numbers, row)) return needsSlowPath;
  }
  // A pod has no usage before all containers have a second sample.
  if (hasOneSample(rows, first) && !areAllNewer(rows, first, count, numbers)) return needsSlowPath;
  let longestMs = 0;
  for (let row = first; row < first + count; row += 1) {
    const to = row * columns;
    const from = row * batchColumns;
    const intervalMs = numbers[from + batchColumn.timestampMs]! - rows[to + column.timestampMs]!;
    // Classified as repeated.
    if (intervalMs <= 0) continue;
    if (intervalMs <= possibleMs) longestMs = Math.max(longestMs, intervalMs);
    rows[to + column.baseTimestampMs] = rows[to + column.timestampMs]!;
    rows[to + column.baseCpuSeconds] = rows[to + column.cpuSeconds]!;
    rows[to + column.timestampMs] = numbers[from + batchColumn.timestampMs]!;
    rows[to + column.cpuSeconds] = numbers[from + batchColumn.cpuSeconds]!;
    rows[to + column.memoryBytes] = numbers[from + batchColumn.memoryBytes]!;
    for (let gauge = 0; gauge < gaugeCount; gauge += 1) {
      rows[to + column.firstGauge + gauge] = numbers[from + batchColumn.firstGauge + gauge]!;
    }
  }
  return longestMs;
}

/** Reports whether the kubelet wrote the time of a batch's row; hasPlainTime is the slow path. */
export function isPlainTime(numbers: Float64Array, row: number): boolean {
  const at = row * batchColumns;
  return Number.isNaN(numbers[at + batchColumn.rawTimestampMs]) && numbers[at + batchColumn.isUntimed] === 0;
}

function classifyRow(rows: Rows, row: number, numbers: Float64Array, limits: SampleLimits): SampleKind {
  const last = row * columns;
  const now = row * batchColumns;
  return classifySample(
    rows[last + column.timestampMs]!,
    rows[last + column.cpuSeconds]!,
    rows[last + column.memoryBytes]!,
    numbers[now + batchColumn.timestampMs]!,
    numbers[now + batchColumn.cpuSeconds]!,
    numbers[now + batchColumn.memoryBytes]!,
    numbers[now + batchColumn.startTimeMs]!,
    limits,
  );
}

/** Reports whether a row has one sample so far. */
export function hasOneSample(rows: Rows, row: number): boolean {
  return Number.isNaN(rows[row * columns + column.baseTimestampMs]);
}

function areAllNewer(rows: Rows, first: number, count: number, numbers: Float64Array): boolean {
  for (let row = first; row < first + count; row += 1) {
    const newMs = numbers[row * batchColumns + batchColumn.timestampMs]!;
    if (!(newMs > rows[row * columns + column.timestampMs]!)) return false;
  }
  return true;
}

/** Returns the newest sample's time. */
export function newestMs(rows: Rows, first: number, count: number): number {
  let newest = -Infinity;
  for (let row = first; row < first + count; row += 1) {
    newest = Math.max(newest, rows[row * columns + column.timestampMs]!);
  }
  return newest;
}

/** Returns the usage in a row; usageOf is the slow path. */
export function usageInRow(rows: Rows, row: number, name: string, hasSwap: boolean): ContainerUsage {
  const at = row * columns;
  const timestampMs = rows[at + column.timestampMs]!;
  const windowMs = timestampMs - rows[at + column.baseTimestampMs]!;
  const usage: ContainerUsage = {
    name,
    timestampMs,
    windowMs,
    cpuNanocores: nanocores(rows[at + column.cpuSeconds]!, rows[at + column.baseCpuSeconds]!, windowMs),
    memoryBytes: Math.trunc(rows[at + column.memoryBytes]!),
  };
  for (let gauge = 0; gauge < gaugeCount; gauge += 1) {
    setGauge(usage, gauges[gauge]!, rows[at + column.firstGauge + gauge], hasSwap);
  }
  return usage;
}

/** Reads the newest sample and its usage into an object, since the history reads all rows each minute. */
export function counterInRow(
  rows: Rows,
  row: number,
  into: { timestampMs: number; cpuSeconds: number; memoryBytes: number; windowMs: number; cpuNanocores: number },
): void {
  const at = row * columns;
  into.timestampMs = rows[at + column.timestampMs]!;
  into.cpuSeconds = rows[at + column.cpuSeconds]!;
  into.memoryBytes = Math.trunc(rows[at + column.memoryBytes]!);
  into.windowMs = into.timestampMs - rows[at + column.baseTimestampMs]!;
  into.cpuNanocores = nanocores(into.cpuSeconds, rows[at + column.baseCpuSeconds]!, into.windowMs);
}

/** Reports whether a row can hold the pair. */
export function fitsRow({ last, base, rival, lacksValue, isBeforeStep }: SamplePair): boolean {
  return (
    base !== 'restarted' &&
    hasPlainTime(last) &&
    (typeof base === 'string' || hasPlainTime(base)) &&
    rival === undefined &&
    lacksValue === undefined &&
    isBeforeStep === undefined &&
    !Number.isNaN(last.memoryBytes)
  );
}

/** Writes a pair that fits. */
export function writeRow(rows: Rows, row: number, { last, base }: SamplePair): void {
  const at = row * columns;
  rows[at + column.timestampMs] = last.timestampMs;
  rows[at + column.cpuSeconds] = last.cpuSeconds;
  rows[at + column.memoryBytes] = last.memoryBytes;
  for (const [gauge, { field }] of gauges.entries()) rows[at + column.firstGauge + gauge] = last[field] ?? Number.NaN;
  const { timestampMs, cpuSeconds } = typeof base === 'string' ? noBase : base;
  rows[at + column.baseTimestampMs] = timestampMs;
  rows[at + column.baseCpuSeconds] = cpuSeconds;
}

const noBase = { timestampMs: Number.NaN, cpuSeconds: Number.NaN };

/** Returns a row as a pair. */
export function readRow(
  rows: Rows,
  row: number,
  { name, containerId }: PodLayout['containers'][number],
): SamplePair<ContainerPoint> {
  const at = row * columns;
  const last: ContainerPoint & { -readonly [field in GaugeField]?: number | undefined } = {
    name,
    containerId,
    // Unused after the first sample.
    startTimeMs: undefined,
    timestampMs: rows[at + column.timestampMs]!,
    cpuSeconds: rows[at + column.cpuSeconds]!,
    memoryBytes: rows[at + column.memoryBytes]!,
  };
  for (const [gauge, { field }] of gauges.entries()) {
    const value = rows[at + column.firstGauge + gauge]!;
    if (!Number.isNaN(value)) last[field] = value;
  }
  const base = { timestampMs: rows[at + column.baseTimestampMs]!, cpuSeconds: rows[at + column.baseCpuSeconds]! };
  return { last, base: hasOneSample(rows, row) ? 'one-sample' : base };
}
