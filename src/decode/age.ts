/** Decides by age which samples are taken, for both endpoints; pure. */
import type { Point } from '../sample/point.ts';

/** No sample is too old before this age; kubelets sample every 10 to 30 s. */
export const deadAfterMs = 90_000;

/**
 * Nor before this multiple of the median age: `--housekeeping-interval=5m` spreads samples over ten minutes; three
 * times the median would drop one live sample in ten.
 */
const deadAfterMedians = 10;

/** Returns the machine's point unless it is too old beside the containers'. */
export function aliveMachine<P extends Pick<Point, 'timestampMs'>>(
  machine: P | undefined,
  containers: readonly Pick<Point, 'timestampMs'>[],
  nodeTimeMs: number,
): P | undefined {
  if (machine === undefined || containers.length === 0) return machine;
  const limitMs = oldestAliveMs(containers.map(({ timestampMs }) => nodeTimeMs - timestampMs));
  return nodeTimeMs - machine.timestampMs <= limitMs ? machine : undefined;
}

/** Returns the age limit of a node's samples in milliseconds. */
export function oldestAliveMs(agesMs: readonly number[]): number {
  if (agesMs.every((ageMs) => ageMs <= deadAfterMs)) return deadAfterMs;
  const sorted = Float64Array.from(agesMs).sort();
  // The younger of two: an old sample is not its own measure.
  return Math.max(deadAfterMs, deadAfterMedians * (sorted[(sorted.length - 1) >> 1] ?? 0));
}
