/** How far apart a kubelet takes its samples, learned from scrape to scrape; pure. */
import type { ContainerPoint, Point } from '../sample/point.ts';
import { type Held, stampMs } from './window.ts';

/** What the largest distance was is forgotten slowly: an idle node's samples are as irregular as a busy one's. */
const memory = 0.8;

/** A scrape that comes later than this after the one before has missed one. */
const onTimeResolutions = 1.5;

/** Milliseconds; no kubelet that is served samples more slowly, so a longer interval is a step of its clock or an outage. */
const spacingLimitMs = 600_000;

/** When a node was stored, and what its samples were like then. */
export interface Spaced {
  /** Monotonic. */
  readonly storedMs: number;
  readonly spacingMs: number;
}

/**
 * How far apart the node's samples are now, in milliseconds; 0 as long as nobody knows. Learned only from scrapes that follow each other as they
 * should: after a missed one the distance of samples is our own doing.
 * @param largestDistanceMs of new samples to those before them; 0 where there are none.
 */
export function nextSpacingMs(
  before: Spaced | undefined,
  nowMs: number,
  largestDistanceMs: number,
  resolutionMs: number,
): number {
  if (before === undefined) return 0;
  if (nowMs - before.storedMs > onTimeResolutions * resolutionMs || largestDistanceMs === 0) return before.spacingMs;
  return Math.min(spacingLimitMs, Math.max(largestDistanceMs, before.spacingMs * memory));
}

/**
 * Returns how far apart two samples can have been taken, in milliseconds, where the first one came that long ago: both may have been up to a scrape
 * old. What is further apart is a step of the node's clock.
 */
export function possibleDistanceMs(sinceFirstCameMs: number, resolutionMs: number): number {
  return sinceFirstCameMs + resolutionMs + clockSlackMs;
}

/** Milliseconds by which clocks and sample times may be off. */
const clockSlackMs = 5_000;

/** How long after the sample before this one was taken; undefined where it is no new sample, or the first one. */
export function distanceMs<P extends Point | ContainerPoint>(
  before: Held<P> | undefined,
  now: Held<P>,
): number | undefined {
  if (before === undefined || now.last === before.last) return undefined;
  // Only a sample before it counts, not a container's start, nor another container's sample.
  const follows = now.base === before.last || (now.base === 'restarted' && idOf(now.last) === idOf(before.last));
  const distance = stampMs(now.last) - stampMs(before.last);
  return follows && distance > 0 ? distance : undefined;
}

function idOf(point: Point | ContainerPoint): string | undefined {
  return 'containerId' in point ? point.containerId : undefined;
}
