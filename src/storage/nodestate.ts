/** What the storage holds of one node and of its pods, and what follows from that alone; pure. */
import type { ContainerPoint, PodBatch, Point, Source, Usage } from '../sample/point.ts';
import type { Served } from './lastusage.ts';
import type { ServedPod } from './podusage.ts';
import { distanceMs } from './spacing.ts';
import type { Held } from './window.ts';

/** What is known of one node. */
export interface HeldNode {
  /** metadata.uid of the Node; undefined where it was not known. */
  readonly uid: string | undefined;
  /** Where the last scrape is from. */
  readonly source: Source;
  readonly machine: Held | undefined;
  readonly hasSwap: boolean;
  readonly served: Served<Usage>;
  readonly pods: readonly HeldPod[];
  /** See Stored. */
  readonly spacingMs: number;
  /** When it was last told of, monotonic. */
  readonly storedMs: number;
}

/** One pod as one node told of it. */
export interface HeldPod {
  readonly node: string;
  /** namespace/name */
  readonly name: string;
  readonly uid: string | undefined;
  readonly containers: ReadonlyMap<string, Held<ContainerPoint>>;
  /** Those of the containers that the kubelet does not report any more: since when, monotonic. */
  readonly absent: Absent;
  readonly served: ServedPod;
  /** Set in snapshots where the API has placed the pod on the node. */
  readonly isVerified?: true;
}

/** By container name. */
export type Absent = ReadonlyMap<string, number>;

export const noneAbsent: Absent = new Map();

/** What has become of the samples of one pod, or machine. */
export interface Progress {
  /** How many samples are the first ones of what they are of, so that they wait for a second one. */
  first: number;
  /** The largest distance of a new sample to the one before it, in milliseconds; 0 where there is none. */
  largestDistanceMs: number;
}

/**
 * Adds what is new of one held sample.
 * @param possibleMs how far apart the two samples can be; see possibleDistanceMs.
 */
export function noteProgress<P extends Point>(
  progress: Progress,
  before: Held<P> | undefined,
  now: Held<P>,
  possibleMs: number,
): void {
  if (isFirst(before, now)) progress.first += 1;
  noteDistance(progress, distanceMs(before, now) ?? 0, possibleMs);
}

/** Adds the distance of two samples, if it is possible. */
export function noteDistance(progress: Progress, ms: number, possibleMs: number): void {
  if (ms <= possibleMs) progress.largestDistanceMs = Math.max(progress.largestDistanceMs, ms);
}

export function notePodProgress(
  progress: Progress,
  before: HeldPod | undefined,
  now: HeldPod,
  possibleMs: number,
): void {
  for (const [name, container] of now.containers) {
    noteProgress(progress, before?.containers.get(name), container, possibleMs);
  }
}

/** A sample that was there already is held by the same object. */
function isFirst(before: Held | undefined, now: Held): boolean {
  return now.last !== before?.last && typeof now.base === 'string';
}

/**
 * Returns which containers of a pod are not reported any more: a row may be away for one scrape, so a container has gone only when it was absent for longer than
 * that. None where another container has come: one has followed the other, as an app follows its init container.
 * @param points of the same pod now.
 */
export function absentOf(held: HeldPod, points: readonly ContainerPoint[], nowMs: number, longestMs: number): Absent {
  const { containers, absent } = held;
  if (points.length === containers.size && absent.size === 0) return noneAbsent;
  if (points.some(({ name }) => !containers.has(name))) return noneAbsent;
  const names = new Set(points.map(({ name }) => name));
  const left = [...containers.keys()].filter((name) => !names.has(name));
  const since = left.map((name) => [name, absent.get(name) ?? nowMs] as const);
  return new Map(since.filter(([, sinceMs]) => nowMs - sinceMs <= longestMs));
}

/** Within its node. */
export function keyOf(pod: Pick<PodBatch, 'namespace' | 'name' | 'uid'>): string {
  return `${pod.namespace}/${pod.name}/${pod.uid ?? ''}`;
}

/** Whether it is the same pod as before: where a UID is not known, not when all containers are new, which is another one of its name. */
export function isSamePod(held: HeldPod, uid: string | undefined, containers: readonly ContainerPoint[]): boolean {
  if (held.uid !== undefined && uid !== undefined) return true;
  return containers.some((point) => held.containers.get(point.name)?.last.containerId === point.containerId);
}
