/** Whether a point is of a node whose clock was set back, or of a slower replica. */

/** Milliseconds. Replicas of a server differ by less: a point that is older than the latest one by more is of another clock. */
const setBackMs = 5 * 60_000;

/** Reports whether points after this one have to give way to it. */
export function isSetBack(timestampMs: number, latestMs: number): boolean {
  return timestampMs <= latestMs - setBackMs;
}
