/** Lets so many reviews of one user be under way at once, so that a user whose reviews are slow leaves room for everybody else's. */
import type { AccessReviewer, Limiter } from '../client/reviews.ts';

/** A burst of a dashboard takes some milliseconds in so many at a time; connections to kube-apiserver are four times as many. */
export const userReviewsInFlight = 8;
/** All anonymous requests share one lane, and the connections that are theirs. */
export const anonymousReviewsInFlight = 4;
/** Who waited so long in line is told that there is no answer; as long as a review may take, or the line could only grow. */
const lineTimeoutMs = 10_000;

/** Returns the same reviewer with a lane for each user. It throws Error for a review that was not begun in time. */
export function limitPerUser(reviewer: AccessReviewer): AccessReviewer {
  const lanes = createLanes(userReviewsInFlight);
  return { review: (spec, call) => reviewer.review(spec, { ...call, limiter: lanes(spec.user) }) };
}

/** Returns the same reviewer with one lane for all. */
export function limitInFlight(reviewer: AccessReviewer, width: number): AccessReviewer {
  const lanes = createLanes(width);
  return { review: (spec, call) => reviewer.review(spec, { ...call, limiter: lanes('') }) };
}

function createLanes(width: number): (key: string) => Limiter {
  const lanes = new Map<string, Lane>();
  return (key) => async (work, signal) => {
    const lane = lanes.get(key) ?? { running: 0, waiting: new Set() };
    lanes.set(key, lane);
    if (lane.running >= width) await placeIn(lane, width, signal);
    else lane.running += 1;
    try {
      return await work();
    } finally {
      leave(key, lane);
    }
  };

  /** The place passes to the next in line, if there is one. */
  function leave(key: string, lane: Lane): void {
    const [next] = lane.waiting;
    if (next !== undefined) {
      lane.waiting.delete(next);
      next();
      return;
    }
    lane.running -= 1;
    if (lane.running === 0) lanes.delete(key);
  }
}

interface Lane {
  running: number;
  /** First come, first served; called when there is a place. */
  readonly waiting: Set<() => void>;
}

function placeIn(lane: Lane, width: number, signal: AbortSignal): Promise<void> {
  const place = Promise.withResolvers<void>();
  const giveUp = (why: unknown) => {
    lane.waiting.delete(place.resolve);
    place.reject(why);
  };
  const abort = () => giveUp(signal.reason);
  const timer = setTimeout(
    () => giveUp(new Error(`${width} reviews of this user are under way, and none has ended in ${lineTimeoutMs} ms`)),
    lineTimeoutMs,
  );
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  else lane.waiting.add(place.resolve);
  return place.promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  });
}
