/** The slow path's form of a stored node, also the snapshot's; pure. */
import type { ClockReading } from '../sample/clockstep.ts';
import type { ContainerPoint, PodBatch, Point, Source, Usage } from '../sample/point.ts';
import type { LastPodUsage, LastUsage } from './lastusage.ts';
import type { SamplePair } from './samplepair.ts';
import { intervalMs } from './spacing.ts';

export interface NodeState {
  /** The Node's UID; undefined if unknown. */
  readonly uid: string | undefined;
  readonly source: Source;
  readonly machine: SamplePair | undefined;
  readonly hasSwap: boolean;
  readonly lastUsage: LastUsage<Usage>;
  readonly pods: readonly PodState[];
  readonly spacingMs: number;
  /** Monotonic. */
  readonly storedMs: number;
  readonly clock?: ClockState | undefined;
}

/** The state of a node's clock. */
export interface ClockState {
  /** The reading of the last batch; undefined if unknown. */
  readonly reading?: ClockReading | undefined;
  /** When a step was last seen, monotonic; undefined if never. */
  readonly steppedMs?: number | undefined;
  /** Earlier start times, by the node's clock, may be from before a step; undefined without one. */
  readonly startsAfterMs?: number | undefined;
}

/** One pod as one node reports it. */
export interface PodState {
  readonly node: string;
  /** namespace/name */
  readonly name: string;
  readonly uid: string | undefined;
  readonly containers: ReadonlyMap<string, SamplePair<ContainerPoint>>;
  /** No longer reported by the kubelet. */
  readonly absent: AbsentContainers;
  readonly lastUsage: LastPodUsage;
  /** In snapshots: placed on the node by the API. */
  readonly isVerified?: true;
}

/** Since when containers are absent, monotonic; by name. */
export type AbsentContainers = ReadonlyMap<string, number>;

export const noneAbsent: AbsentContainers = new Map();

/** Sums up the new samples of one scrape. */
export interface NewSamples {
  /** First samples have no predecessor, and so no rate. */
  first: number;
  /** To a predecessor, in milliseconds; 0 without one. */
  longestIntervalMs: number;
}

/** @param possibleMs see longestPossibleIntervalMs. */
export function countSample<P extends Point>(
  sums: NewSamples,
  previous: SamplePair<P> | undefined,
  now: SamplePair<P>,
  possibleMs: number,
): void {
  // An old sample is the same object.
  if (now.last !== previous?.last && typeof now.base === 'string') sums.first += 1;
  countInterval(sums, intervalMs(previous, now) ?? 0, possibleMs);
}

/** Adds an interval, if it is possible. */
export function countInterval(sums: NewSamples, ms: number, possibleMs: number): void {
  if (ms <= possibleMs) sums.longestIntervalMs = Math.max(sums.longestIntervalMs, ms);
}

/** Adds a pod's containers to the sums. */
export function countPodSamples(
  sums: NewSamples,
  previous: PodState | undefined,
  now: PodState,
  possibleMs: number,
): void {
  for (const [name, pair] of now.containers) countSample(sums, previous?.containers.get(name), pair, possibleMs);
}

/**
 * Returns the containers to wait for: rows may be missing for some scrapes. If the API does not know the pod, none is
 * once a new one is reported, as an app follows its init container. Custom metrics from kubelets use it too.
 * @param known by name, with those that are absent.
 * @param longestMs an absence beyond it is an end.
 * @param hasEnded by the API; undefined if unknown.
 */
export function absentContainers(
  {
    containers: known,
    absent,
  }: { readonly containers: ReadonlyMap<string, unknown>; readonly absent: AbsentContainers },
  reported: readonly { readonly name: string }[],
  nowMs: number,
  longestMs: number,
  hasEnded: (container: string) => boolean | undefined,
): AbsentContainers {
  const names = new Set(reported.map(({ name }) => name));
  const left = [...known.keys()].filter((name) => !names.has(name));
  if (left.length === 0) return noneAbsent;
  const isFollowed = reported.some(({ name }) => !known.has(name));
  const waitedFor = left.filter((name) => !(hasEnded(name) ?? isFollowed));
  const since = waitedFor.map((name) => [name, absent.get(name) ?? nowMs] as const);
  return new Map(since.filter(([, sinceMs]) => nowMs - sinceMs <= longestMs));
}

/** Returns the pod's key within its node. */
export function podKey(pod: Pick<PodBatch, 'namespace' | 'name' | 'uid'>): string {
  return `${pod.namespace}/${pod.name}/${pod.uid ?? ''}`;
}

/** Reports whether it is the same pod. Without a UID, a pod whose containers are all new is another one of its name. */
export function isSamePod(state: PodState, uid: string | undefined, containers: readonly ContainerPoint[]): boolean {
  if (state.uid !== undefined && uid !== undefined) return true;
  return containers.some((point) => state.containers.get(point.name)?.last.containerId === point.containerId);
}
