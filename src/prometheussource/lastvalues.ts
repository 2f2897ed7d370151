/** The last answers, served with their true timestamps while an engine is away. */
import type { Clock } from '../clock.ts';

/** Samples of all questions: about 30 MB. Above the limit, the questions least recently written are dropped. */
export const lastValueLimit = 200_000;

interface Entry<T> {
  /** By object, or by position. */
  readonly values: Map<string, { readonly value: T; readonly atMs: number }>;
}

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
  /** Least recently written first. */
  readonly #entries = new Map<string, Entry<T>>();
  #size = 0;

  /**
   * @param maxAgeMs --metrics-max-age.
   * @param weigh how many usual samples take as much memory; an engine chooses the labels of external ones.
   */
  constructor(
    clock: Pick<Clock, 'monotonicMs'>,
    maxAgeMs: number,
    weigh: (value: T) => number = () => 1,
    limit = lastValueLimit,
  ) {
    this.#clock = clock;
    this.#maxAgeMs = maxAgeMs;
    this.#weigh = weigh;
    this.#limit = limit;
  }

  /** The weight of all. */
  get size(): number {
    return this.#size;
  }

  /**
   * Keeps the values of an answer, and drops those of objects that it lacks: their series have ended.
   * @param asked names of the question's objects.
   */
  keep(question: string, asked: Iterable<string>, values: ReadonlyMap<string, T>): void {
    const entry = this.#entries.get(question) ?? { values: new Map() };
    this.#size -= this.#weightOf(entry);
    this.#entries.delete(question);
    const atMs = this.#clock.monotonicMs();
    for (const [name, kept] of entry.values) if (atMs - kept.atMs > this.#maxAgeMs) entry.values.delete(name);
    for (const name of asked) entry.values.delete(name);
    for (const [name, value] of values) entry.values.set(name, { value, atMs });
    if (entry.values.size === 0) return;
    this.#entries.set(question, entry);
    this.#size += this.#weightOf(entry);
    this.#evict();
  }

  /** Returns those that are not too old. */
  of(question: string): ReadonlyMap<string, T> {
    const nowMs = this.#clock.monotonicMs();
    const { values = new Map() } = this.#entries.get(question) ?? {};
    return new Map(
      [...values].filter(([, { atMs }]) => nowMs - atMs <= this.#maxAgeMs).map(([name, { value }]) => [name, value]),
    );
  }

  /** Yields the values that are not too old, by question; the most recently written one comes first. */
  *questions(): Generator<readonly [question: string, values: readonly AgedValue<T>[]]> {
    for (const [question, { values }] of [...this.#entries].toReversed()) {
      const nowMs = this.#clock.monotonicMs();
      const aged: AgedValue<T>[] = [];
      for (const [name, { value, atMs }] of values) {
        if (nowMs - atMs <= this.#maxAgeMs) aged.push({ name, value, ageMs: nowMs - atMs });
      }
      if (aged.length > 0) yield [question, aged];
    }
  }

  /** Adds values to those of the question, which becomes the most recent one. @param thenMs when they had their ages, monotonic. */
  restore(question: string, values: readonly AgedValue<T>[], thenMs: number): void {
    const entry: Entry<T> = this.#entries.get(question) ?? { values: new Map() };
    this.#entries.delete(question);
    const nowMs = this.#clock.monotonicMs();
    for (const { name, value, ageMs } of values) {
      if (nowMs - (thenMs - ageMs) > this.#maxAgeMs) continue;
      const known = entry.values.get(name);
      this.#size += this.#weigh(value) - (known === undefined ? 0 : this.#weigh(known.value));
      entry.values.set(name, { value, atMs: thenMs - ageMs });
    }
    if (entry.values.size > 0) this.#entries.set(question, entry);
    this.#evict();
  }

  #evict(): void {
    for (const [question, entry] of this.#entries) {
      if (this.#size <= this.#limit) return;
      this.#entries.delete(question);
      this.#size -= this.#weightOf(entry);
    }
  }

  #weightOf({ values }: Entry<T>): number {
    let weight = 0;
    for (const { value } of values.values()) weight += this.#weigh(value);
    return weight;
  }
}
