/** How far kube-apiserver's clock is ahead of ours: it writes the times of objects, and the clock that is wrong may be ours. */
import type { Clock } from '../clock.ts';

export interface ServerClock {
  /** Takes the Date header of an answer that has just come; others than one good date are ignored. */
  onDate(date: string | readonly string[] | undefined): void;
  /** In milliseconds, good to a second or two; 0 before the first answer. */
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
