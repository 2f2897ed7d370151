/** Computes usages for the fast path (rows.ts, storednode.ts) and the slow path (samplepair.ts); pure. */
import { type Gauge, type GaugeField, isServed } from '../sample/quantities.ts';
import type { PodUsage, Usage } from '../sample/point.ts';
import { mostCores } from './samplerules.ts';

export type ContainerUsage = PodUsage['containers'][number];

/**
 * Returns nanocores. As metrics-server, truncates counters to whole nanoseconds, then the rate. A counter that fell by
 * its jitter is no usage.
 */
export function nanocores(lastSeconds: number, baseSeconds: number, windowMs: number): number {
  const usedNanoseconds = Math.max(0, Math.trunc(lastSeconds * 1e9) - Math.trunc(baseSeconds * 1e9));
  // A counter of millions of years, exact to a minute, may exceed what is possible.
  return Math.min(mostCores * 1e9, Math.trunc(usedNanoseconds / (windowMs / 1000)));
}

/**
 * Sets a served gauge.
 * @param value undefined or NaN if unknown.
 */
export function setGauge(
  usage: { -readonly [field in GaugeField]?: number | undefined },
  gauge: Gauge,
  value: number | undefined,
  hasSwap: boolean,
): void {
  if (value !== undefined && !Number.isNaN(value) && isServed(gauge, hasSwap)) usage[gauge.field] = Math.trunc(value);
}

/**
 * Combines containers, at least one, and sorts them in place. Time and window are the oldest sample's. Hot: 150,000
 * calls for a large cluster's lists.
 */
export function combineUsages(usages: ContainerUsage[]): PodUsage {
  let oldest: Usage | undefined;
  let isSorted = true;
  for (let index = 0; index < usages.length; index += 1) {
    const usage = usages[index]!;
    if (oldest === undefined || usage.timestampMs < oldest.timestampMs) oldest = usage;
    if (index > 0 && usage.name < usages[index - 1]!.name) isSorted = false;
  }
  if (oldest === undefined) throw new Error('a pod usage has containers');
  if (!isSorted) usages.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { timestampMs: oldest.timestampMs, windowMs: oldest.windowMs, containers: usages };
}
