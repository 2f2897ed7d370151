/**
 * The fast path: if a body has the previous series and no remarkable value, the slow path would choose the same rows,
 * so only numbers are copied. Any doubt falls back. fastpathequality.test.ts compares both.
 */
import type { Borrowed } from '../sample/borrowed.ts';
import { column, columns, type Layout, machineRow, rowsOf } from '../sample/batch.ts';
import type { ContainerPoint, PodBatch, Point } from '../sample/point.ts';
import { scrapedColumn } from '../sample/quantities.ts';
import * as rowNumbers from './rownumbers.ts';
import type { RowNumbers } from './rownumbers.ts';
import type { AnswerTime } from './sampletime.ts';
import * as usable from './usable.ts';

/** The slow path's choice, by row of the batch. */
export interface Template {
  readonly layout: Layout;
  readonly rows: Int32Array;
  /** As scraped; NaN if there is none. */
  readonly startSeconds: Float64Array;
  readonly startTimesMs: Float64Array;
  /** 1 for a working set of 0, a doubt. */
  readonly lackMemory: Uint8Array;
  /** Older samples need the slow path. */
  readonly oldestMs: number;
}

/** The slow path's choice, and its rows in the body. */
export interface ChosenRows {
  readonly machine: Point | undefined;
  readonly pods: readonly PodBatch[];
  /** Also points not chosen. */
  readonly rowOf: ReadonlyMap<Point | ContainerPoint, number>;
  readonly rowCount: number;
}

/** Local copies, for the hot loop: imported bindings are loaded from their module at each use. */
const { cpu, memory, start } = scrapedColumn;
const { isSeenTime, placeOf } = rowNumbers;
const { copyRow, hasValue, isUsableMachine, lacksMemory } = usable;
const width = columns;
const startAt = column.startTimeMs;

/** Returns the next body's template; undefined if a row was not chosen, since other numbers could change that. */
export function templateOf(
  { machine, pods, rowOf, rowCount }: ChosenRows,
  layout: Layout,
  numbers: RowNumbers,
  oldestMs: number,
): Template | undefined {
  const chosen: (Point | ContainerPoint | undefined)[] = [machine, ...pods.flatMap(({ containers }) => containers)];
  const rows = new Int32Array(rowsOf(layout));
  if (chosen.length !== rowCount || chosen.length !== rows.length) return undefined;
  const startSeconds = new Float64Array(rows.length).fill(Number.NaN);
  const startTimesMs = startSeconds.slice();
  const lackMemory = new Uint8Array(rows.length);
  for (const [batchRow, point] of chosen.entries()) {
    const row = point === undefined ? undefined : rowOf.get(point);
    // A doubt about a missing value does not hold for the next.
    if (point === undefined || row === undefined || !hasValue(point)) return undefined;
    rows[batchRow] = row;
    if (numbers.isSeen(row, start)) startSeconds[batchRow] = numbers.value(row, start);
    if ('startTimeMs' in point) startTimesMs[batchRow] = point.startTimeMs ?? Number.NaN;
    lackMemory[batchRow] = Number(lacksMemory(point.memoryBytes));
  }
  return { layout, rows, startSeconds, startTimesMs, lackMemory, oldestMs };
}

/**
 * Fast path: returns the batch's numbers; undefined to fall back.
 * @param before the previous numbers, reused unless transferred.
 * @param brief whether start times were not requested.
 */
export function copyNumbers(
  { rows, startSeconds, startTimesMs, lackMemory, oldestMs }: Template,
  numbers: RowNumbers,
  answer: AnswerTime,
  before: Borrowed<Float64Array<ArrayBuffer>>,
  brief: boolean,
): Borrowed<Float64Array<ArrayBuffer>> | undefined {
  const length = rows.length * columns;
  const result = before.length === length ? before : new Float64Array(length);
  if (!copyRow(numbers, rows[machineRow]!, answer, oldestMs, result, machineRow)) return undefined;
  if (!isUsableMachine(result[column.cpuSeconds]!, result[column.memoryBytes]!)) return undefined;
  result[column.startTimeMs] = Number.NaN;
  const { values, times } = numbers;
  for (let batchRow = machineRow + 1; batchRow < rows.length; batchRow += 1) {
    const row = rows[batchRow]!;
    // First: the row is there then.
    if (!copyRow(numbers, row, answer, oldestMs, result, batchRow)) return undefined;
    const from = placeOf(row);
    const known = startSeconds[batchRow]!;
    const hasStart = isSeenTime(times[from + start]!);
    if (hasStart ? !isSameNumber(values[from + start]!, known) : !brief && !Number.isNaN(known)) return undefined;
    const isLacking = lacksMemory(values[from + memory]!);
    // An unused row may be of an ended container; a change of memory use changes the doubts.
    if ((isLacking && !isSeenTime(times[from + cpu]!)) || isLacking !== (lackMemory[batchRow] === 1)) return undefined;
    result[batchRow * width + startAt] = startTimesMs[batchRow]!;
  }
  return result;
}

/** As Object.is, which V8 calls. */
function isSameNumber(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}
