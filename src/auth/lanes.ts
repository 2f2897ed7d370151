/** Lets so many reviews of one user be under way at once, so that a user whose reviews are slow leaves room for everybody else's. */
import type { AccessReviewer } from '../client/reviews.ts';

/** A burst of a dashboard takes some milliseconds in so many at a time; connections to kube-apiserver are four times as many. */
const laneWidth = 8;
/** Who waited so long in line is told that there is no answer; as long as a review may take, or the line could only grow. */
const lineTimeoutMs = 10_000;

/** The same reviewer with a line for each user. @throws Error for a review that was not begun in time. */
export function inLanes(reviewer: AccessReviewer): AccessReviewer {
  const lanes = new Map<string, Lane>();
  return {
    async review(spec, signal) {
      const lane = lanes.get(spec.user) ?? { running: 0, waiting: new Set() };
      lanes.set(spec.user, lane);
      if (lane.running >= laneWidth) await placeIn(lane, signal);
      else lane.running += 1;
      try {
        return await reviewer.review(spec, signal);
      } finally {
        leave(spec.user, lane);
      }
    },
  };

  /** The place passes to the next in line, if there is one. */
  function leave(user: string, lane: Lane): void {
    const [next] = lane.waiting;
    if (next !== undefined) {
      lane.waiting.delete(next);
      next();
      return;
    }
    lane.running -= 1;
    if (lane.running === 0) lanes.delete(user);
  }
}

interface Lane {
  running: number;
  /** First come, first served; called when there is a place. */
  readonly waiting: Set<() => void>;
}

function placeIn(lane: Lane, signal: AbortSignal | undefined): Promise<void> {
  const place = Promise.withResolvers<void>();
  const giveUp = (why: unknown) => {
    lane.waiting.delete(place.resolve);
    place.reject(why);
  };
  const abort = () => giveUp(signal?.reason);
  const timer = setTimeout(
    () =>
      giveUp(new Error(`${laneWidth} reviews of this user are under way, and none has ended in ${lineTimeoutMs} ms`)),
    lineTimeoutMs,
  );
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) abort();
  else lane.waiting.add(place.resolve);
  return place.promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  });
}
