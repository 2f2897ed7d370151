/** Keeps the samples of one cgroup over the window of rates, in one array of a fixed size. */
import type { NodeBound, SeriesBatch, SeriesColumn, WantedColumns } from '../sample/seriescolumns.ts';
import { counterJitterSeconds, isPossibleIncrease } from '../storage/samplerules.ts';

/**
 * Samples per cgroup: a window's at 10 s between them, cAdvisor's least, and the one before it. In longer windows
 * samples are left out, evenly.
 */
export const historyLimit = 10;

/** Milliseconds; a sample this much older than the last one is of another clock. */
const clockStepMs = 10_000;

/** Units of a counter: seconds for those that may fall by their jitter, a part of one for others. */
const counterJitter = counterJitterSeconds;

/**
 * What is known of a column beyond the kept samples: its last value; when that was sampled, or when the first 0 was that
 * did not count; see `parts` of SeriesBatch; a value before the last one, or after it, of what may be another counter.
 */
const state = { value: 0, timeMs: 1, parts: 2, rival: 3, size: 4 } as const;

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
  /** See SeriesColumn. */
  readonly shapes: readonly ColumnShape[];
}

export type ColumnShape = Pick<SeriesColumn, 'kind' | 'isUnreadAtZero' | 'isNeverZero' | 'most'>;

export interface HistoryLimits {
  readonly windowMs: number;
  /** Milliseconds between two samples over which there is still a rate. */
  readonly longestIntervalMs: number;
  /** Milliseconds for which 0 is unknown; then the cgroup has ended. */
  readonly unreadMs: number;
  /** See SeriesColumn's `most`. */
  readonly most: Readonly<Record<NodeBound, number>>;
}

export class SampleHistory {
  readonly columns: WantedColumns;
  /** Per sample, the oldest first: its time, then a number per column; NaN is unknown. */
  readonly #numbers: Float64Array;
  /** Per column, see `state`: what the next sample is compared with. NaN is unknown. */
  readonly #states: Float64Array;
  #count = 0;
  /** As of the last sample; see HistoryLimits. */
  #unreadMs = 0;
  /** Whether columns were added since the last sample. */
  #isWidened = false;

  /** @param like a history of the same cgroup, whose samples of the same columns are kept. */
  constructor(columns: WantedColumns, like?: SampleHistory) {
    this.columns = columns;
    this.#numbers = new Float64Array(historyLimit * (columns.length + 1));
    this.#states = new Float64Array(state.size * columns.length).fill(Number.NaN);
    if (like !== undefined) this.#copy(like);
  }

  get bytes(): number {
    return this.#numbers.byteLength + this.#states.byteLength;
  }

  /** NaN without a sample. */
  get lastMs(): number {
    return this.#count === 0 ? Number.NaN : this.#numbers[(this.#count - 1) * this.#width]!;
  }

  /** Returns the last sample of a column; NaN if it had none. */
  last(column: number): number {
    return this.#count === 0 ? Number.NaN : this.#numbers[(this.#count - 1) * this.#width + 1 + column]!;
  }

