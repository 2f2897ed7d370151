/** Last values of controllers, of users and of strangers, so that none of them drop those of the others. */
import type { Clock } from '../clock.ts';
import type { Flow } from '../promql/flow.ts';
import { lastValueLimit, LastValues } from './lastvalues.ts';

/** Samples of all questions of users, and of strangers. They ask to look, seldom to scale. */
const userValueLimit = 40_000;
const strangerValueLimit = 4_000;

export class LastValuesByLane<T> {
  readonly #system: LastValues<T>;
  readonly #users: LastValues<T>;
  readonly #strangers: LastValues<T>;

  /** As `LastValues`. */
  constructor(clock: Pick<Clock, 'monotonicMs'>, maxAgeMs: number, weigh?: (value: T) => number) {
    const create = (limit: number) => new LastValues(clock, maxAgeMs, weigh, limit);
    this.#system = create(lastValueLimit);
    this.#users = create(userValueLimit);
    this.#strangers = create(strangerValueLimit);
  }

  of({ lane }: Flow): LastValues<T> {
    if (lane === 'users') return this.#users;
    return lane === 'strangers' ? this.#strangers : this.#system;
  }
}
