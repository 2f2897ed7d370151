/** Decides by their ages which samples are no longer taken; pure; for both endpoints. */
import type { Point } from '../sample/point.ts';

/** No sample is too old before this age, in milliseconds; a kubelet samples every 10 to 30 s. */
export const deadAfterMs = 90_000;

/**
 * Nor before it is this much older than its neighbours: `--housekeeping-interval=5m` makes every sample of a node old, spread over ten minutes; at three times the
 * median, one live sample in ten would be dropped.
 */
const deadAfterMedians = 10;

/** Returns the machine's point, unless its sample is too old beside those of the containers. */
export function aliveMachine<P extends Pick<Point, 'timestampMs'>>(
  machine: P | undefined,
  containers: readonly Pick<Point, 'timestampMs'>[],
  nodeTimeMs: number,
): P | undefined {
  if (machine === undefined || containers.length === 0) return machine;
  const limitMs = oldestAliveMs(containers.map(({ timestampMs }) => nodeTimeMs - timestampMs));
  return nodeTimeMs - machine.timestampMs <= limitMs ? machine : undefined;
}

/** Returns the age in milliseconds beyond which a node's samples are no longer taken. @param agesMs of its containers. */
export function oldestAliveMs(agesMs: readonly number[]): number {
  if (agesMs.every((ageMs) => ageMs <= deadAfterMs)) return deadAfterMs;
  const sorted = Float64Array.from(agesMs).sort();
  // The younger of two: an old sample is not its own measure.
  return Math.max(deadAfterMs, deadAfterMedians * (sorted[(sorted.length - 1) >> 1] ?? 0));
}
