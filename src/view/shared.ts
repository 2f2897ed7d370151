/** Shares one read among callers, and repeats it no more often than its cost allows. */
import type { Clock } from '../clock.ts';

export interface SharedOptions {
  readonly clock: Clock;
  /** Milliseconds for which a result is fresh at least, and at most; a function is called each time. In between, a hundred times as long as the read took, and as long as it took where it failed. */
  readonly leastMs: number | (() => number);
  readonly mostMs: number;
}

/** A read that takes more of its time than this share waits longer for the next one. */
const costFactor = 100;

/** A timeout of 15 s must not be what is shown for minutes; a server that is slow is left alone for as long as it took. */
const failureFactor = 1;

/** Returns a function that answers with the pending or the fresh result, a failure included, or reads again. */
export function shared<T>(read: () => Promise<T>, { clock, leastMs, mostMs }: SharedOptions): () => Promise<T> {
  let last: Promise<T> | undefined;
  let endMs = Number.POSITIVE_INFINITY;
  let costMs = 0;
  return () => {
    const startMs = clock.monotonicMs();
    const least = typeof leastMs === 'number' ? leastMs : leastMs();
    if (last !== undefined && startMs < endMs + Math.min(mostMs, Math.max(least, costMs))) return last;
    endMs = Number.POSITIVE_INFINITY;
    last = read();
    const keep = (factor: number) => (): void => {
      endMs = clock.monotonicMs();
      costMs = (endMs - startMs) * factor;
    };
    last.then(keep(costFactor), keep(failureFactor));
    return last;
  };
}
