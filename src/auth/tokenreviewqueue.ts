/**
 * Queues TokenReviews of tokens that were never valid: few in flight, round-robin by network, then connection. A full
 * queue takes a place from the largest network: no client can take more than others leave.
 */
import { StatusError } from '../apimachinery/status.ts';
import type { Limiter } from '../client/reviews.ts';
import { networkOf } from './clientnetwork.ts';

export interface RequestOrigin {
  readonly address: string;
  readonly connection: object;
}

export interface TokenReviewQueue {
  /**
   * Runs one review. Throws QueueFullError without a place, or when it loses it.
   * @param isLikely goes before others of its connection.
   * @param work runs each try through the limiter.
   */
  admit<T>(origin: RequestOrigin, bytes: number, isLikely: boolean, work: (limiter: Limiter) => Promise<T>): Promise<T>;
}

export const queuedReviewsInFlight = 4;
/** Slots for reviews that wait, are in flight, or back off. */
export const queueSlotLimit = 256;
/** Bytes; a longer token takes several, but the tokens in flight leave places for others. */
export const queueSlotBytes = 16 * 1024;
/** Slots of a token of up to 1 MiB: the queue holds at most 8 MiB. */
const longestTokenSlots = 32;

export class QueueFullError extends StatusError {
  constructor() {
    super('TooManyRequests', 'too many tokens wait to be verified for the first time; try again later', {
      details: { retryAfterSeconds: 1 },
    });
  }
}

interface QueuedReview {
  readonly size: number;
  readonly isLikely: boolean;
  state: 'idle' | 'waiting' | 'running' | 'gone';
  begin: () => void;
  refuse: (why: unknown) => void;
}

interface Share {
  size: number;
}
interface ConnectionShare extends Share {
  readonly reviews: Set<QueuedReview>;
}
/** In round-robin order. */
interface NetworkShare extends Share {
  readonly connections: Map<object, ConnectionShare>;
}

export function createTokenReviewQueue(): TokenReviewQueue {
  return new UnknownTokenQueue();
}

class UnknownTokenQueue implements TokenReviewQueue {
  readonly #networks = new Map<string, NetworkShare>();
  #size = 0;
  #running = 0;

  async admit<T>(
    { address, connection }: RequestOrigin,
    bytes: number,
    isLikely: boolean,
    work: (limiter: Limiter) => Promise<T>,
  ): Promise<T> {
    const network = networkOf(address);
    const review: QueuedReview = {
      size: Math.min(Math.max(1, Math.ceil(bytes / queueSlotBytes)), longestTokenSlots),
      isLikely,
      state: 'idle',
      begin: () => undefined,
      refuse: () => undefined,
    };
    this.#makePlace(network, connection, review.size);
    this.#enter(network, connection, review);
    try {
      return await work(this.#limiterOf(review));
    } finally {
      this.#leave(network, connection, review);
    }
  }

  #limiterOf(review: QueuedReview): Limiter {
    return async (work, signal) => {
      if (review.state === 'gone') throw new QueueFullError();
      await this.#wait(review, signal);
      try {
        return await work();
      } finally {
        this.#running -= 1;
        if (review.state === 'running') review.state = 'idle';
        this.#next();
      }
    };
  }

  async #wait(review: QueuedReview, signal: AbortSignal): Promise<void> {
    const begun = Promise.withResolvers<void>();
    // At once: nothing would end a review that begins after it has given up.
    const giveUp = () => {
      if (review.state === 'waiting') review.state = 'idle';
      review.refuse(new QueueFullError());
    };
    Object.assign(review, { state: 'waiting', begin: begun.resolve, refuse: begun.reject });
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    else this.#next();
    try {
      await begun.promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  #next(): void {
    while (this.#running < queuedReviewsInFlight) {
      const review = this.#dequeue();
      if (review === undefined) return;
      this.#running += 1;
      review.state = 'running';
      review.begin();
    }
  }

  /** Takes the first waiting review; its connection and network go to the end. */
  #dequeue(): QueuedReview | undefined {
    for (const [key, network] of this.#networks) {
      for (const [connection, { reviews }] of network.connections) {
        const waiting = [...reviews].filter(({ state }) => state === 'waiting');
        const review = waiting.find(({ isLikely }) => isLikely) ?? waiting[0];
        if (review === undefined) continue;
        toEnd(network.connections, connection);
        toEnd(this.#networks, key);
        return review;
      }
    }
    return undefined;
  }

  /** @throws QueueFullError when no other client has more places than this one would have. */
  #makePlace(key: string, connection: object, wanted: number): void {
    while (this.#size + wanted > queueSlotLimit) {
      const [largest, network] = largestOf(this.#networks, ({ connections }) => connections.values().some(canLose));
      const own = this.#networks.get(key);
      if (largest === undefined || network === undefined) throw new QueueFullError();
      if (largest !== key && network.size <= (own?.size ?? 0) + wanted) throw new QueueFullError();
      const [from, share] = largestOf(network.connections, canLose);
      if (from === undefined || share === undefined) throw new QueueFullError();
      const ownSize = own?.connections.get(connection)?.size ?? 0;
      if (largest === key && (from === connection || share.size <= ownSize + wanted)) throw new QueueFullError();
      // Older ones have waited longer.
      const newest = [...share.reviews].findLast(isMovable);
      if (newest === undefined) throw new QueueFullError();
      this.#leave(largest, from, newest);
      newest.refuse(new QueueFullError());
    }
  }

  #enter(key: string, connection: object, review: QueuedReview): void {
    let network = this.#networks.get(key);
    if (network === undefined) this.#networks.set(key, (network = { size: 0, connections: new Map() }));
    let share = network.connections.get(connection);
    if (share === undefined) network.connections.set(connection, (share = { size: 0, reviews: new Set() }));
    share.reviews.add(review);
    share.size += review.size;
    network.size += review.size;
    this.#size += review.size;
  }

  /** Does nothing the second time: a displaced review leaves before it ends. */
  #leave(key: string, connection: object, review: QueuedReview): void {
    const network = this.#networks.get(key);
    const share = network?.connections.get(connection);
    if (network === undefined || share?.reviews.delete(review) !== true) return;
    review.state = 'gone';
    share.size -= review.size;
    network.size -= review.size;
    this.#size -= review.size;
    if (share.reviews.size === 0) network.connections.delete(connection);
    if (network.connections.size === 0) this.#networks.delete(key);
  }
}

/** Spares running tries: breaking them off frees no connection sooner. */
function isMovable({ state }: QueuedReview): boolean {
  return state !== 'running';
}

function canLose({ reviews }: ConnectionShare): boolean {
  return reviews.values().some(isMovable);
}

function largestOf<K, S extends Share>(
  shares: ReadonlyMap<K, S>,
  isEligible: (share: S) => boolean,
): readonly [K | undefined, S | undefined] {
  let largest: readonly [K | undefined, S | undefined] = [undefined, undefined];
  for (const entry of shares) {
    if (entry[1].size >= (largest[1]?.size ?? 0) && isEligible(entry[1])) largest = entry;
  }
  return largest;
}

function toEnd<K, V>(map: Map<K, V>, key: K): void {
  const value = map.get(key);
  if (value === undefined) return;
  map.delete(key);
  map.set(key, value);
}
