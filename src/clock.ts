/** Wall time, monotonic time and sleep, passed to their users so that rules about time can be tested. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Clock {
  /** Returns milliseconds since the epoch: for times that users see, never for durations. */
  wallMs(): number;
  /** Returns milliseconds since a fixed instant: for durations and schedules. */
  monotonicMs(): number;
  /** Resolves after the time; rejects when the signal aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock. No other code reads the system's time for a rule. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    // A negative time is one turn of the event loop.
    await sleep(Math.max(0, ms), undefined, signal === undefined ? {} : { signal });
  },
};
