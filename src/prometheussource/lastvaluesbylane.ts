/** Last values of controllers, of users and of strangers, so that none of them drop those of the others. */
import type { Clock } from '../clock.ts';
import type { Flow, Lane } from '../promql/flow.ts';
import { lastValueLimit, LastValues } from './lastvalues.ts';
import type { ValueColumn } from './questionvalues.ts';

/** Samples of all questions of users, and of strangers. They ask to look, seldom to scale. */
const userValueLimit = 40_000;
const strangerValueLimit = 4_000;

/** Lanes whose values are kept apart; those whose loss hurts most come first. */
export const keptLanes = ['system', 'users', 'strangers'] as const satisfies readonly Lane[];

export type KeptLane = (typeof keptLanes)[number];

export class LastValuesByLane<T> {
  /** Returns how many usual samples take as much memory as a value. */
  readonly weigh: (value: T) => number;
  readonly #lanes: Readonly<Record<KeptLane, LastValues<T>>>;

  /** As `LastValues`. */
  constructor(
    clock: Pick<Clock, 'monotonicMs'>,
    maxAgeMs: number,
    weigh: (value: T) => number = () => 1,
    createColumn?: () => ValueColumn<T>,
  ) {
    this.weigh = weigh;
    const create = (limit: number) => new LastValues(clock, maxAgeMs, weigh, limit, createColumn);
    this.#lanes = {
      system: create(lastValueLimit),
      users: create(userValueLimit),
      strangers: create(strangerValueLimit),
    };
  }

  of({ lane }: Flow): LastValues<T> {
    return this.#lanes[lane === 'lists' ? 'system' : lane];
  }

  /** Drops what is too old. */
  sweep(): void {
    for (const lane of keptLanes) this.#lanes[lane].sweep();
  }

  inLane(lane: KeptLane): LastValues<T> {
    return this.#lanes[lane];
  }
}
