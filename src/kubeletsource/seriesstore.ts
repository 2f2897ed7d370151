/** Stores the wanted series of all nodes, beside `storage/`, whose decisions about pods, restarts and times it follows. */
import type { Clock } from '../clock.ts';
import type { NodeBatch, PodLayout } from '../sample/batch.ts';
import type { Source } from '../sample/point.ts';
import type { SeriesBatch, SeriesCgroup, WantedColumns } from '../sample/seriescolumns.ts';
import { stalenessMs } from '../storage/lastusage.ts';
import { longestWindowMs } from '../storage/samplerules.ts';
import type { KubeletMetric } from './catalogue.ts';
import type { MetricNumber, NoNumber } from './metricvalue.ts';
import { type FoundCgroup, type FoundCgroups, kindColumns, ObjectSeries, type SeriesUpdate } from './podseries.ts';

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
  ofPod(metric: KubeletMetric, pod: SeriesPod): NumberOrReason;
  ofNode(metric: KubeletMetric, node: string): NumberOrReason;
  /** Visits all objects: 0.1 s for 150,000 pods. */
  counts(): SeriesCounts;
  /** `refused` of the counts; visits nodes only. */
  refusedNodes(): number;
}

export interface SeriesCounts {
  readonly pods: number;
  /** Values of a pod or a node. */
  readonly numbers: number;
  /** Memory of the kept samples. */
  readonly bytes: number;
  /** Nodes whose last scrape was above a limit, or broken. */
  readonly refused: number;
}

export interface SeriesStoreOptions {
  readonly clock: Clock;
  readonly windowMs: number;
  readonly resolutionMs: number;
  readonly stalenessMs: number;
  /** Returns the metrics that are wanted now; the same array until they change. */
  readonly wanted: () => readonly KubeletMetric[];
}

interface StoredSeries {
  source: Source;
  refused: string | undefined;
  spacingMs: number;
  metrics: readonly KubeletMetric[];
  readonly machine: ObjectSeries;
  /** By podKey. */
  pods: Map<string, ObjectSeries>;
}

export function createSeriesStore(options: SeriesStoreOptions): SeriesStore {
  const { clock, wanted } = options;
  const nodes = new Map<string, StoredSeries>();
  const kinds = createKinds();
  return {
    store,
    forget: (node) => void nodes.delete(node),
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
    refusedNodes: () => refusedIn(nodes),
  };

  function read(
    node: StoredSeries | undefined,
    series: ObjectSeries | undefined,
    { name }: KubeletMetric,
  ): NumberOrReason {
    if (node === undefined) return 'not scraped';
    if (node.source === 'resource') return 'resource endpoint';
    const number = series?.read(name, clock.monotonicMs(), staleness(node));
    if (typeof number === 'object') return number;
    if (node.refused !== undefined) return 'refused';
    if (!node.metrics.some((metric) => metric.name === name)) return 'not scraped';
    return number ?? 'waiting';
  }

  function staleness({ spacingMs }: Pick<StoredSeries, 'spacingMs'>): number {
    return stalenessMs({ atLeastMs: options.stalenessMs, spacingMs });
  }

  function store({ batch, series, spacingMs, hasStepped }: NodeSeriesUpdate): void {
    const metrics = wanted();
    const before = nodes.get(batch.node);
    if (metrics.length === 0 && before === undefined) return;
    const nowMs = clock.monotonicMs();
    const node = before ?? emptyNode(batch.source, nowMs);
    node.source = batch.source;
    node.spacingMs = spacingMs;
    node.refused = series?.kind === 'refused' ? series.reason : undefined;
    nodes.set(batch.node, node);
    if (hasStepped) for (const each of objectsOf(node)) each.clearSamples();
    if (node.metrics !== metrics) forgetUnwanted(node, metrics);
    if (metrics.length === 0) nodes.delete(batch.node);
    // Samples of /metrics/cadvisor are older than the fallback.
    else if (batch.source === 'resource') nodes.set(batch.node, emptyNode('resource', nowMs));
    if (series?.kind !== 'series') return;
    const update = updateOf(series.batch, metrics, node, nowMs);
    node.metrics = update.metrics;
    updatePods(node, batch.layout.pods, update);
  }

  function updateOf(
    batch: SeriesBatch,
    metrics: readonly KubeletMetric[],
    node: StoredSeries,
    nowMs: number,
  ): SeriesUpdate {
    const had = new Set<string>(batch.columns);
    return {
      batch,
      columnsOf: kinds(batch.columns),
      limits: limitsOf(options, node.spacingMs, staleness(node)),
      nowMs,
      stalenessMs: staleness(node),
      metrics: metrics.filter((metric) => metric.columns.every((name) => had.has(name))),
    };
  }
}

function limitsOf(
  { windowMs, resolutionMs }: SeriesStoreOptions,
  spacingMs: number,
  unreadMs: number,
): SeriesUpdate['limits'] {
  return { windowMs, longestIntervalMs: Math.max(windowMs, longestWindowMs(resolutionMs, spacingMs)), unreadMs };
}

