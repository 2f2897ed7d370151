/** Learns the interval at which a kubelet samples; pure. */
import type { ContainerPoint, Point } from '../sample/point.ts';
import { type SamplePair, stampMs } from './samplepair.ts';
import type { SampleLimits } from './samplerules.ts';

/** Shorter intervals leave this share: samples come irregularly. */
const decay = 0.8;

/** Resolutions; a later scrape has missed one. */
const onTimeResolutions = 1.5;

/** Milliseconds; kubelets sample more often. A longer interval is a clock step or an outage. */
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
 * Returns the longest interval between samples in milliseconds; 0 until known. A missed scrape teaches nothing: the
 * interval is ours.
 * @param longestIntervalMs of new samples; 0 without.
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
 * Returns since when no outage has been between two scrapes, monotonic: one in which usages become stale. Shorter gaps
 * hide little, and a kubelet that samples slowly would never be known.
 */
export function steadySince(
  previous: { readonly storedMs: number; readonly steadySinceMs: number } | undefined,
  nowMs: number,
  { stalenessMs }: Pick<SampleLimits, 'stalenessMs'>,
): number {
  const isSteady = previous !== undefined && nowMs - previous.storedMs <= stalenessMs;
  return isSteady ? previous.steadySinceMs : nowMs;
}

/**
 * Returns milliseconds beyond which an interval is a clock step. Both samples may have been up to a scrape old.
 * @param sinceFirstCameMs since the first one came.
 */
export function longestPossibleIntervalMs(sinceFirstCameMs: number, resolutionMs: number): number {
  return sinceFirstCameMs + resolutionMs + clockSlackMs;
}

/** Returns milliseconds to the predecessor; undefined for a first or old sample. */
export function intervalMs<P extends Point | ContainerPoint>(
  previous: SamplePair<P> | undefined,
  now: SamplePair<P>,
): number | undefined {
  if (previous === undefined || now.last === previous.last || previous.isBeforeStep === true) return undefined;
  // There were samples in between.
  if (previous.lacksValue === true) return undefined;
  // Neither a start nor another container's sample counts.
  const follows = now.base === previous.last || (now.base === 'restarted' && idOf(now.last) === idOf(previous.last));
  const interval = stampMs(now.last) - stampMs(previous.last);
  return follows && interval > 0 ? interval : undefined;
}

function idOf(point: Point | ContainerPoint): string | undefined {
  return 'containerId' in point ? point.containerId : undefined;
}
