/** A clock that only moves when a test says so. */
import type { Clock } from '../../src/clock.ts';

export interface FakeClock extends Clock {
  /** Moves time on and ends the sleeps that are over. */
  advance(ms: number): Promise<void>;
  /** Moves time on without waking anybody, as when the machine was suspended. */
  jump(ms: number): void;
  /** Steps the wall clock alone, as a time daemon does. */
  stepWall(ms: number): void;
}

export function createFakeClock(wallStartMs = Date.parse('2026-11-22T20:00:00Z')): FakeClock {
  let nowMs = 0;
  let steppedMs = 0;
  const sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();
  return {
    wallMs: () => wallStartMs + steppedMs + nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const sleeper = { untilMs: nowMs + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
      }),
    stepWall(ms) {
      steppedMs += ms;
    },
    jump(ms) {
      nowMs += ms;
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        await settle();
        const next = [...sleepers].sort((a, b) => a.untilMs - b.untilMs)[0];
        if (next === undefined || next.untilMs > untilMs) break;
        sleepers.delete(next);
        nowMs = Math.max(nowMs, next.untilMs);
        next.wake();
      }
      nowMs = untilMs;
      await settle();
    },
  };
}

/** Lets everything run that is ready to. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
