/** Wall time, monotonic time and sleep, handed to whoever needs them so that rules about time can be tested. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since the epoch: for what users see, never for durations. */
  wallMs(): number;
  /** Milliseconds since some fixed instant: for durations and schedules. */
  monotonicMs(): number;
  /** Waits; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock; the only place that asks the system for the time. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    // What is due already is waited for no longer than a turn of the loop.
    await sleep(Math.max(0, ms), undefined, signal === undefined ? {} : { signal });
  },
};
