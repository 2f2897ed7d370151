/** Stores the wanted series of all nodes, beside `storage/`, whose decisions about pods, restarts and times it follows. */
import type { NodeBatch } from '../sample/batch.ts';
import { isOtherNode } from '../sample/point.ts';
import type { SeriesBatch } from '../sample/seriescolumns.ts';
import { stalenessMs } from '../storage/lastusage.ts';
import type { KubeletMetric } from './catalogue.ts';
import type { MetricNumber, NoNumber } from './metricvalue.ts';
import {
  clearSamples,
  emptyNode,
  forgetUnwanted,
  type HasEnded,
  type NodeCounts,
  type StoredSeries,
  podKey,
  updatePods,
} from './nodeseries.ts';
import type { ObjectSeries } from './podseries.ts';
import { loadSeries, type SavedSeries, saveSeries } from './seriessnapshot.ts';
import { createUpdates, type SeriesLimitsOptions } from './seriesupdate.ts';
import { createSeriesWarmUp } from './serieswarmup.ts';

/** One scrape of one node. */
export interface NodeSeriesUpdate {
  /** As stored: with the admitted pods. */
  readonly batch: NodeBatch;
  /** Undefined if none were wanted, or on /metrics/resource. */
  readonly series:
    | { readonly kind: 'series'; readonly batch: SeriesBatch }
    | { readonly kind: 'refused'; readonly reason: string }
    | undefined;
  /** See StoreResult. */
  readonly spacingMs: number;
  readonly hasStepped: boolean;
}

/** A pod, as the API has it. */
export interface SeriesPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly configHash: string | undefined;
  readonly node: string | undefined;
}

export type NumberOrReason = MetricNumber | NoNumber | 'stale' | 'not scraped' | 'resource endpoint' | 'refused';

export interface SeriesStore {
  store(update: NodeSeriesUpdate): void;
  forget(node: string): void;
  /** Drops the node if it is of a snapshot and has another UID. */
  keepOnly(node: string, uid: string | undefined): void;
  /** Returns the values for a snapshot, node by node. */
  saved(): Generator<SavedSeries>;
  /** Skips nodes that were scraped since. @param thenMs when they were saved, monotonic. */
  restore(saved: readonly SavedSeries[], thenMs: number): void;
  /** Reports whether each scraped node had its second samples of what is wanted, or the time for them. Once true, it stays. */
  isWarm(): boolean;
  ofPod(metric: KubeletMetric, pod: SeriesPod): NumberOrReason;
  ofNode(metric: KubeletMetric, node: string): NumberOrReason;
  /** As of each node's last scrape. */
  counts(): SeriesCounts;
  /** Returns when a scrape of any node last had the series of each metric, by the metric's name: wall time. */
  lastScrapes(): ReadonlyMap<string, number>;
}

export interface SeriesCounts extends NodeCounts {
  /** Nodes whose last scrape was above a limit, or broken. */
  readonly refused: number;
}

export interface SeriesStoreOptions extends SeriesLimitsOptions {
  readonly hasEnded: HasEnded;
  /** Returns undefined if unknown. */
  readonly nodeUid?: (node: string) => string | undefined;
  /** Returns the metrics that are wanted now; the same array until they change. */
  readonly wanted: () => readonly KubeletMetric[];
  /** Reports whether it is known what autoscalers want. */
  readonly isDemandKnown: () => boolean;
}

