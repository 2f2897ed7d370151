/** Time limits of one request. */

/** Its signal aborts with the outer one, or when the time is over. Disposing it stops the timer. */
export interface Deadline extends Disposable {
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** @param lateError makes the reason of the abort when the time is over. */
export function startDeadline(limitMs: number, outer: AbortSignal, lateError: () => Error): Deadline {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(lateError()), limitMs);
  return {
    limitMs,
    signal: AbortSignal.any([outer, late.signal]),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
