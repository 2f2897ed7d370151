/** The newest sample of one body by row and quantity. */
import { noSampleMs, type SampleTable, type UnlabeledSample } from '../exposition/sample.ts';
import type { Borrowed } from '../sample/borrowed.ts';
import { quantities } from '../sample/quantities.ts';
import { isOlder, noColumn, Readings } from './reading.ts';

/** A local copy: imported bindings are loaded from their module at each use. */
const width = quantities.length;

/** A local copy, too. */
const unseen = noSampleMs;

/** Returns where a row's columns start in `values` and `times`. */
export function placeOf(row: number): number {
  return row * width;
}

/** Reports whether a time in `times` is of a sample. */
export function isSeenTime(timestampMs: number): boolean {
  return timestampMs !== unseen;
}

/** The newest sample of each series, in typed arrays. */
export class RowNumbers implements SampleTable {
  readonly width = width;
  #values: Float64Array;
  #times: Float64Array;

  constructor(rows: number) {
    this.#values = new Float64Array(rows * width);
    this.#times = new Float64Array(rows * width).fill(unseen);
  }

  /** By `placeOf` a row, and column; 0 without a sample. */
  get values(): Borrowed<Float64Array> {
    return this.#values;
  }

  /** At the same places; see `isSeenTime`. */
  get times(): Borrowed<Float64Array> {
    return this.#times;
  }

  get rows(): number {
    return this.#times.length / width;
  }

  clear(): void {
    this.#values.fill(0);
    this.#times.fill(unseen);
  }

  /**
   * Keeps the newest sample.
   * @throws RangeError for an unknown column: it would be written into the next row.
   */
  add(row: number, column: number, { value, timestampMs }: Pick<UnlabeledSample, 'value' | 'timestampMs'>): void {
    if (!(column < width)) throw noColumn(column);
    const at = row * width + column;
    if (at >= this.#times.length) this.#grow(row);
    if (isOlder(timestampMs, this.#times[at]!)) return;
    this.#values[at] = value;
    this.#times[at] = timestampMs;
  }

  isSeen(row: number, column: number): boolean {
    if (!(column < width)) return false;
    const time = this.#times[row * width + column];
    return time !== undefined && isSeenTime(time);
  }

  isAnySeen(row: number): boolean {
    for (let column = 0; column < width; column += 1) if (this.isSeen(row, column)) return true;
    return false;
  }

  /** Returns 0 without a sample. */
  value(row: number, column: number): number {
    return this.#values[row * width + column] ?? 0;
  }

  timestampMs(row: number, column: number): number {
    return this.#times[row * width + column] ?? unseen;
  }

  readings(row: number): Readings {
    const readings = new Readings();
    for (let column = 0; column < width; column += 1) {
      if (!this.isSeen(row, column)) continue;
      const reading = readings.at(column);
      reading.seen = true;
      reading.value = this.value(row, column);
      reading.timestampMs = this.timestampMs(row, column);
    }
    return readings;
  }

  #grow(row: number): void {
    const values = new Float64Array(2 * (row + 1) * width);
    const times = new Float64Array(values.length).fill(unseen);
    values.set(this.#values);
    times.set(this.#times);
    this.#values = values;
    this.#times = times;
  }
}

/** More bodies arrive at a time only if kubelets are slow. */
const spareLimit = 64;
/** Larger buffers (leaked cgroups) would be cleared with each body of any node. */
const spareRows = 4_096;

/** Lends the buffers for the numbers of a body. */
export interface RowNumbersPool {
  /** Returns an empty buffer; giving it back is optional. */
  take(rows: number): RowNumbers;
  giveBack(numbers: RowNumbers): void;
}

/** Returns a thread's pool: allocating typed arrays takes longer than filling them. */
export function createRowNumbersPool(): RowNumbersPool {
  const spares: RowNumbers[] = [];
  return {
    take: (rows) => spares.pop() ?? new RowNumbers(rows),
    giveBack(numbers) {
      if (spares.length === spareLimit || numbers.rows > spareRows) return;
      numbers.clear();
      spares.push(numbers);
    },
  };
}
