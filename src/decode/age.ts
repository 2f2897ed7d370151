/** Tells samples of what runs from those that are no longer taken, by their ages; pure. The same for both endpoints. */
import type { Point } from '../sample/point.ts';

/** No row is given up before this age; a kubelet samples every 10 to 30 s. */
export const deadAfterMs = 90_000;

/**
 * Nor before it is this much older than its neighbours: --housekeeping-interval=5m makes every row of a node old, spread over ten minutes;
 * at three times the median, one live row in ten would be given up.
 */
const deadAfterMedians = 10;

/** Returns the machine's point, unless its sample is too old beside those of the containers: it is no longer taken. */
export function aliveMachine<P extends Pick<Point, 'timestampMs'>>(
  machine: P | undefined,
  containers: readonly Pick<Point, 'timestampMs'>[],
  nodeTimeMs: number,
): P | undefined {
  if (machine === undefined || containers.length === 0) return machine;
  const limitMs = oldestAliveMs(containers.map(({ timestampMs }) => nodeTimeMs - timestampMs));
  return nodeTimeMs - machine.timestampMs <= limitMs ? machine : undefined;
}

/** Returns the age in milliseconds from which on a node's samples are of what has ended. @param agesMs of its containers. */
export function oldestAliveMs(agesMs: readonly number[]): number {
  if (agesMs.every((ageMs) => ageMs <= deadAfterMs)) return deadAfterMs;
  const sorted = Float64Array.from(agesMs).sort();
  // Of two, the younger: an old row is not its own measure.
  return Math.max(deadAfterMs, deadAfterMedians * (sorted[(sorted.length - 1) >> 1] ?? 0));
}
