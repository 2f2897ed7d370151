/** Names of nodes that pods name and that do not exist: pods of a deleted node keep its name until they are collected. */
import type { Clock } from '../clock.ts';

/** Milliseconds for which a name is kept after it was named: longer than screens wait between two reads. */
const lifetimeMs = 5 * 60_000;
/** Names that are kept; a cluster has fewer nodes. */
const nameLimit = 5_000;

export class AbsentNodes {
  readonly #clock: Clock;
  /** When each was named last, for longest first. Monotonic. */
  readonly #namedMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Reports whether all names are kept, and keeps those for longer. */
  haveAll(names: ReadonlySet<string>): boolean {
    const staleMs = this.#clock.monotonicMs() - lifetimeMs;
    const known = [...names].filter((name) => (this.#namedMs.get(name) ?? Number.NEGATIVE_INFINITY) > staleMs);
    this.add(known);
    return known.length === names.size;
  }

  /** Keeps names that a list lacked, though it was read after they were named. */
  add(names: Iterable<string>): void {
    const nowMs = this.#clock.monotonicMs();
    for (const name of names) {
      this.#namedMs.delete(name);
      this.#namedMs.set(name, nowMs);
    }
    for (const [name, namedMs] of this.#namedMs) {
      if (this.#namedMs.size <= nameLimit && namedMs > nowMs - lifetimeMs) break;
      this.#namedMs.delete(name);
    }
  }

  /** Forgets nodes that exist. */
  remove(names: { has(name: string): boolean }): void {
    for (const name of this.#namedMs.keys()) if (names.has(name)) this.#namedMs.delete(name);
  }
}
