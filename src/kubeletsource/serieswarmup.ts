/**
 * Decides when a store that began empty serves what another replica does, as `storage/warmup.ts` does it for usage: with
 * a rolling update of one replica an autoscaler would miss its metric for some syncs.
 */
import type { Clock } from '../clock.ts';
import { longestWarmUpMs } from '../storage/warmup.ts';
import type { KubeletMetric } from './catalogue.ts';
import type { StoredSeries } from './nodeseries.ts';

export interface SeriesWarmUp {
  /** Call it for each scrape of a node, with wanted series or without. */
  scraped(node: string): void;
  forget(node: string): void;
  /** Reports whether a node was scraped, and none is waited for. Once true, it stays. */
  isOver(): boolean;
}

export interface SeriesWarmUpOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly resolutionMs: number;
  readonly nodes: ReadonlyMap<string, StoredSeries>;
  readonly wanted: () => readonly KubeletMetric[];
  /** See AutoscalerMetrics; waited for as long as for second samples. */
  readonly isDemandKnown: () => boolean;
}

export function createSeriesWarmUp(options: SeriesWarmUpOptions): SeriesWarmUp {
  const { clock, nodes, wanted, isDemandKnown } = options;
  const longestMs = longestWarmUpMs(options.resolutionMs);
  const scraped = new Set<string>();
  let firstMs: number | undefined;
  let isOver = false;
  return {
    scraped(node) {
      if (isOver) return;
      firstMs ??= clock.monotonicMs();
      scraped.add(node);
    },
    forget: (node) => void scraped.delete(node),
    isOver() {
      isOver ||= isWarm();
      if (isOver) scraped.clear();
      return isOver;
    },
  };

  function isWarm(): boolean {
    const nowMs = clock.monotonicMs();
    if (firstMs === undefined) return false;
    if (!isDemandKnown()) return nowMs - firstMs >= longestMs;
    return wanted().length === 0 || scraped.values().every((node) => isNodeWarm(nodes.get(node), nowMs));
  }

  function isNodeWarm(node: StoredSeries | undefined, nowMs: number): boolean {
    if (node === undefined) return false;
    if (node.source === 'resource' || node.refused !== undefined) return true;
    if (nowMs - node.sinceMs >= longestMs) return true;
    return node.metrics.length === wanted().length && !node.isWaiting;
  }
}
