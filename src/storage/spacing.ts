/** Learns the interval at which a kubelet takes its samples; pure. */
import type { ContainerPoint, Point } from '../sample/point.ts';
import { type SamplePair, stampMs } from './samplepair.ts';

/** Share of the learned interval that a scrape with shorter ones leaves: samples come at irregular intervals. */
const decay = 0.8;

/** Resolutions; a scrape later than this after the previous one has missed one. */
const onTimeResolutions = 1.5;

/** Milliseconds; no kubelet that is served samples less often. A longer interval is a clock step or an outage. */
const spacingLimitMs = 600_000;

/** Milliseconds by which clocks and sample times may be off. */
const clockSlackMs = 5_000;

/** A node's previous scrape. */
export interface SpacedScrape {
  /** Monotonic. */
  readonly storedMs: number;
  readonly spacingMs: number;
}

/**
 * Returns the longest interval between the node's samples in milliseconds; 0 until it is known. After a missed scrape it learns nothing, since the interval is ours.
 * @param longestIntervalMs of this scrape's new samples; 0 if there are none.
 */
export function nextSpacingMs(
  previous: SpacedScrape | undefined,
  nowMs: number,
  longestIntervalMs: number,
  resolutionMs: number,
): number {
  if (previous === undefined) return 0;
  if (nowMs - previous.storedMs > onTimeResolutions * resolutionMs || longestIntervalMs === 0)
    return previous.spacingMs;
  return Math.min(spacingLimitMs, Math.max(longestIntervalMs, previous.spacingMs * decay));
}

/**
 * Returns the longest possible interval between two samples in milliseconds; a longer one is a clock step. Both may have been up to a scrape old.
 * @param sinceFirstCameMs how long ago the first one came.
 */
export function longestPossibleIntervalMs(sinceFirstCameMs: number, resolutionMs: number): number {
  return sinceFirstCameMs + resolutionMs + clockSlackMs;
}

/** Returns the interval between a new sample and its predecessor in milliseconds; undefined if the sample is not new, or is the first one. */
export function intervalMs<P extends Point | ContainerPoint>(
  previous: SamplePair<P> | undefined,
  now: SamplePair<P>,
): number | undefined {
  if (previous === undefined || now.last === previous.last || previous.isBeforeStep === true) return undefined;
  // Neither a container's start nor another container's sample counts.
  const follows = now.base === previous.last || (now.base === 'restarted' && idOf(now.last) === idOf(previous.last));
  const interval = stampMs(now.last) - stampMs(previous.last);
  return follows && interval > 0 ? interval : undefined;
}

function idOf(point: Point | ContainerPoint): string | undefined {
  return 'containerId' in point ? point.containerId : undefined;
}
