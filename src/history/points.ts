/** Points of the history: which are read, and how several become one. */
import type { PodUsage, Source } from '../sample/point.ts';
import type { ContainerUsage } from '../storage/rate.ts';

export interface PointRange {
  /** Milliseconds since the epoch: only points with a later time. */
  readonly afterMs: number;
  /** How far the time of slots is ahead of our clock. */
  readonly slotsAheadMs: number;
  /** Milliseconds that have one point at most; undefined for all points. */
  readonly stepMs: number | undefined;
}

/** Milliseconds between a sample and its scrape beyond which the node's clock is wrong: usages are stale earlier. */
const wrongClockMs = 5 * 60_000;

/** Reports whether a point is in a range: by its time, or by that of its slot if the node's clock is wrong. */
export function isInRange(
  timestampMs: number,
  slot: number,
  intervalMs: number,
  { afterMs, slotsAheadMs }: PointRange,
): boolean {
  const slotMs = (slot + 1) * intervalMs;
  const isNear = (ms: number) => Math.abs(timestampMs - ms) <= wrongClockMs + intervalMs;
  // Our clock may have been set since.
  return (isNear(slotMs) || isNear(slotMs - slotsAheadMs) ? timestampMs : slotMs - slotsAheadMs) > afterMs;
}

/** Describes where a point is from. */
export interface PointOrigin {
  /** Where the node's newest samples were scraped; of the newest point only, and undefined if unknown. */
  readonly source?: Source;
}

/**
 * Combines points of one pod, at least one and in order, to one: CPU is the mean over their windows, memory that of the
 * last one.
 */
export function combinePoints(points: readonly PodUsage[]): PodUsage {
  const last = points.at(-1);
  if (last === undefined) throw new Error('a combined point is made of points');
  if (points.length === 1) return last;
  const names = new Set(points.flatMap(({ containers }) => containers.map(({ name }) => name)));
  const containers = [...names]
    .sort()
    .map((name) => combineContainer(points.flatMap(({ containers: all }) => all.filter((each) => each.name === name))));
  return { timestampMs: last.timestampMs, windowMs: sumOfWindows(points), containers };
}

function combineContainer(points: readonly ContainerUsage[]): ContainerUsage {
  const windowMs = sumOfWindows(points);
  const used = points.reduce((sum, { cpuNanocores, windowMs: of }) => sum + cpuNanocores * of, 0);
  return { ...points.at(-1)!, windowMs, cpuNanocores: Math.round(used / windowMs) };
}

function sumOfWindows(points: readonly { readonly windowMs: number }[]): number {
  return points.reduce((sum, { windowMs }) => sum + windowMs, 0);
}
