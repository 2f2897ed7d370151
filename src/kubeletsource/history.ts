/** Keeps the samples of one cgroup over the window of rates, in one array of a fixed size. */
import type { SeriesBatch, WantedColumns } from '../sample/seriescolumns.ts';

/**
 * Samples per cgroup: a window's at 10 s between them, cAdvisor's least, and the one before it. In longer windows
 * samples are left out, evenly.
 */
export const historyLimit = 10;

/** Milliseconds; a sample this much older than the last one is of another clock. */
const clockStepMs = 10_000;

/** Units of a counter; cgroup v1 sums per-CPU counters without a lock: they may fall by nanoseconds. */
const counterJitter = 1e-6;

/** What a counter did between two samples. */
export interface Increase {
  readonly amount: number;
  /** Above zero. */
  readonly intervalMs: number;
}

/** Where a cgroup's numbers are in a batch. */
export interface CgroupNumbers {
  readonly batch: SeriesBatch;
  readonly cgroup: number;
  /** Columns of the batch, in the history's order. */
  readonly indexes: readonly number[];
  /** Whether each is a counter. */
  readonly isCounter: readonly boolean[];
}

export interface HistoryLimits {
  readonly windowMs: number;
  /** Milliseconds between two samples over which there is still a rate. */
  readonly longestIntervalMs: number;
}

export class SampleHistory {
  readonly columns: WantedColumns;
  /** Per sample, the oldest first: its time, then a number per column; NaN is unknown. */
  readonly #numbers: Float64Array;
  readonly #parts: Float64Array;
  #count = 0;
  /** Whether columns were added since the last sample. */
  #isWidened = false;

  /** @param like a history of the same cgroup, whose samples of the same columns are kept. */
  constructor(columns: WantedColumns, like?: SampleHistory) {
    this.columns = columns;
    this.#numbers = new Float64Array(historyLimit * (columns.length + 1));
    this.#parts = new Float64Array(columns.length).fill(Number.NaN);
    if (like !== undefined) this.#copy(like);
  }

  get bytes(): number {
    return this.#numbers.byteLength + this.#parts.byteLength;
  }

  /** NaN without a sample. */
  get lastMs(): number {
    return this.#count === 0 ? Number.NaN : this.#numbers[(this.#count - 1) * this.#width]!;
  }

  /** Returns the last sample of a column; NaN if it had none. */
  last(column: number): number {
    return this.#count === 0 ? Number.NaN : this.#numbers[(this.#count - 1) * this.#width + 1 + column]!;
  }

  /** Returns the increase from the oldest kept sample to the last one; undefined without two. */
  increase(column: number): Increase | undefined {
    const last = this.last(column);
    if (Number.isNaN(last)) return undefined;
    for (let at = 0; at < (this.#count - 1) * this.#width; at += this.#width) {
      const first = this.#numbers[at + 1 + column]!;
      if (!Number.isNaN(first)) {
        return { amount: Math.max(0, last - first), intervalMs: this.lastMs - this.#numbers[at]! };
      }
    }
    return undefined;
  }

  /** Drops all samples: there is no rate between them and later ones. */
  clear(): void {
    this.#count = 0;
  }

  /** Adds the sample of a scrape. A repeated or slightly older one changes nothing. Returns whether it is new. */
  add(numbers: CgroupNumbers, limits: HistoryLimits): boolean {
    const timeMs = numbers.batch.timesMs[numbers.cgroup]!;
    if (Number.isNaN(timeMs)) return false;
    if (this.#isWidened && timeMs === this.lastMs) this.#count -= 1;
    this.#isWidened = false;
    const intervalMs = timeMs - this.lastMs;
    if (intervalMs <= 0 && intervalMs >= -clockStepMs) return false;
    if (intervalMs < 0 || intervalMs > limits.longestIntervalMs) this.clear();
    this.#forgetResets(numbers);
    this.#makeRoom(timeMs, limits.windowMs);
    const at = this.#count * this.#width;
    const from = numbers.cgroup * numbers.batch.columns.length;
    this.#numbers[at] = timeMs;
    for (const [column, index] of numbers.indexes.entries()) {
      this.#numbers[at + 1 + column] = numbers.batch.values[from + index]!;
    }
    this.#count += 1;
    return true;
  }

  get #width(): number {
    return this.columns.length + 1;
  }

  /** A counter that fell, or that adds other interfaces or devices, is another counter. */
  #forgetResets({ batch, cgroup, indexes, isCounter }: CgroupNumbers): void {
    const from = cgroup * batch.columns.length;
    for (const [column, index] of indexes.entries()) {
      const value = batch.values[from + index]!;
      if (Number.isNaN(value)) continue;
      const parts = batch.parts[from + index]!;
      const isOther = parts !== this.#parts[column]! || value < this.#lastKnown(column) - counterJitter;
      this.#parts[column] = parts;
      if (isOther && isCounter[column] === true) this.#forget(column);
    }
  }

  #lastKnown(column: number): number {
    for (let at = (this.#count - 1) * this.#width; at >= 0; at -= this.#width) {
      const value = this.#numbers[at + 1 + column]!;
      if (!Number.isNaN(value)) return value;
    }
    return Number.NaN;
  }

  #forget(column: number): void {
    for (let sample = 0; sample < this.#count; sample += 1) {
      this.#numbers[sample * this.#width + 1 + column] = Number.NaN;
    }
  }

  /** Keeps one sample from before the window, and leaves out the last one if it is close to the one before it. */
  #makeRoom(timeMs: number, windowMs: number): void {
    const width = this.#width;
    let first = 0;
    while (first + 1 < this.#count && this.#numbers[(first + 1) * width]! <= timeMs - windowMs) first += 1;
    const closeMs = windowMs / (historyLimit - 3);
    const isClose = this.#count - first >= 3 && this.lastMs - this.#numbers[(this.#count - 2) * width]! < closeMs;
    if (isClose) this.#count -= 1;
    if (this.#count - first >= historyLimit) first += 1;
    if (first > 0) this.#numbers.copyWithin(0, first * width, this.#count * width);
    this.#count -= first;
  }

  #copy(like: SampleHistory): void {
    this.#count = like.#count;
    const indexes = this.columns.map((name) => like.columns.indexOf(name));
    this.#isWidened = indexes.includes(-1);
    for (let sample = 0; sample < this.#count; sample += 1) {
      this.#numbers[sample * this.#width] = like.#numbers[sample * like.#width]!;
      for (const [column, index] of indexes.entries()) {
        const value = index === -1 ? Number.NaN : like.#numbers[sample * like.#width + 1 + index]!;
        this.#numbers[sample * this.#width + 1 + column] = value;
      }
    }
    for (const [column, index] of indexes.entries()) {
      this.#parts[column] = index === -1 ? Number.NaN : like.#parts[index]!;
    }
  }
}
