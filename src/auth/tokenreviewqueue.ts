/**
 * The line of reviews that queue cause: so few under way, so many in all, and turns that go around by client address and then by connection.
 * When the line is full, the address that has most of it makes room; a stranger can fill no more than others leave.
 */
import { StatusError } from '../apimachinery/status.ts';
import type { Limiter } from '../client/reviews.ts';
import { networkOf } from './clientnetwork.ts';

/** Where a request came from. */
export interface RequestOrigin {
  /** The client's IP address; empty where the connection is closed. */
  readonly address: string;
  /** The same object for all requests of one connection. */
  readonly connection: object;
}

export interface TokenReviewQueue {
  /**
   * Does the work of one review, which has to take a turn for each of its tries.
   * @param bytes that the review holds.
   * @param isLikely whether it goes before others of its connection.
   * Throws QueueFullError where there is no room, or none is left for it.
   */
  admit<T>(origin: RequestOrigin, bytes: number, isLikely: boolean, work: (limiter: Limiter) => Promise<T>): Promise<T>;
}

/** Tries under way at once. */
export const queuedReviewsInFlight = 4;
/** Places in all: reviews that wait, are under way, or wait for their next try. */
export const queueSlotLimit = 256;
/** Bytes of one place; a longer token takes several, but not so many that the tokens under way leave no room for others. */
export const queueSlotBytes = 16 * 1024;
/** Places of the longest token, which may have 1 MiB: the line holds 8 MiB at most. */
const longestTokenPlaces = 32;

/** The line has no room: the client is to come again. */
export class QueueFullError extends StatusError {
  constructor() {
    super('TooManyRequests', 'too many tokens wait to be verified for the first time; try again later', {
      details: { retryAfterSeconds: 1 },
    });
  }
}

/** One review. */
interface Place {
  readonly size: number;
  readonly isLikely: boolean;
  state: 'idle' | 'waiting' | 'running' | 'gone';
  /** While it waits. */
  begin: () => void;
  refuse: (why: unknown) => void;
}

/** What one connection, or one address, has in the line. Maps and sets are in the order of turns. */
interface Share {
  size: number;
}
interface ConnectionShare extends Share {
  readonly places: Set<Place>;
}
interface AddressShare extends Share {
  readonly connections: Map<object, ConnectionShare>;
}

export function createTokenReviewQueue(): TokenReviewQueue {
  const addresses = new Map<string, AddressShare>();
  let size = 0;
  let running = 0;
  return { admit };

  async function admit<T>(
    { address, connection }: RequestOrigin,
    bytes: number,
    isLikely: boolean,
    work: (limiter: Limiter) => Promise<T>,
  ): Promise<T> {
    const key = networkOf(address);
    const place: Place = {
      size: Math.min(Math.max(1, Math.ceil(bytes / queueSlotBytes)), longestTokenPlaces),
      isLikely,
      state: 'idle',
      begin: () => undefined,
      refuse: () => undefined,
    };
    makeRoom(key, connection, place.size);
    enter(key, connection, place);
    try {
      return await work(turnOf(place));
    } finally {
      leave(key, connection, place);
    }
  }

  function turnOf(place: Place): Limiter {
    return async (work, signal) => {
      if (place.state === 'gone') throw new QueueFullError();
      const turn = Promise.withResolvers<void>();
      // At once, so that no turn is given to a review that does not want it any more: it would never be given back.
      const giveUp = () => {
        if (place.state === 'waiting') place.state = 'idle';
        place.refuse(new QueueFullError());
      };
      Object.assign(place, { state: 'waiting', begin: turn.resolve, refuse: turn.reject });
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
      else next();
      try {
        await turn.promise;
      } finally {
        signal.removeEventListener('abort', giveUp);
      }
      try {
        return await work();
      } finally {
        running -= 1;
        if (place.state === 'running') place.state = 'idle';
        next();
      }
    };
  }

  /** Gives turns while there are free ones. */
  function next(): void {
    while (running < queuedReviewsInFlight) {
      const place = takeTurn();
      if (place === undefined) return;
      running += 1;
      place.state = 'running';
      place.begin();
    }
  }

  /** The first waiting place of the first connection of the first address that has one; both go to the end. */
  function takeTurn(): Place | undefined {
    for (const [key, address] of addresses) {
      for (const [connection, { places }] of address.connections) {
        const waiting = [...places].filter(({ state }) => state === 'waiting');
        const place = waiting.find(({ isLikely }) => isLikely) ?? waiting[0];
        if (place === undefined) continue;
        toEnd(address.connections, connection);
        toEnd(addresses, key);
        return place;
      }
    }
    return undefined;
  }

  /** @throws QueueFullError where nobody has more of the line than the one who comes. */
  function makeRoom(key: string, connection: object, wanted: number): void {
    while (size + wanted > queueSlotLimit) {
      const [largest, address] = largestOf(addresses, ({ connections }) => connections.values().some(mayLeave));
      const mine = addresses.get(key);
      if (largest === undefined || address === undefined) throw new QueueFullError();
      if (largest !== key && address.size <= (mine?.size ?? 0) + wanted) throw new QueueFullError();
      const [from, share] = largestOf(address.connections, mayLeave);
      if (from === undefined || share === undefined) throw new QueueFullError();
      const ownSize = mine?.connections.get(connection)?.size ?? 0;
      if (largest === key && (from === connection || share.size <= ownSize + wanted)) throw new QueueFullError();
      // The newest: those who came first have waited longest.
      const newest = [...share.places].findLast(isMovable);
      if (newest === undefined) throw new QueueFullError();
      leave(largest, from, newest);
      newest.refuse(new QueueFullError());
    }
  }

  function enter(key: string, connection: object, place: Place): void {
    let address = addresses.get(key);
    if (address === undefined) addresses.set(key, (address = { size: 0, connections: new Map() }));
    let share = address.connections.get(connection);
    if (share === undefined) address.connections.set(connection, (share = { size: 0, places: new Set() }));
    share.places.add(place);
    share.size += place.size;
    address.size += place.size;
    size += place.size;
  }

  /** Once: a place that made room has left before its review ends. */
  function leave(key: string, connection: object, place: Place): void {
    const address = addresses.get(key);
    const share = address?.connections.get(connection);
    if (address === undefined || share?.places.delete(place) !== true) return;
    place.state = 'gone';
    share.size -= place.size;
    address.size -= place.size;
    size -= place.size;
    if (share.places.size === 0) address.connections.delete(connection);
    if (address.connections.size === 0) addresses.delete(key);
  }
}

/** A try under way is not broken off: its lane would be free no sooner. */
function isMovable({ state }: Place): boolean {
  return state !== 'running';
}

function mayLeave({ places }: ConnectionShare): boolean {
  return places.values().some(isMovable);
}

/** Returns the largest share that may make room, the latest of several. */
function largestOf<K, S extends Share>(
  shares: ReadonlyMap<K, S>,
  mayMakeRoom: (share: S) => boolean,
): readonly [K | undefined, S | undefined] {
  let largest: readonly [K | undefined, S | undefined] = [undefined, undefined];
  for (const entry of shares) {
    if (entry[1].size >= (largest[1]?.size ?? 0) && mayMakeRoom(entry[1])) largest = entry;
  }
  return largest;
}

function toEnd<K, V>(map: Map<K, V>, key: K): void {
  const value = map.get(key);
  if (value === undefined) return;
  map.delete(key);
  map.set(key, value);
}