/** Returns a function that keeps its last result: the wanted columns seldom change. */
function createKinds(): (columns: WantedColumns) => SeriesUpdate['columnsOf'] {
  let last: { readonly columns: WantedColumns; readonly of: SeriesUpdate['columnsOf'] } | undefined;
  return (columns) => {
    if (last?.columns !== columns) {
      const of = {
        machine: kindColumns(columns, 'machine'),
        pod: kindColumns(columns, 'pod'),
        sandbox: kindColumns(columns, 'sandbox'),
        container: kindColumns(columns, 'container'),
      };
      last = { columns, of };
    }
    return last.of;
  };
}

function forgetUnwanted(node: StoredSeries, metrics: readonly KubeletMetric[]): void {
  const names = new Set(metrics.map(({ name }) => name));
  for (const each of objectsOf(node)) each.keepOnly(names);
}

function emptyNode(source: Source, nowMs: number): StoredSeries {
  return { source, refused: undefined, spacingMs: 0, metrics: [], machine: new ObjectSeries(nowMs), pods: new Map() };
}

function* objectsOf({ machine, pods }: StoredSeries): Generator<ObjectSeries> {
  yield machine;
  yield* pods.values();
}

/** A pod of the same name with another UID is another pod. One that the scrape lacks is kept until it is stale. */
function updatePods(node: StoredSeries, layouts: readonly PodLayout[], update: SeriesUpdate): void {
  const cgroups = indexCgroups(update.batch);
  node.machine.update({ ...nothing, machine: cgroups.machine }, update);
  const pods = new Map<string, ObjectSeries>();
  for (const pod of layouts) {
    const key = podKey(pod.namespace, pod.name, pod.uid ?? '');
    const series = node.pods.get(key) ?? new ObjectSeries(update.nowMs);
    series.update(foundOf(pod, cgroups, update.batch), update);
    pods.set(key, series);
  }
  for (const [key, series] of node.pods) {
    if (!pods.has(key) && update.nowMs - series.seenMs <= update.stalenessMs) pods.set(key, series);
  }
  node.pods = pods;
}

interface CgroupIndex {
  readonly machine: readonly FoundCgroup[];
  /** Containers by ID. */
  readonly containers: ReadonlyMap<string, number>;
  /** Own cgroups and sandboxes by namespace and name of the pod. */
  readonly ofPods: ReadonlyMap<string, readonly number[]>;
}

const nothing: FoundCgroups = { machine: [], pod: [], sandbox: [], container: [] };

function indexCgroups({ cgroups }: SeriesBatch): CgroupIndex {
  const machine: FoundCgroup[] = [];
  const containers = new Map<string, number>();
  const ofPods = new Map<string, number[]>();
  for (const [cgroup, { kind, id, namespace, pod }] of cgroups.entries()) {
    if (kind === 'machine') machine.push({ id, cgroup });
    else if (kind === 'container') containers.set(id, cgroup);
    else {
      const name = podName(namespace, pod);
      const known = ofPods.get(name);
      if (known === undefined) ofPods.set(name, [cgroup]);
      else known.push(cgroup);
    }
  }
  return { machine: machine.slice(0, 1), containers, ofPods };
}

function foundOf(pod: PodLayout, { containers, ofPods }: CgroupIndex, batch: SeriesBatch): FoundCgroups {
  const own = (ofPods.get(podName(pod.namespace, pod.name)) ?? []).filter((cgroup) => {
    const { podUid } = batch.cgroups[cgroup]!;
    return podUid === undefined || pod.uid === undefined || podUid === pod.uid;
  });
  const newest = (kind: SeriesCgroup['kind']): readonly FoundCgroup[] =>
    own
      .filter((cgroup) => batch.cgroups[cgroup]!.kind === kind)
      .sort((a, b) => (batch.timesMs[b]! || 0) - (batch.timesMs[a]! || 0))
      .slice(0, 1)
      .map((cgroup) => ({ id: batch.cgroups[cgroup]!.id, cgroup }));
  return {
    machine: [],
    pod: newest('pod'),
    // The sandbox before this one may linger.
    sandbox: newest('sandbox'),
    container: pod.containers.map(({ containerId: id }) => ({ id, cgroup: containers.get(id) })),
  };
}

function podName(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

function podKey(namespace: string, name: string, uid: string): string {
  return `${namespace}/${name}/${uid}`;
}

function countsOf(nodes: ReadonlyMap<string, StoredSeries>): SeriesCounts {
  const counts = { pods: 0, numbers: 0, bytes: 0, refused: refusedIn(nodes) };
  for (const node of nodes.values()) {
    counts.pods += node.pods.size;
    for (const each of objectsOf(node)) {
      counts.numbers += each.numbers;
      counts.bytes += each.bytes;
    }
  }
  return counts;
}

function refusedIn(nodes: ReadonlyMap<string, StoredSeries>): number {
  return nodes.values().reduce((count, { refused }) => (refused === undefined ? count : count + 1), 0);
}
