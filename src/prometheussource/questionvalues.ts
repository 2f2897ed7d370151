/** The last values of one question, by object: places in arrays take half the memory of two objects for each. */

/** Values by their place. */
export interface ValueColumn<T> {
  /** Returns the value that was set. */
  at(place: number): T;
  set(place: number, value: T): void;
  /** Frees the place, which is used for another value later. */
  clear(place: number): void;
}

export class QuestionValues<T> {
  readonly #weigh: (value: T) => number;
  readonly #column: ValueColumn<T>;
  readonly #places = new Map<string, number>();
  readonly #atMs: number[] = [];
  readonly #free: number[] = [];
  /** Names of values that are of partial answers. */
  readonly #partial = new Set<string>();
  #weight = 0;
  /** When the youngest value was sent, monotonic; it may have been deleted since. */
  newestMs = -Infinity;

  constructor(weigh: (value: T) => number, column: ValueColumn<T> = new ObjectColumn()) {
    this.#weigh = weigh;
    this.#column = column;
  }

  get size(): number {
    return this.#places.size;
  }

  /** The weight of all. */
  get weight(): number {
    return this.#weight;
  }

  /** Reports whether there is a value of a whole answer. @param name default: of any object. */
  hasWhole(name?: string): boolean {
    if (name === undefined) return this.#places.size > this.#partial.size;
    return this.#places.has(name) && !this.#partial.has(name);
  }

  /** @param atMs when the engine sent it, monotonic. */
  set(name: string, value: T, atMs: number, isWhole = true): void {
    if (isWhole) this.#partial.delete(name);
    else this.#partial.add(name);
    const known = this.#places.get(name);
    // The place of an object that left, or a new one.
    const place = known ?? this.#free.pop() ?? this.#atMs.length;
    if (known === undefined) this.#places.set(name, place);
    else this.#weight -= this.#weigh(this.#column.at(place));
    this.#atMs[place] = atMs;
    this.newestMs = Math.max(this.newestMs, atMs);
    this.#column.set(place, value);
    this.#weight += this.#weigh(value);
  }

  delete(name: string): void {
    const place = this.#places.get(name);
    if (place === undefined) return;
    this.#places.delete(name);
    this.#partial.delete(name);
    this.#weight -= this.#weigh(this.#column.at(place));
    this.#column.clear(place);
    this.#free.push(place);
  }

  /** Drops values that were sent before. */
  dropBefore(ms: number): void {
    for (const [name, place] of this.#places) if (this.#atMs[place]! < ms) this.delete(name);
  }

  /** Yields the values that were sent since, in the order in which their objects became known. */
  *since(ms: number): Generator<readonly [name: string, value: T, atMs: number]> {
    for (const [name, place] of this.#places) {
      const atMs = this.#atMs[place]!;
      if (atMs >= ms) yield [name, this.#column.at(place), atMs];
    }
  }
}

class ObjectColumn<T> implements ValueColumn<T> {
  readonly #values: (T | undefined)[] = [];

  at(place: number): T {
    return this.#values[place] as T;
  }

  set(place: number, value: T): void {
    this.#values[place] = value;
  }

  clear(place: number): void {
    this.#values[place] = undefined;
  }
}
