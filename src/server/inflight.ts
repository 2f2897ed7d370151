/** How many requests may be worked on at once. Whoever comes beyond hears 429 and comes again. */
import { type Reply, textReply } from './reply.ts';

export interface InFlight {
  /**
   * Does the work if there is room for it, undefined if there is none. The room is taken until the work has ended, also when its client has
   * left; an answer that nobody fetches takes none, or two connections that do not read could keep everybody out.
   * @param isStranger whether the request is anonymous; those have a room of their own.
   */
  within<T>(work: () => Promise<T>, isStranger: boolean): Promise<T> | undefined;
  /** How many are worked on. */
  count(): number;
}

/** Anonymous requests that may be worked on at once, whatever the flag says; in all of a cluster they are probes and discovery. */
export const strangersInFlightLimit = 64;

/**
 * @param limit of requests of users who are known, and of anonymous ones if it is lower than theirs; 0 for none.
 * @param onRefused is called for each request for which there is no room.
 */
export function createInFlight(limit: number, onRefused: (isStranger: boolean) => void = () => undefined): InFlight {
  const known = createRoom(limit > 0 ? limit : Infinity);
  const strangers = createRoom(limit > 0 ? Math.min(limit, strangersInFlightLimit) : strangersInFlightLimit);
  return {
    within(work, isStranger) {
      const done = (isStranger ? strangers : known).within(work);
      if (done === undefined) onRefused(isStranger);
      return done;
    },
    count: () => known.count() + strangers.count(),
  };
}

function createRoom(limit: number): { within<T>(work: () => Promise<T>): Promise<T> | undefined; count(): number } {
  let count = 0;
  return {
    within: (work) => (count >= limit ? undefined : counted(work)),
    count: () => count,
  };

  async function counted<T>(work: () => Promise<T>): Promise<T> {
    count += 1;
    try {
      return await work();
    } finally {
      count -= 1;
    }
  }
}

export function tooManyRequestsReply(): Reply {
  const reply = textReply('Too many requests, please try again later.\n', 429);
  return { ...reply, headers: { ...reply.headers, 'retry-after': '1' } };
}
