/** What the storage holds of one node and of its pods, and what follows from that alone; pure. */
import type { ContainerPoint, PodBatch, Source, Usage } from '../point.ts';
import type { Served } from './served.ts';
import type { ServedPod } from './servedpod.ts';
import { distanceMs, nextSpacingMs } from './spacing.ts';
import type { Held } from './window.ts';

/** What is known of one node. */
export interface HeldNode {
  /** Where the last scrape is from. */
  readonly source: Source;
  readonly machine: Held | undefined;
  readonly hasSwap: boolean;
  readonly served: Served<Usage>;
  /** By namespace, name and UID. */
  readonly pods: ReadonlyMap<string, HeldPod>;
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
  readonly served: ServedPod;
}

/** A scrape that comes later than this after the one before has missed one. */
const onTimeResolutions = 1.5;

/**
 * How far apart the node's samples are now, in milliseconds. Learned only from scrapes that follow each other as they should: after a missed
 * one the distance of samples is our own doing.
 */
export function spacingOf(
  before: HeldNode | undefined,
  { machine, pods, storedMs }: Pick<HeldNode, 'machine' | 'pods' | 'storedMs'>,
  resolutionMs: number,
): number {
  if (before === undefined) return 0;
  if (storedMs - before.storedMs > onTimeResolutions * resolutionMs) return before.spacingMs;
  const distances = [machine === undefined ? undefined : distanceMs(before.machine, machine)];
  for (const [key, { containers }] of pods) {
    const held = before.pods.get(key)?.containers;
    for (const [name, container] of containers) distances.push(distanceMs(held?.get(name), container));
  }
  return nextSpacingMs(
    before.spacingMs,
    distances.filter((each) => each !== undefined),
  );
}

/** How many samples of a scrape are the first ones of what they are of, so that they wait for a second one. */
export function countFirst(
  before: HeldNode | undefined,
  { machine, pods }: Pick<HeldNode, 'machine' | 'pods'>,
): number {
  let first = isFirst(before?.machine, machine) ? 1 : 0;
  for (const [key, { containers }] of pods) {
    const held = before?.pods.get(key)?.containers;
    for (const [name, container] of containers) if (isFirst(held?.get(name), container)) first += 1;
  }
  return first;
}

/** A sample that was there already is held by the same object. */
function isFirst(before: Held | undefined, now: Held | undefined): boolean {
  return now !== undefined && now !== before && typeof now.base === 'string';
}

/** Within its node. */
export function keyOf(pod: Pick<PodBatch, 'namespace' | 'name' | 'uid'>): string {
  return `${pod.namespace}/${pod.name}/${pod.uid ?? ''}`;
}

/** Whether it is the same pod as before: where a UID is not known, not when all containers are new, which is another one of its name. */
export function isSamePod(held: HeldPod, { uid, containers }: PodBatch): boolean {
  if (held.uid !== undefined && uid !== undefined) return true;
  return containers.some((point) => held.containers.get(point.name)?.last.containerId === point.containerId);
}