export function createSeriesStore(options: SeriesStoreOptions): SeriesStore {
  const { clock, wanted } = options;
  const nodes = new Map<string, StoredSeries>();
  const lastScrapes = new Map<string, number>();
  const updates = createUpdates(options);
  const staleness = (node: StoredSeries) => stalenessOf(node, options);
  const warmUp = createSeriesWarmUp({ ...options, nodes });
  return {
    store,
    forget(node) {
      nodes.delete(node);
      warmUp.forget(node);
    },
    keepOnly(node, uid) {
      if (isOtherNode(nodes.get(node)?.uid, uid)) nodes.delete(node);
    },
    saved: () => savedIn(nodes, options),
    restore: (saved, thenMs) => restoreIn(nodes, saved, thenMs, options),
    isWarm: warmUp.isOver,
    ofPod(metric, pod) {
      const node = pod.node === undefined ? undefined : nodes.get(pod.node);
      const { namespace, name, uid, configHash } = pod;
      const series =
        node?.pods.get(podKey(namespace, name, uid)) ??
        (configHash === undefined ? undefined : node?.pods.get(podKey(namespace, name, configHash)));
      return read(node, series, metric);
    },
    ofNode(metric, name) {
      const node = nodes.get(name);
      return read(node, node?.machine, metric);
    },
    counts: () => countsOf(nodes),
    lastScrapes: () => lastScrapes,
  };

  function read(
    node: StoredSeries | undefined,
    series: ObjectSeries | undefined,
    { name }: KubeletMetric,
  ): NumberOrReason {
    if (node === undefined) return 'not scraped';
    const number = series?.read(name, clock.monotonicMs(), staleness(node));
    if (typeof number === 'object') return number;
    if (node.source === 'resource') return 'resource endpoint';
    if (node.refused !== undefined) return 'refused';
    if (!node.metrics.some((metric) => metric.name === name)) return 'not scraped';
    return number ?? 'waiting';
  }

  function store({ batch, series, spacingMs, hasStepped }: NodeSeriesUpdate): void {
    const metrics = wanted();
    const before = nodes.get(batch.node);
    warmUp.scraped(batch.node);
    if (metrics.length === 0 && before === undefined) return;
    const nowMs = clock.monotonicMs();
    const node = before ?? emptyNode(batch.source, nowMs);
    node.source = batch.source;
    node.spacingMs = spacingMs;
    node.refused = series?.kind === 'refused' ? series.reason : undefined;
    nodes.set(batch.node, node);
    if (hasStepped) clearSamples(node);
    if (node.wanted !== metrics) forgetUnwanted(node, metrics);
    node.wanted = metrics;
    if (metrics.length === 0) nodes.delete(batch.node);
    // No value is newer than the machine's last samples.
    else if (batch.source === 'resource' && nowMs - node.machine.seenMs > staleness(node)) {
      nodes.set(batch.node, emptyNode('resource', nowMs));
    }
    if (series?.kind !== 'series') return;
    const update = updates(series.batch, metrics, { name: batch.node, spacingMs });
    node.metrics = update.metrics;
    for (const { name } of update.metrics) lastScrapes.set(name, clock.wallMs());
    updatePods(node, batch.layout.pods, update, options.hasEnded);
  }
}

function stalenessOf({ spacingMs }: StoredSeries, options: Pick<SeriesStoreOptions, 'stalenessMs'>): number {
  return stalenessMs({ atLeastMs: options.stalenessMs, spacingMs });
}

function* savedIn(
  nodes: ReadonlyMap<string, StoredSeries>,
  options: Pick<SeriesStoreOptions, 'clock' | 'stalenessMs' | 'nodeUid'>,
): Generator<SavedSeries> {
  for (const [name, node] of nodes) {
    const times = { nowMs: options.clock.monotonicMs(), stalenessMs: stalenessOf(node, options) };
    yield saveSeries(name, options.nodeUid?.(name), node, times);
  }
}

function restoreIn(
  nodes: Map<string, StoredSeries>,
  saved: readonly SavedSeries[],
  thenMs: number,
  { clock, nodeUid }: Pick<SeriesStoreOptions, 'clock' | 'nodeUid'>,
): void {
  for (const each of saved) {
    if (nodes.has(each.node) || isOtherNode(each.uid, nodeUid?.(each.node))) continue;
    nodes.set(each.node, loadSeries(each, thenMs, clock.monotonicMs()));
  }
}

/** Visits nodes, not objects. */
function countsOf(nodes: ReadonlyMap<string, StoredSeries>): SeriesCounts {
  const sums = { pods: 0, numbers: 0, bytes: 0, refused: 0 };
  for (const { counts, refused } of nodes.values()) {
    sums.pods += counts.pods;
    sums.numbers += counts.numbers;
    sums.bytes += counts.bytes;
    if (refused !== undefined) sums.refused += 1;
  }
  return sums;
}
