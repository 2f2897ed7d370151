/** Shares the connections of an engine among flows of requests. */
import { type Flow, type Lane } from './flow.ts';

interface LaneLimits {
  /** Requests at once. */
  readonly slots: number;
  /** Requests of one key at once. */
  readonly ofOneKey: number;
}

/** Queries of all lanes are 20 at most, as many as Prometheus evaluates at once (--query.max-concurrency). */
export const laneLimits: Readonly<Record<Lane, LaneLimits>> = {
  lists: { slots: 6, ofOneKey: 6 },
  system: { slots: 10, ofOneKey: 5 },
  users: { slots: 8, ofOneKey: 6 },
  strangers: { slots: 2, ofOneKey: 2 },
};

/** Requests of all lanes at once. */
export const slotLimit = Object.values(laneLimits).reduce((sum, { slots }) => sum + slots, 0);

export class RequestSlots {
  readonly #lanes: Readonly<Record<Lane, LaneSlots>> = {
    lists: new LaneSlots(laneLimits.lists),
    system: new LaneSlots(laneLimits.system),
    users: new LaneSlots(laneLimits.users),
    strangers: new LaneSlots(laneLimits.strangers),
  };

  /** Returns a function that gives the slot back. Rejects with the signal's reason. The server limits how many wait. */
  take({ lane, key }: Flow, signal: AbortSignal): Promise<() => void> {
    return this.#lanes[lane].take(key, signal);
  }
}

type Begin = () => void;

class LaneSlots {
  readonly #limits: LaneLimits;
  #active = 0;
  readonly #activeOf = new Map<string, number>();
  /** By key; the key whose turn is next comes first. */
  readonly #waiting = new Map<string, Set<Begin>>();

  constructor(limits: LaneLimits) {
    this.#limits = limits;
  }

  async take(key: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#hasRoom(key)) this.#count(key, 1);
    else await this.#wait(key, signal);
    return () => {
      this.#count(key, -1);
      this.#startNext();
    };
  }

  #hasRoom(key: string): boolean {
    return this.#active < this.#limits.slots && (this.#activeOf.get(key) ?? 0) < this.#limits.ofOneKey;
  }

  #count(key: string, change: 1 | -1): void {
    this.#active += change;
    const active = (this.#activeOf.get(key) ?? 0) + change;
    if (active === 0) this.#activeOf.delete(key);
    else this.#activeOf.set(key, active);
  }

  #wait(key: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting);
    const begin = (): void => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const leave = (): void => {
      waiting.delete(begin);
      if (waiting.size === 0 && this.#waiting.get(key) === waiting) this.#waiting.delete(key);
      reject(signal.reason as Error);
    };
    waiting.add(begin);
    signal.addEventListener('abort', leave, { once: true });
    return promise;
  }

  #startNext(): void {
    for (const [key, waiting] of this.#waiting) {
      if (!this.#hasRoom(key)) continue;
      const [begin] = waiting;
      if (begin === undefined) continue;
      waiting.delete(begin);
      // Behind the others.
      this.#waiting.delete(key);
      if (waiting.size > 0) this.#waiting.set(key, waiting);
      this.#count(key, 1);
      begin();
      return;
    }
  }
}
