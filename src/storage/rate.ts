/** Computes usages from two samples; pure. The fast path (rows.ts, storednode.ts) and the slow path (samplepair.ts) both call it. */
import type { PodUsage, Usage } from '../sample/point.ts';
import { mostCores } from './samplerules.ts';

export type ContainerUsage = PodUsage['containers'][number];

/**
 * Returns the CPU rate in nanocores. As in metrics-server, both counters are truncated to whole nanoseconds, then the rate is truncated. A counter that went back by
 * its jitter counts as no usage.
 */
export function nanocores(lastSeconds: number, baseSeconds: number, windowMs: number): number {
  const usedNanoseconds = Math.max(0, Math.trunc(lastSeconds * 1e9) - Math.trunc(baseSeconds * 1e9));
  // A counter of millions of years is exact to a minute or so, which may exceed what was possible.
  return Math.min(mostCores * 1e9, Math.trunc(usedNanoseconds / (windowMs / 1000)));
}

/**
 * Returns the swap usage in bytes; undefined unless the node has swap: kubelets report 0 where there is none, and clients of metrics-server know no such field.
 * @param swapBytes undefined or NaN if unknown.
 */
export function swapUsage(swapBytes: number | undefined, hasSwap: boolean): number | undefined {
  return hasSwap && swapBytes !== undefined && !Number.isNaN(swapBytes) ? Math.trunc(swapBytes) : undefined;
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
