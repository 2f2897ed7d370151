/** The kept samples and values of one node: of its pods and its machine. */
import type { PodLayout } from '../sample/batch.ts';
import type { Source } from '../sample/point.ts';
import type { SeriesBatch, SeriesCgroup } from '../sample/seriescolumns.ts';
import type { KubeletMetric } from './catalogue.ts';
import { type FoundCgroup, type FoundCgroups, ObjectSeries, type SeriesUpdate } from './podseries.ts';

export interface StoredSeries {
  /** The Node's UID, of a node of a snapshot; undefined if unknown. */
  uid: string | undefined;
  source: Source;
  refused: string | undefined;
  spacingMs: number;
  /** Those of the last scrape. */
  metrics: readonly KubeletMetric[];
  /** Those that were wanted then; the same array until they change. */
  wanted: readonly KubeletMetric[];
  /** When the first of its scrapes came while a metric was wanted, monotonic. */
  readonly sinceMs: number;
  /** Whether an object waits for its second samples. */
  isWaiting: boolean;
  readonly machine: ObjectSeries;
  /** By podKey. */
  pods: Map<string, ObjectSeries>;
  /** Sums over all objects, as of the last scrape. */
  counts: NodeCounts;
}

/** Counts of kept values. */
export interface NodeCounts {
  readonly pods: number;
  /** Values of a pod or a node. */
  readonly numbers: number;
  /** Memory of the kept samples. */
  readonly bytes: number;
}

const nothingCounted: NodeCounts = { pods: 0, numbers: 0, bytes: 0 };

/** Reports whether a container of a pod ended for good; undefined for an unknown pod. */
export type HasEnded = (pod: PodLayout, container: string) => boolean | undefined;

export function emptyNode(source: Source, nowMs: number): StoredSeries {
  const machine = new ObjectSeries(nowMs);
  const rest = {
    uid: undefined,
    refused: undefined,
    spacingMs: 0,
    metrics: [],
    wanted: [],
    isWaiting: true,
    counts: nothingCounted,
  };
  return { source, ...rest, sinceMs: nowMs, machine, pods: new Map() };
}

/** Drops values of metrics that are not wanted. */
export function forgetUnwanted(node: StoredSeries, metrics: readonly KubeletMetric[]): void {
  const names = new Set(metrics.map(({ name }) => name));
  for (const each of objectsOf(node)) each.keepOnly(names);
}

/** Drops all samples: there is no rate over a step of the node's clock. */
export function clearSamples(node: StoredSeries): void {
  for (const each of objectsOf(node)) each.clearSamples();
}

function* objectsOf({ machine, pods }: StoredSeries): Generator<ObjectSeries> {
  yield machine;
  yield* pods.values();
}

/** A pod of the same name with another UID is another pod. One that the scrape lacks is kept until it is stale. */
export function updatePods(
  node: StoredSeries,
  layouts: readonly PodLayout[],
  update: SeriesUpdate,
  hasEnded: HasEnded,
): void {
  const cgroups = indexCgroups(update.batch);
  node.machine.update({ ...nothing, machine: cgroups.machine }, update, neverKnown);
  const pods = new Map<string, ObjectSeries>();
  for (const pod of layouts) {
    const key = podKey(pod.namespace, pod.name, pod.uid ?? '');
    const series = node.pods.get(key) ?? new ObjectSeries(update.nowMs);
    series.update(foundOf(pod, cgroups, update.batch), update, (container) => hasEnded(pod, container));
    pods.set(key, series);
  }
  for (const [key, series] of node.pods) {
    if (!pods.has(key) && update.nowMs - series.seenMs <= update.stalenessMs) pods.set(key, series);
  }
  node.pods = pods;
  count(node);
}

const neverKnown = () => undefined;

/** Counts what the node keeps now: a scrape of our metrics visits nodes only. */
function count(node: StoredSeries): void {
  let numbers = 0;
  let bytes = 0;
  let isWaiting = false;
  for (const each of objectsOf(node)) {
    numbers += each.numbers;
    bytes += each.bytes;
    isWaiting ||= each.isWaiting;
  }
  node.counts = { pods: node.pods.size, numbers, bytes };
  node.isWaiting = isWaiting;
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
    if (kind === 'machine') machine.push({ name: '', id, cgroup });
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
      .map((cgroup) => ({ name: '', id: batch.cgroups[cgroup]!.id, cgroup }));
  return {
    machine: [],
    pod: newest('pod'),
    // The sandbox before this one may linger.
    sandbox: newest('sandbox'),
    container: pod.containers.map(({ name, containerId: id }) => ({ name, id, cgroup: containers.get(id) })),
  };
}

function podName(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** Returns the pod's key within its node. */
export function podKey(namespace: string, name: string, uid: string): string {
  return `${namespace}/${name}/${uid}`;
}
