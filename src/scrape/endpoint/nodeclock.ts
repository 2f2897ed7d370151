/**
 * Follows a node's clock by ours, for samples without a time; pure. A Date header has whole seconds, so that intervals between two of them are off by
 * up to a second; intervals by this clock are ours, and Date says only whether it still agrees.
 */

/** A Date header does not say how far its second has gone. */
const wholeSecondMs = 1_000;

/** At most this share of the time that has passed is corrected at once, so that no interval is off by more. */
const correctionShare = 0.01;

/** A node's clock that is off by more was set: there is nothing to follow. */
const clockStepMs = 10_000;

export interface NodeClock {
  /**
   * Returns the node's time when it answered, in milliseconds since the epoch.
   * @param dateMs the answer's Date, or our own time where it has none.
   * @param nowMs when the answer began, by our monotonic clock.
   */
  at(dateMs: number, nowMs: number): number;
}

export function createNodeClock(): NodeClock {
  let last: { readonly timeMs: number; readonly nowMs: number } | undefined;
  return {
    at(dateMs, nowMs) {
      const timeMs = last === undefined ? dateMs : follow(last.timeMs + nowMs - last.nowMs, dateMs, nowMs - last.nowMs);
      last = { timeMs, nowMs };
      return timeMs;
    },
  };
}

function follow(expectedMs: number, dateMs: number, passedMs: number): number {
  const offMs = Math.min(0, dateMs + wholeSecondMs - expectedMs) + Math.max(0, dateMs - expectedMs);
  if (Math.abs(offMs) > clockStepMs) return dateMs;
  const mostMs = passedMs * correctionShare;
  return expectedMs + Math.min(Math.max(offMs, -mostMs), mostMs);
}
