/**
 * Keeps scrape intervals in step with the wall clock: each begins at a multiple of its length since the epoch. Replicas
 * that scrape a node at the same moment read the same samples, and need not know of each other.
 */
import type { Clock } from '../../clock.ts';

export interface WallPhase {
  /** Returns the monotonic time, in milliseconds, at which an interval began. */
  originMs(): number;
  /** Moves the origin towards the wall clock's phase, by at most the longest shift. Call it once per interval. */
  follow(): void;
}

/**
 * @param intervalMs the scrape interval.
 * @param longestShiftMs the most by which one interval may be longer or shorter than others. A step of the wall clock
 * is followed over several intervals, so that it neither skips a scrape nor makes two at once.
 */
export function createWallPhase(
  clock: Pick<Clock, 'wallMs' | 'monotonicMs'>,
  intervalMs: number,
  longestShiftMs: number,
): WallPhase {
  let originMs = clock.monotonicMs() - remainder(clock.wallMs(), intervalMs);
  return {
    originMs: () => originMs,
    follow() {
      const behindMs = remainder(clock.wallMs() - (clock.monotonicMs() - originMs), intervalMs);
      // The shorter way round.
      const errorMs = behindMs > intervalMs / 2 ? behindMs - intervalMs : behindMs;
      originMs -= Math.max(-longestShiftMs, Math.min(longestShiftMs, errorMs));
    },
  };
}

/** Returns the remainder with the sign of the divisor, also before the epoch. */
function remainder(ms: number, divisorMs: number): number {
  return ((ms % divisorMs) + divisorMs) % divisorMs;
}
