/**
 * Times samples that have no time by the node's clock; pure. Intervals are our clock's: Date has whole seconds, so it
 * only shows whether the clocks agree. Steps: sample/clockstep.ts.
 */

const wholeSecondMs = 1_000;

/** Share of the elapsed time that is corrected at once; bounds the error of an interval. */
const correctionShare = 0.01;

/** A clock that is off by more was set: slow correction would take hours. */
const clockStepMs = 10_000;

export interface NodeClock {
  /**
   * Returns when the node answered, in milliseconds since the epoch.
   * @param dateMs the Date header, or our time without one.
   * @param nowMs when the response began, monotonic.
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
