/**
 * The two samples of each container of a node as a row of numbers: nearly all containers of nearly all scrapes have a sample, one before it, and a newer
 * one now. A node's first scrape leaves single ones, all at once, so rows have these, too. Whatever else there may be is not for rows.
 */
import { column as batchColumn, columns as batchColumns, type PodLayout } from '../sample/batch.ts';
import type { ContainerPoint, Usage } from '../sample/point.ts';
import { type Judgement, judge, type Rules } from './samplerules.ts';
import { hasPlainTime, type Held, nanocores } from './window.ts';

/** The newest sample, and what its rate is counted from; NaN where that is the only one so far. */
const column = {
  timestampMs: 0,
  cpuSeconds: 1,
  memoryBytes: 2,
  swapBytes: 3,
  baseTimestampMs: 4,
  baseCpuSeconds: 5,
} as const;

const columns = 6;

export type Rows = Float64Array;

/** @param count as many as the batch has rows. */
export function createRows(count: number): Rows {
  return new Float64Array(count * columns);
}

/** What advanceRows returns where it has changed nothing. */
export const notPlain = -1;

/**
 * Takes in the newest samples of some containers, if that is all there is to do. Returns the largest possible distance of a new sample to the one before it
 * in milliseconds, 0 where there is none; or `notPlain`.
 * @param numbers of a batch of the same layout.
 * @param possibleMs see possibleDistanceMs.
 */
export function advanceRows(
  rows: Rows,
  first: number,
  count: number,
  numbers: Float64Array,
  rules: Rules,
  possibleMs: number,
): number {
  for (let row = first; row < first + count; row += 1) {
    const judgement = judgeRow(rows, row, numbers, rules);
    if (judgement !== 'news' && judgement !== 'repeated') return notPlain;
    if (!isPlainTime(numbers, row)) return notPlain;
  }
  // Where only some have their second sample there is more to say.
  if (isSingle(rows, first) && !areAllNewer(rows, first, count, numbers)) return notPlain;
  let largestMs = 0;
  for (let row = first; row < first + count; row += 1) {
    const to = row * columns;
    const from = row * batchColumns;
    const distanceMs = numbers[from + batchColumn.timestampMs]! - rows[to + column.timestampMs]!;
    // Judged as repeated.
    if (distanceMs <= 0) continue;
    if (distanceMs <= possibleMs) largestMs = Math.max(largestMs, distanceMs);
    rows[to + column.baseTimestampMs] = rows[to + column.timestampMs]!;
    rows[to + column.baseCpuSeconds] = rows[to + column.cpuSeconds]!;
    rows[to + column.timestampMs] = numbers[from + batchColumn.timestampMs]!;
    rows[to + column.cpuSeconds] = numbers[from + batchColumn.cpuSeconds]!;
    rows[to + column.memoryBytes] = numbers[from + batchColumn.memoryBytes]!;
    rows[to + column.swapBytes] = numbers[from + batchColumn.swapBytes]!;
  }
  return largestMs;
}

/** Whether the sample's time is what the kubelet wrote. */
function isPlainTime(numbers: Float64Array, row: number): boolean {
  const at = row * batchColumns;
  return Number.isNaN(numbers[at + batchColumn.toldMs]) && numbers[at + batchColumn.isUntimed] === 0;
}

function judgeRow(rows: Rows, row: number, numbers: Float64Array, rules: Rules): Judgement {
  const held = row * columns;
  const now = row * batchColumns;
  return judge(
    rows[held + column.timestampMs]!,
    rows[held + column.cpuSeconds]!,
    rows[held + column.memoryBytes]!,
    numbers[now + batchColumn.timestampMs]!,
    numbers[now + batchColumn.cpuSeconds]!,
    numbers[now + batchColumn.memoryBytes]!,
    numbers[now + batchColumn.startTimeMs]!,
    rules,
  );
}

/** Whether a row has one sample so far. */
export function isSingle(rows: Rows, row: number): boolean {
  return Number.isNaN(rows[row * columns + column.baseTimestampMs]);
}

/** Whether there are newer samples of all of some containers. */
function areAllNewer(rows: Rows, first: number, count: number, numbers: Float64Array): boolean {
  for (let row = first; row < first + count; row += 1) {
    const newMs = numbers[row * batchColumns + batchColumn.timestampMs]!;
    if (!(newMs > rows[row * columns + column.timestampMs]!)) return false;
  }
  return true;
}

/** The time of the newest sample of some containers. */
export function newestMs(rows: Rows, first: number, count: number): number {
  let newest = -Infinity;
  for (let row = first; row < first + count; row += 1) {
    newest = Math.max(newest, rows[row * columns + column.timestampMs]!);
  }
  return newest;
}

/** The rate between the two samples of a row. */
export function usageInRow(rows: Rows, row: number, name: string, hasSwap: boolean): Usage & { readonly name: string } {
  const at = row * columns;
  const timestampMs = rows[at + column.timestampMs]!;
  const windowMs = timestampMs - rows[at + column.baseTimestampMs]!;
  const swapBytes = rows[at + column.swapBytes]!;
  return {
    name,
    timestampMs,
    windowMs,
    cpuNanocores: nanocores(rows[at + column.cpuSeconds]!, rows[at + column.baseCpuSeconds]!, windowMs),
    memoryBytes: Math.trunc(rows[at + column.memoryBytes]!),
    swapBytes: hasSwap && !Number.isNaN(swapBytes) ? Math.trunc(swapBytes) : undefined,
  };
}

/** Whether what is held can be a row. */
export function fitsRow({ last, base, rival, lacksValue }: Held): boolean {
  return (
    base !== 'restarted' &&
    hasPlainTime(last) &&
    (typeof base === 'string' || hasPlainTime(base)) &&
    rival === undefined &&
    lacksValue === undefined &&
    !Number.isNaN(last.memoryBytes)
  );
}

export function writeRow(rows: Rows, row: number, { last, base }: Held): void {
  const at = row * columns;
  rows[at + column.timestampMs] = last.timestampMs;
  rows[at + column.cpuSeconds] = last.cpuSeconds;
  rows[at + column.memoryBytes] = last.memoryBytes;
  rows[at + column.swapBytes] = last.swapBytes ?? Number.NaN;
  const { timestampMs, cpuSeconds } = typeof base === 'string' ? noBase : base;
  rows[at + column.baseTimestampMs] = timestampMs;
  rows[at + column.baseCpuSeconds] = cpuSeconds;
}

const noBase = { timestampMs: Number.NaN, cpuSeconds: Number.NaN };

export function readRow(
  rows: Rows,
  row: number,
  { name, containerId }: PodLayout['containers'][number],
): Held<ContainerPoint> {
  const at = row * columns;
  const swapBytes = rows[at + column.swapBytes]!;
  return {
    last: {
      name,
      containerId,
      // Of no interest once it was looked at.
      startTimeMs: undefined,
      timestampMs: rows[at + column.timestampMs]!,
      cpuSeconds: rows[at + column.cpuSeconds]!,
      memoryBytes: rows[at + column.memoryBytes]!,
      swapBytes: Number.isNaN(swapBytes) ? undefined : swapBytes,
    },
    base: isSingle(rows, row)
      ? 'one-sample'
      : { timestampMs: rows[at + column.baseTimestampMs]!, cpuSeconds: rows[at + column.baseCpuSeconds]! },
  };
}
