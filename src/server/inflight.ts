/** Limits the requests in flight; more are answered by 429. */
import { type Reply, textReply } from './reply.ts';

export interface InFlightLimit {
  /**
   * Returns undefined at the limit. Work counts to its end, also after a disconnect. Unread responses do not: two
   * connections could block all callers.
   * @param isStranger anonymous requests have their own limit.
   */
  run<T>(work: () => Promise<T>, isStranger: boolean): Promise<T> | undefined;
  count(): number;
}

/** Anonymous requests, mostly probes and discovery, whatever the flag says. */
export const strangersInFlightLimit = 64;

/** @param limit of authenticated requests, and of anonymous ones if lower than theirs; 0 for none. */
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
