/** How many requests may be worked on at once. Whoever comes beyond hears 429 and comes again. */
import { type Reply, textReply } from './reply.ts';

export interface InFlight {
  /**
   * Does the work if there is room for it, undefined if there is none. The room is taken until the work has ended, also when its client has
   * left; an answer that nobody fetches takes none, or two connections that do not read could keep everybody out.
   */
  within<T>(work: () => Promise<T>): Promise<T> | undefined;
  /** How many are worked on. */
  count(): number;
}

/** @param limit 0 for none. */
export function createInFlight(limit: number): InFlight {
  let count = 0;
  return {
    within: (work) => (limit > 0 && count >= limit ? undefined : counted(work)),
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
