/** Wall time, monotonic time and sleep, passed in for tests. */
// The global is an accessor, a fifth of each clock reading.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Clock {
  /** For times that users see, never for durations. */
  wallMs(): number;
  /** For durations and schedules. */
  monotonicMs(): number;
  /** Rejects when the signal aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** No other code reads the system's time for a rule. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    // A negative time is one turn of the event loop.
    await sleep(Math.max(0, ms), undefined, signal === undefined ? {} : { signal });
  },
};
