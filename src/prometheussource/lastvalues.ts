/** The last answers, served with their true timestamps while an engine is away. */
import type { Clock } from '../clock.ts';
import { QuestionValues, type ValueColumn } from './questionvalues.ts';

/** Samples of all questions: 13 to 29 MB, the less the more objects a question has. Above the limit, the questions least recently written are dropped. */
export const lastValueLimit = 200_000;

/** Bytes of a usual sample. */
export const sampleBytes = 150;
/** Bytes of a question without its samples and key. */
const questionBytes = 900;

/** A value as it is written to a snapshot. */
export interface AgedValue<T> {
  readonly name: string;
  readonly value: T;
  readonly ageMs: number;
}

export class LastValues<T> {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #maxAgeMs: number;
  readonly #weigh: (value: T) => number;
  readonly #limit: number;
  readonly #createColumn: (() => ValueColumn<T>) | undefined;
  /** Least recently written first. */
  readonly #entries = new Map<string, QuestionValues<T>>();
  #size = 0;

  /**
   * @param maxAgeMs --metrics-max-age.
   * @param weigh how many usual samples take as much memory; an engine chooses the labels of external ones.
   * @param createColumn keeps the values of a question; default: an array of them.
   */
  constructor(
    clock: Pick<Clock, 'monotonicMs'>,
    maxAgeMs: number,
    weigh: (value: T) => number = () => 1,
    limit = lastValueLimit,
    createColumn?: () => ValueColumn<T>,
  ) {
    this.#clock = clock;
    this.#maxAgeMs = maxAgeMs;
    this.#weigh = weigh;
    this.#limit = limit;
    this.#createColumn = createColumn;
  }

  /** The weight of all. */
  get size(): number {
    return this.#size;
  }

  /**
   * Keeps the values of an answer, and drops those of objects that it lacks: their series have ended.
   * @param asked names of the question's objects.
   * @param isWhole false for a partial answer: a sum over some of the series replaces none over all of them.
   */
  keep(question: string, asked: Iterable<string>, values: ReadonlyMap<string, T>, isWhole = true): void {
    this.#write(question, (entry, atMs) => {
      if (isWhole) for (const name of asked) if (!values.has(name)) entry.delete(name);
      for (const [name, value] of values) {
        if (isWhole || !entry.hasWhole(name)) entry.set(name, value, atMs, isWhole);
      }
    });
  }

  /**
   * As `keep`, where values are known by their place in an answer only: those of a partial one replace all of another
   * partial one, and none of a whole one.
   */
  keepTogether(question: string, values: ReadonlyMap<string, T>, isWhole: boolean): void {
    this.#write(question, (entry, atMs) => {
      if (!isWhole && entry.hasWhole()) return;
      entry.dropBefore(Infinity);
      for (const [name, value] of values) entry.set(name, value, atMs, isWhole);
    });
  }

  /** Drops questions whose values are all too old: a client may ask each of them once only. */
  sweep(): void {
    const oldestMs = this.#oldestMs();
    for (const [question, entry] of this.#entries) {
      if (entry.newestMs >= oldestMs) return;
      this.#drop(question, entry);
    }
  }

  /** Returns those that are not too old. */
  of(question: string): ReadonlyMap<string, T> {
    const found = new Map<string, T>();
    const entry = this.#entries.get(question);
    for (const [name, value] of entry?.since(this.#oldestMs()) ?? []) found.set(name, value);
    return found;
  }

  /** Yields the values that are not too old, by question; the most recently written one comes first. */
  *questions(): Generator<readonly [question: string, values: readonly AgedValue<T>[]]> {
    for (const [question, entry] of [...this.#entries].toReversed()) {
      const nowMs = this.#clock.monotonicMs();
      const aged: AgedValue<T>[] = [];
      for (const [name, value, atMs] of entry.since(this.#oldestMs())) aged.push({ name, value, ageMs: nowMs - atMs });
      if (aged.length > 0) yield [question, aged];
    }
  }

  /** Adds values to those of the question, which becomes the most recent one. @param thenMs when they had their ages, monotonic. */
  restore(question: string, values: readonly AgedValue<T>[], thenMs: number): void {
    const oldestMs = this.#oldestMs();
    this.#change(question, (entry) => {
      for (const { name, value, ageMs } of values) {
        if (thenMs - ageMs >= oldestMs) entry.set(name, value, thenMs - ageMs);
      }
    });
  }

  #oldestMs(): number {
    return this.#clock.monotonicMs() - this.#maxAgeMs;
  }

  /** Changes the question's values by those of an answer that has come now. Values that are too old are dropped before. */
  #write(question: string, change: (entry: QuestionValues<T>, atMs: number) => void): void {
    this.sweep();
    this.#change(question, (entry) => {
      entry.dropBefore(this.#oldestMs());
      change(entry, this.#clock.monotonicMs());
    });
  }

  /** Makes the question the most recent one, or drops it where it has no values then. */
  #change(question: string, change: (entry: QuestionValues<T>) => void): void {
    const known = this.#entries.get(question);
    if (known !== undefined) this.#drop(question, known);
    const entry = known ?? new QuestionValues(this.#weigh, this.#createColumn?.());
    change(entry);
    if (entry.size === 0) return;
    this.#entries.set(question, entry);
    this.#size += weightOf(question, entry);
    this.#evict();
  }

  #evict(): void {
    for (const [question, entry] of this.#entries) {
      if (this.#size <= this.#limit) return;
      this.#drop(question, entry);
    }
  }

  #drop(question: string, entry: QuestionValues<T>): void {
    this.#entries.delete(question);
    this.#size -= weightOf(question, entry);
  }
}

function weightOf(question: string, { weight }: { readonly weight: number }): number {
  return weight + Math.ceil((questionBytes + question.length) / sampleBytes);
}
