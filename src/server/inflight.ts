/** Limits the requests in flight; more are answered by 429. */
import { type Reply, textReply } from './reply.ts';

export interface InFlightLimit {
  /**
   * Runs the work, or returns undefined at the limit. Work counts until it ends, even if its client disconnects. Unread responses do not count:
   * two connections could block all callers.
   * @param isStranger whether the request is anonymous; those have a limit of their own.
   */
  run<T>(work: () => Promise<T>, isStranger: boolean): Promise<T> | undefined;
  count(): number;
}

/** Anonymous requests in flight, whatever the flag says; in a cluster they are probes and discovery. */
export const strangersInFlightLimit = 64;

/**
 * @param limit of authenticated requests, and of anonymous ones if it is lower than theirs; 0 for no limit.
 * @param onRefused called for each request at the limit.
 */
export function createInFlightLimit(
  limit: number,
  onRefused: (isStranger: boolean) => void = () => undefined,
): InFlightLimit {
  const known = createLimiter(limit > 0 ? limit : Infinity);
  const strangers = createLimiter(limit > 0 ? Math.min(limit, strangersInFlightLimit) : strangersInFlightLimit);
  return {
    run(work, isStranger) {
      const done = (isStranger ? strangers : known).run(work);
      if (done === undefined) onRefused(isStranger);
      return done;
    },
    count: () => known.count() + strangers.count(),
  };
}

function createLimiter(limit: number): { run<T>(work: () => Promise<T>): Promise<T> | undefined; count(): number } {
  let count = 0;
  return {
    run: (work) => (count >= limit ? undefined : counted(work)),
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
