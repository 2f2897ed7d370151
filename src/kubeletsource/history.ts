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

/** The increase of a counter between two samples. */
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
  /** Whether each is unknown at 0, see SeriesColumn. */
  readonly isUnreadAtZero: readonly boolean[];
}

export interface HistoryLimits {
  readonly windowMs: number;
  /** Milliseconds between two samples over which there is still a rate. */
  readonly longestIntervalMs: number;
  /** Milliseconds for which 0 after more is unknown; then the cgroup has ended. */
  readonly unreadMs: number;
}

export class SampleHistory {
  readonly columns: WantedColumns;
  /** Per sample, the oldest first: its time, then a number per column; NaN is unknown. */
  readonly #numbers: Float64Array;
  readonly #parts: Float64Array;
  /** 1 for columns that were above 0. */
  readonly #wasMore: Uint8Array;
  #count = 0;
  /** Whether columns were added since the last sample. */
  #isWidened = false;

  /** @param like a history of the same cgroup, whose samples of the same columns are kept. */
  constructor(columns: WantedColumns, like?: SampleHistory) {
    this.columns = columns;
    this.#numbers = new Float64Array(historyLimit * (columns.length + 1));
    this.#parts = new Float64Array(columns.length).fill(Number.NaN);
    this.#wasMore = new Uint8Array(columns.length);
    if (like !== undefined) this.#copy(like);
  }

  get bytes(): number {
    return this.#numbers.byteLength + this.#parts.byteLength + this.#wasMore.byteLength;
  }

  /** NaN without a sample. */
  get lastMs(): number {
    return this.#count === 0 ? Number.NaN : this.#numbers[(this.#count - 1) * this.#width]!;
  }

  /** Returns the last sample of a column; NaN if it had none. */
  last(column: number): number {
    return this.#count === 0 ? Number.NaN : this.#numbers[(this.#count - 1) * this.#width + 1 + column]!;
  }

  /** Reports whether a kept sample has the column. */
  isKnown(column: number): boolean {
    return this.#lastKnownAt(column) !== undefined;
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
    const values = numbers.indexes.map((_, column) => this.#valueOf(numbers, column, limits.unreadMs));
    this.#forgetResets(numbers, values);
    this.#makeRoom(timeMs, limits.windowMs);
    const at = this.#count * this.#width;
    this.#numbers[at] = timeMs;
    for (const [column, value] of values.entries()) {
      this.#numbers[at + 1 + column] = value;
      if (value > 0) this.#wasMore[column] = 1;
    }
    this.#count += 1;
    return true;
  }

  /** Returns NaN for a 0 that is of a cgroup that could not be read. */
  #valueOf({ batch, cgroup, indexes, isUnreadAtZero }: CgroupNumbers, column: number, unreadMs: number): number {
    const value = batch.values[cgroup * batch.columns.length + indexes[column]!]!;
    if (value !== 0 || isUnreadAtZero[column] !== true) return value;
    const at = this.#lastKnownAt(column);
    if (at === undefined || !(this.#numbers[at + 1 + column]! > 0)) return value;
    return batch.timesMs[cgroup]! - this.#numbers[at]! <= unreadMs ? Number.NaN : value;
  }

  get #width(): number {
    return this.columns.length + 1;
  }

  /**
   * A counter that fell, or that adds other interfaces or devices, is another counter. So is one that comes back after
   * 0: its whole life would count for one interval.
   */
  #forgetResets({ batch, cgroup, indexes, isCounter, isUnreadAtZero }: CgroupNumbers, values: readonly number[]): void {
    const from = cgroup * batch.columns.length;
    for (const [column, value] of values.entries()) {
      if (Number.isNaN(value)) continue;
      const parts = batch.parts[from + indexes[column]!]!;
      const at = this.#lastKnownAt(column);
      const last = at === undefined ? Number.NaN : this.#numbers[at + 1 + column]!;
      const isBack = isUnreadAtZero[column] === true && last === 0 && value > 0 && this.#wasMore[column] === 1;
      const isOther = parts !== this.#parts[column]! || value < last - counterJitter || isBack;
      this.#parts[column] = parts;
      if (isOther && isCounter[column] === true) this.#forget(column);
    }
  }

  /** Returns where the last sample begins that has the column; undefined without one. */
  #lastKnownAt(column: number): number | undefined {
    for (let at = (this.#count - 1) * this.#width; at >= 0; at -= this.#width) {
      if (!Number.isNaN(this.#numbers[at + 1 + column]!)) return at;
    }
    return undefined;
  }

  #forget(column: number): void {
    for (let sample = 0; sample < this.#count; sample += 1) {
      this.#numbers[sample * this.#width + 1 + column] = Number.NaN;
    }
  }

  /**
   * Keeps one sample from before the window, and leaves out the last one if it is close to the one before it and no
   * column begins with it.
   */
  #makeRoom(timeMs: number, windowMs: number): void {
    const width = this.#width;
    let first = 0;
    while (first + 1 < this.#count && this.#numbers[(first + 1) * width]! <= timeMs - windowMs) first += 1;
    const closeMs = windowMs / (historyLimit - 3);
    const isClose = this.#count - first >= 3 && this.lastMs - this.#numbers[(this.#count - 2) * width]! < closeMs;
    if (isClose && !this.#beginsColumn(first)) this.#count -= 1;
    if (this.#count - first >= historyLimit) first += 1;
    if (first > 0) this.#numbers.copyWithin(0, first * width, this.#count * width);
    this.#count -= first;
  }

  /** Reports whether the last sample is the first one with some column, among those from `first` on. */
  #beginsColumn(first: number): boolean {
    const lastAt = (this.#count - 1) * this.#width;
    return this.columns.some((_, column) => {
      if (Number.isNaN(this.#numbers[lastAt + 1 + column]!)) return false;
      for (let at = first * this.#width; at < lastAt; at += this.#width) {
        if (!Number.isNaN(this.#numbers[at + 1 + column]!)) return false;
      }
      return true;
    });
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
      this.#wasMore[column] = index === -1 ? 0 : like.#wasMore[index]!;
    }
  }
}
