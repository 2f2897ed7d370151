/** Computes usages from two samples; pure. The fast path (rows.ts, storednode.ts) and the slow path (samplepair.ts) both call it. */
import { type Gauge, type GaugeField, isServed } from '../sample/quantities.ts';
import type { PodUsage, Usage } from '../sample/point.ts';
import { mostCores } from './samplerules.ts';

export type ContainerUsage = PodUsage['containers'][number];

/** Returns the CPU rate in nanocores. As in metrics-server, counters are truncated to whole nanoseconds, then the rate is. A counter that fell by its jitter is no usage. */
export function nanocores(lastSeconds: number, baseSeconds: number, windowMs: number): number {
  const usedNanoseconds = Math.max(0, Math.trunc(lastSeconds * 1e9) - Math.trunc(baseSeconds * 1e9));
  // A counter of millions of years is exact to a minute or so, which may exceed what was possible.
  return Math.min(mostCores * 1e9, Math.trunc(usedNanoseconds / (windowMs / 1000)));
}

/**
 * Sets an optional gauge of a usage, if it is known and served of the node.
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
 * Combines the usages of a pod's containers, at least one, and sorts them by name in place. The pod's time and window are those of the container with the
 * oldest sample. Hot: lists of a large cluster call it 150,000 times.
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
