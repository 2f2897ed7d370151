/** Shares one read among callers, and repeats it no more often than its cost allows. */
import type { Clock } from '../clock.ts';

export interface SharedOptions {
  readonly clock: Clock;
  /** Milliseconds for which a result is fresh at least, and at most; functions are called each time. In between, a hundred times as long as the read took, and as long as it took where it failed. */
  readonly leastMs: number | (() => number);
  readonly mostMs: number | (() => number);
}

/** Milliseconds that a result is fresh for each one that its read took. */
const costFactor = 100;

/** The same for a failure: a timeout of 15 s must not be what is shown for minutes, and a slow server is left alone for as long as it took. */
const failureFactor = 1;

export interface SharedRead<T> {
  /** Returns the pending or the fresh result, a failure included, or reads again. */
  (): Promise<T>;
  /** Reads again, for all callers: the result is of no time before the call. */
  again(): Promise<T>;
}

export function shared<T>(read: () => Promise<T>, { clock, leastMs, mostMs }: SharedOptions): SharedRead<T> {
  let last: Promise<T> | undefined;
  let endMs = Number.POSITIVE_INFINITY;
  let costMs = 0;
  const again = (): Promise<T> => {
    const startMs = clock.monotonicMs();
    endMs = Number.POSITIVE_INFINITY;
    const pending = read();
    last = pending;
    const keep = (factor: number) => (): void => {
      if (last !== pending) return;
      endMs = clock.monotonicMs();
      costMs = (endMs - startMs) * factor;
    };
    pending.then(keep(costFactor), keep(failureFactor));
    return pending;
  };
  const current = () => {
    const lifetimeMs = Math.min(valueOf(mostMs), Math.max(valueOf(leastMs), costMs));
    const isFresh = clock.monotonicMs() < endMs + lifetimeMs;
    return last !== undefined && isFresh ? last : again();
  };
  return Object.assign(current, { again });
}

function valueOf(limit: number | (() => number)): number {
  return typeof limit === 'number' ? limit : limit();
}
