/** The slow path's form of what is stored of one node and of its pods, which is also the snapshot's; pure. */
import type { ContainerPoint, PodBatch, Point, Source, Usage } from '../sample/point.ts';
import type { LastPodUsage, LastUsage } from './lastusage.ts';
import type { SamplePair } from './samplepair.ts';
import { intervalMs } from './spacing.ts';

export interface NodeState {
  /** metadata.uid of the Node; undefined if unknown. */
  readonly uid: string | undefined;
  /** Of the last scrape. */
  readonly source: Source;
  readonly machine: SamplePair | undefined;
  readonly hasSwap: boolean;
  readonly lastUsage: LastUsage<Usage>;
  readonly pods: readonly PodState[];
  /** See StoreResult. */
  readonly spacingMs: number;
  /** When it was last stored, monotonic. */
  readonly storedMs: number;
}

/** One pod as one node reports it. */
export interface PodState {
  readonly node: string;
  /** namespace/name */
  readonly name: string;
  readonly uid: string | undefined;
  readonly containers: ReadonlyMap<string, SamplePair<ContainerPoint>>;
  /** Those of the containers that the kubelet does not report any more. */
  readonly absent: AbsentContainers;
  readonly lastUsage: LastPodUsage;
  /** Set in snapshots if the API has placed the pod on the node. */
  readonly isVerified?: true;
}

/** Since when containers are not reported, monotonic; by name. */
export type AbsentContainers = ReadonlyMap<string, number>;

export const noneAbsent: AbsentContainers = new Map();

/** Sums up the new samples of one scrape. */
export interface NewSamples {
  /** First samples, which have no rate without a second one. */
  first: number;
  /** The longest interval between a new sample and its predecessor, in milliseconds; 0 if there is none. */
  longestIntervalMs: number;
}

/** Adds one pair to the sums. @param possibleMs see longestPossibleIntervalMs. */
export function countSample<P extends Point>(
  sums: NewSamples,
  previous: SamplePair<P> | undefined,
  now: SamplePair<P>,
  possibleMs: number,
): void {
  // A sample that was there already is the same object.
  if (now.last !== previous?.last && typeof now.base === 'string') sums.first += 1;
  countInterval(sums, intervalMs(previous, now) ?? 0, possibleMs);
}

/** Adds the interval between two samples, if it is possible. */
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
 * Returns the containers to wait for: rows may be missing for some scrapes. One that has ended by the API is not waited for; if the API does not know the pod, none is
 * once a new container is reported, as an app follows its init container.
 * @param points of the same pod now.
 * @param longestMs a container that is absent for longer has ended.
 * @param hasEnded by the API; undefined if that does not know the pod.
 */
export function absentContainers(
  state: PodState,
  points: readonly ContainerPoint[],
  nowMs: number,
  longestMs: number,
  hasEnded: (container: string) => boolean | undefined,
): AbsentContainers {
  const { containers, absent } = state;
  const names = new Set(points.map(({ name }) => name));
  const left = [...containers.keys()].filter((name) => !names.has(name));
  if (left.length === 0) return noneAbsent;
  const isFollowed = points.some(({ name }) => !containers.has(name));
  const waitedFor = left.filter((name) => !(hasEnded(name) ?? isFollowed));
  const since = waitedFor.map((name) => [name, absent.get(name) ?? nowMs] as const);
  return new Map(since.filter(([, sinceMs]) => nowMs - sinceMs <= longestMs));
}

/** Returns the pod's key within its node. */
export function podKey(pod: Pick<PodBatch, 'namespace' | 'name' | 'uid'>): string {
  return `${pod.namespace}/${pod.name}/${pod.uid ?? ''}`;
}

/** Reports whether it is the same pod as before. If a UID is unknown, a pod whose containers are all new is another one of its name. */
export function isSamePod(state: PodState, uid: string | undefined, containers: readonly ContainerPoint[]): boolean {
  if (state.uid !== undefined && uid !== undefined) return true;
  return containers.some((point) => state.containers.get(point.name)?.last.containerId === point.containerId);
}
