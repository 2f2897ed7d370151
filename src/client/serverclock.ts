/** Tracks how far kube-apiserver's clock is ahead of ours: it writes the times of objects. */
import type { Clock } from '../clock.ts';

export interface ServerClock {
  /** Takes the Date header of a response that has just arrived; ignores anything but one valid date. */
  onDate(date: string | readonly string[] | undefined): void;
  /** In milliseconds, within a second or two; 0 before the first response. */
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