  /** Reports whether a kept sample has the column, or an earlier one whose value may still stand: windows can be shorter. */
  isKnown(column: number): boolean {
    const at = column * state.size;
    const isRecent = this.lastMs - this.#states[at + state.timeMs]! <= this.#unreadMs;
    if (isRecent && !Number.isNaN(this.#states[at + state.value]!)) return true;
    for (let at = 0; at < this.#count * this.#width; at += this.#width) {
      if (!Number.isNaN(this.#numbers[at + 1 + column]!)) return true;
    }
    return false;
  }

  /**
   * Returns the increase from the oldest kept sample to the last one; undefined without two.
   * @param beside another column that both samples must have, so that the increases of both are over the same interval.
   */
  increase(column: number, beside = column): Increase | undefined {
    const last = this.last(column);
    if (Number.isNaN(last) || Number.isNaN(this.last(beside))) return undefined;
    for (let at = 0; at < (this.#count - 1) * this.#width; at += this.#width) {
      const first = this.#numbers[at + 1 + column]!;
      if (!Number.isNaN(first) && !Number.isNaN(this.#numbers[at + 1 + beside]!)) {
        return { amount: Math.max(0, last - first), intervalMs: this.lastMs - this.#numbers[at]! };
      }
    }
    return undefined;
  }

  /** Drops all samples: there is no rate between them and later ones. */
  clear(): void {
    this.#count = 0;
    this.#states.fill(Number.NaN);
  }

  /** Adds the sample of a scrape. A repeated or slightly older one changes nothing. Returns whether it is new. */
  add(numbers: CgroupNumbers, limits: HistoryLimits): boolean {
    const timeMs = numbers.batch.timesMs[numbers.cgroup]!;
    if (Number.isNaN(timeMs)) return false;
    if (this.#isWidened && timeMs === this.lastMs) this.#count -= 1;
    this.#isWidened = false;
    this.#unreadMs = limits.unreadMs;
    const intervalMs = timeMs - this.lastMs;
    if (intervalMs <= 0 && intervalMs >= -clockStepMs) return false;
    if (intervalMs < 0 || intervalMs > limits.longestIntervalMs) this.clear();
    const values = numbers.indexes.map((_, column) => this.#accept(numbers, column, timeMs, limits));
    this.#makeRoom(timeMs, limits.windowMs);
    const at = this.#count * this.#width;
    this.#numbers[at] = timeMs;
    for (const [column, value] of values.entries()) this.#numbers[at + 1 + column] = value;
    this.#count += 1;
    return true;
  }

  /** Returns the sample of a column; NaN if it is none. A counter that is another one begins with it. */
  #accept(numbers: CgroupNumbers, column: number, timeMs: number, limits: HistoryLimits): number {
    const { batch, cgroup, indexes, shapes } = numbers;
    const place = cgroup * batch.columns.length + indexes[column]!;
    const value = batch.values[place]!;
    const shape = shapes[column]!;
    if (Number.isNaN(value) || this.#isUnread(column, value, timeMs, shape, limits.unreadMs)) return Number.NaN;
    const most = typeof shape.most === 'string' ? limits.most[shape.most] : (shape.most ?? Infinity);
    const at = column * state.size;
    let rival = Number.NaN;
    if (shape.kind === 'counter') {
      const kind = this.#kindOf(at, value, timeMs, batch.parts[place]!, shape, most);
      if (kind === 'impossible') {
        this.#states[at + state.rival] = value;
        return Number.NaN;
      }
      if (kind === 'fallen') rival = this.#states[at + state.value]!;
      if (kind !== 'same') this.#forget(column);
    } else if (value > most) return Number.NaN;
    this.#states[at + state.value] = value;
    this.#states[at + state.timeMs] = timeMs;
    this.#states[at + state.parts] = batch.parts[place]!;
    this.#states[at + state.rival] = rival;
    return value;
  }

  /** Reports whether a 0 is of a cgroup that could not be read. One that lasts is of a cgroup that has ended. */
  #isUnread(column: number, value: number, timeMs: number, shape: ColumnShape, unreadMs: number): boolean {
    if (value !== 0 || shape.isUnreadAtZero !== true) return false;
    const at = column * state.size;
    const last = this.#states[at + state.value]!;
    if (last === 0 || (Number.isNaN(last) && shape.isNeverZero !== true)) return false;
    if (Number.isNaN(this.#states[at + state.timeMs]!)) this.#states[at + state.timeMs] = timeMs;
    return timeMs - this.#states[at + state.timeMs]! <= unreadMs;
  }

  /**
   * Compares a counter with its last sample. One that adds other interfaces or devices is another counter, and so is one
   * that fell. One that comes from 0 is, too, as `classifySample` of `storage/` has it: its whole life would count for
   * one interval. One wrong sample makes no rate: one that is impossible is left out, and the sample after one that
   * fell must not go on from before. If the sample after an impossible one follows that, it was another counter.
   * @param at of the column's state.
   */
  #kindOf(
    at: number,
    value: number,
    timeMs: number,
    parts: number,
    { isUnreadAtZero }: ColumnShape,
    most: number,
  ): 'same' | 'other' | 'fallen' | 'impossible' {
    const last = this.#states[at + state.value]!;
    if (parts !== this.#states[at + state.parts]!) return 'other';
    if (value >= this.#states[at + state.rival]! - counterJitter) return 'other';
    if (value < last - counterJitter) return 'fallen';
    if (isUnreadAtZero === true && last === 0 && value > 0) return 'other';
    const intervalMs = timeMs - this.#states[at + state.timeMs]!;
    return isPossibleIncrease(value - last, intervalMs, most) ? 'same' : 'impossible';
  }

  get #width(): number {
    return this.columns.length + 1;
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
      if (index === -1) continue;
      const from = index * state.size;
      this.#states.set(like.#states.subarray(from, from + state.size), column * state.size);
    }
  }
}
