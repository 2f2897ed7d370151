/** Limits a user's reviews in flight: slow ones leave connections to others. */
import type { AccessReviewer, Limiter } from '../client/reviews.ts';

/** A dashboard's burst takes milliseconds; the pool has four times as many connections. */
export const userReviewsInFlight = 8;
/** Reviews in flight for all anonymous requests, in their own pool. */
export const anonymousReviewsInFlight = 4;
/** Milliseconds to begin, as long as a review: else the queue could only grow. */
const waitTimeoutMs = 10_000;

/** Throws Error for a review that does not begin in time. */
export function limitPerUser(reviewer: AccessReviewer): AccessReviewer {
  const limiterOf = createLimiters(userReviewsInFlight);
  return { review: (spec, call) => reviewer.review(spec, { ...call, limiter: limiterOf(spec.user) }) };
}

export function limitInFlight(reviewer: AccessReviewer, limit: number): AccessReviewer {
  const limiterOf = createLimiters(limit);
  return { review: (spec, call) => reviewer.review(spec, { ...call, limiter: limiterOf('') }) };
}

interface Semaphore {
  running: number;
  readonly waiting: Set<() => void>;
}

function createLimiters(limit: number): (key: string) => Limiter {
  const semaphores = new Map<string, Semaphore>();
  return (key) => async (work, signal) => {
    const semaphore = semaphores.get(key) ?? { running: 0, waiting: new Set() };
    semaphores.set(key, semaphore);
    if (semaphore.running >= limit) await acquire(semaphore, limit, signal);
    else semaphore.running += 1;
    try {
      return await work();
    } finally {
      release(key, semaphore);
    }
  };

  function release(key: string, semaphore: Semaphore): void {
    const [next] = semaphore.waiting;
    if (next !== undefined) {
      semaphore.waiting.delete(next);
      next();
      return;
    }
    semaphore.running -= 1;
    if (semaphore.running === 0) semaphores.delete(key);
  }
}

function acquire(semaphore: Semaphore, limit: number, signal: AbortSignal): Promise<void> {
  const permit = Promise.withResolvers<void>();
  const giveUp = (why: unknown) => {
    semaphore.waiting.delete(permit.resolve);
    permit.reject(why);
  };
  const abort = () => giveUp(signal.reason);
  const timer = setTimeout(
    () => giveUp(new Error(`${limit} reviews of this user are in flight, and none ended within ${waitTimeoutMs} ms`)),
    waitTimeoutMs,
  );
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  else semaphore.waiting.add(permit.resolve);
  return permit.promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  });
}
