/**
 * Gives samples without a time the time of their response, by the node's clock; pure. Intervals are those of our clock, since whole seconds of Date make them wrong
 * by up to a second; Date only says whether the two clocks still agree. Steps are found by sample/clockstep.ts.
 */

/** Resolution of a Date header. */
const wholeSecondMs = 1_000;

/** Share of the elapsed time that is corrected at once, which bounds the error of an interval. */
const correctionShare = 0.01;

/** Milliseconds; a clock that is off by more was set, so that slow correction would take hours. */
const clockStepMs = 10_000;

export interface NodeClock {
  /**
   * Returns the node's time when it answered, in milliseconds since the epoch.
   * @param dateMs the response's Date, or our own time without one.
   * @param nowMs when the response began, by our monotonic clock.
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

function follow(expectedMs: number, dateMs: number, elapsedMs: number): number {
  const offMs = Math.min(0, dateMs + wholeSecondMs - expectedMs) + Math.max(0, dateMs - expectedMs);
  if (Math.abs(offMs) > clockStepMs) return dateMs;
  const mostMs = elapsedMs * correctionShare;
  return expectedMs + Math.min(Math.max(offMs, -mostMs), mostMs);
}
