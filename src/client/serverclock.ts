/** Tracks how far kube-apiserver's clock, which times objects, is ahead. */
import type { Clock } from '../clock.ts';

export interface ServerClock {
  /** Takes the Date header of a new response; ignores invalid ones. */
  onDate(date: string | readonly string[] | undefined): void;
  /** Exact to a second or two; 0 before the first response. */
  aheadMs(): number;
}

export function createServerClock(clock: Pick<Clock, 'wallMs'>): ServerClock {
  let aheadMs = 0;
  return { onDate, aheadMs: () => aheadMs };

  function onDate(date: string | readonly string[] | undefined): void {
    const dateMs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
    if (!Number.isNaN(dateMs)) aheadMs = dateMs - clock.wallMs();
  }
}
