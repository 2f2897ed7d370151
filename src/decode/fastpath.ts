/**
 * Takes a short cut where a scrape tells of the same cgroups as the one before, and nothing about their numbers is remarkable: then the selection
 * would choose as it did, and only numbers have to be copied. At the least doubt there is no short cut.
 */
import { column, columns, type Layout, machineRow, rowsOf } from '../sample/batch.ts';
import type { ContainerPoint, PodBatch, Point } from '../sample/point.ts';
import { hasValue, isPlausible, lacksMemory } from './reading.ts';
import { rowFamilies, type RowNumbers } from './rownumbers.ts';
import { type AnswerTime, isTrueTime } from './sampletime.ts';

export interface Steady {
  readonly layout: Layout;
  /** By row of the layout: where its numbers are, and when it started, in seconds as the kubelet says it; NaN where it does not. */
  readonly places: Int32Array;
  readonly startSeconds: Float64Array;
  /** The same as batches have it. */
  readonly startTimesMs: Float64Array;
  /** By row: 1 where it had a working set of 0, which leaves something to doubt. */
  readonly lackMemory: Uint8Array;
  /** A sample that is older needs a second look, in milliseconds. */
  readonly oldestMs: number;
}

/** What was chosen of one body, and where its numbers are. */
export interface Chosen {
  readonly machine: Point | undefined;
  readonly pods: readonly PodBatch[];
  /** Of the machine and of every point that there was to choose from. */
  readonly places: ReadonlyMap<Point | ContainerPoint, number>;
  /** How many rows there are of the machine and of containers, also without a point. */
  readonly rows: number;
}

const { cpu, memory, swap, start } = rowFamilies;

/** What to compare the next scrape with; undefined where the machine or a row was not chosen: the numbers may decide otherwise the next time. */
export function steadyOf(
  { machine, pods, places, rows }: Chosen,
  layout: Layout,
  numbers: RowNumbers,
  oldestMs: number,
): Steady | undefined {
  const chosen: (Point | ContainerPoint | undefined)[] = [machine, ...pods.flatMap(({ containers }) => containers)];
  const byRow = new Int32Array(rowsOf(layout));
  if (chosen.length !== rows || chosen.length !== byRow.length) return undefined;
  const startSeconds = new Float64Array(byRow.length).fill(Number.NaN);
  const startTimesMs = startSeconds.slice();
  const lackMemory = new Uint8Array(byRow.length);
  for (const [row, point] of chosen.entries()) {
    const place = point === undefined ? undefined : places.get(point);
    // What is doubted of a sample without a value does not hold for the next one.
    if (point === undefined || place === undefined || !hasValue(point)) return undefined;
    byRow[row] = place;
    if (numbers.isSeen(place, start)) startSeconds[row] = numbers.value(place, start);
    if ('startTimeMs' in point) startTimesMs[row] = point.startTimeMs ?? Number.NaN;
    lackMemory[row] = Number(lacksMemory(point.memoryBytes));
  }
  return { layout, places: byRow, startSeconds, startTimesMs, lackMemory, oldestMs };
}

/**
 * The numbers of the batch by the short cut, or undefined.
 * @param before those of the batch before, which nobody needs any more: their memory is used again, if it is there.
 * @param brief whether nobody has asked when containers started.
 */
export function steadyNumbers(
  { places, startSeconds, startTimesMs, lackMemory, oldestMs }: Steady,
  numbers: RowNumbers,
  answer: AnswerTime,
  before: Float64Array<ArrayBuffer>,
  brief: boolean,
): Float64Array<ArrayBuffer> | undefined {
  const length = places.length * columns;
  const result = before.length === length ? before : new Float64Array(length);
  if (!copy(places[machineRow]!, numbers, answer, oldestMs, result, machineRow)) return undefined;
  if (result[column.cpuSeconds] === 0 || result[column.memoryBytes] === 0) return undefined;
  result[column.startTimeMs] = Number.NaN;
  for (let row = machineRow + 1; row < places.length; row += 1) {
    const place = places[row]!;
    const known = startSeconds[row]!;
    const told = numbers.isSeen(place, start) ? numbers.value(place, start) : brief ? known : Number.NaN;
    if (!Object.is(told, known)) return undefined;
    if (!copy(place, numbers, answer, oldestMs, result, row)) return undefined;
    const isLacking = lacksMemory(numbers.value(place, memory));
    // A row that uses nothing may be that of a container that has ended; one that uses memory no more, or again, changes what is doubted.
    if ((isLacking && !numbers.isSeen(place, cpu)) || isLacking !== (lackMemory[row] === 1)) return undefined;
    result[row * columns + column.startTimeMs] = startTimesMs[row]!;
  }
  return result;
}

/** False where the values need a second look. */
function copy(
  place: number,
  numbers: RowNumbers,
  answer: AnswerTime,
  oldestMs: number,
  result: Float64Array,
  row: number,
): boolean {
  const cpuSeconds = numbers.value(place, cpu);
  const memoryBytes = numbers.value(place, memory);
  if (!numbers.isSeen(place, memory) || !isPlausible(cpuSeconds) || !isPlausible(memoryBytes)) return false;
  const timestampMs = numbers.timestampMs(place, numbers.isSeen(place, cpu) ? cpu : memory);
  if (!isTrueTime(timestampMs, answer) || answer.nodeTimeMs - timestampMs > oldestMs) return false;
  const swapBytes = numbers.value(place, swap);
  const at = row * columns;
  result[at + column.timestampMs] = timestampMs;
  result[at + column.toldMs] = Number.NaN;
  result[at + column.isUntimed] = 0;
  result[at + column.cpuSeconds] = cpuSeconds;
  result[at + column.memoryBytes] = memoryBytes;
  result[at + column.swapBytes] = numbers.isSeen(place, swap) && isPlausible(swapBytes) ? swapBytes : Number.NaN;
  return true;
}
