/** How far apart a kubelet takes its samples, learned from scrape to scrape; pure. */
import type { ContainerPoint, Point } from '../point.ts';
import type { Held } from './window.ts';

/** What the largest distance was is forgotten slowly: an idle node's samples are as irregular as a busy one's. */
const memory = 0.8;

/**
 * The node's new spacing in milliseconds: the largest distance of two samples that follow each other, of those that are new.
 * @param before the spacing so far; 0 when there is none.
 */
export function nextSpacingMs(before: number, distancesMs: Iterable<number>): number {
  let largestMs = 0;
  for (const distanceMs of distancesMs) largestMs = Math.max(largestMs, distanceMs);
  return largestMs === 0 ? before : Math.max(largestMs, before * memory);
}

/** How long after the sample before this one was taken; undefined where it is no new sample, or the first one. */
export function distanceMs<P extends Point | ContainerPoint>(
  before: Held<P> | undefined,
  now: Held<P>,
): number | undefined {
  if (before === undefined || before === now || typeof now.base === 'string') return undefined;
  // Only a sample before it counts, not a container's start.
  return now.base === before.last ? now.last.timestampMs - now.base.timestampMs : undefined;
}
