/**
 * Chooses one cgroup per container where cAdvisor reports several: it lists whatever it finds in the cgroup tree, also
 * containers that have just been replaced, cgroups that could not be removed, and what a tenant made below its own.
 *
 * Rows of different pod UIDs under one namespace and name are not rivals: each UID becomes a pod of its own here, and
 * the reader takes the one whose UID the API knows.
 */
import type { ContainerPoint, PodBatch } from '../../sample/point.ts';
import { oldestAliveMs } from '../age.ts';
import type { Cgroup } from './cgroup.ts';
import { runAtOnce, type Steps } from '../steps.ts';
import { checkCount, namesakeLimit, rowsPerStep } from '../limits.ts';
import { nextStartTimes, type StartTimes } from './starttimes.ts';

/** One cgroup that says it is a container of a pod. */
export interface Candidate {
  readonly namespace: string;
  readonly pod: string;
  readonly path: string;
  readonly cgroup: Cgroup;
  /** False where the kubelet sent memory but no CPU: nothing used yet, or a container that is gone. */
  readonly hasCpu: boolean;
  /** Values that can be true; undefined of a container that was found a moment ago and has none yet. */
  readonly point: ContainerPoint | undefined;
}

type Sampled = Candidate & { readonly point: ContainerPoint };

export interface Selection {
  readonly pods: readonly PodBatch[];
  /** For the next scrape of the node. */
  readonly remembered: Remembered;
}

/** What a selection needs to know of the one before: a row that is odd or away for one scrape does not make another cgroup the container. */
export interface Remembered {
  readonly startTimes: StartTimes;
  /** The instances that were chosen among several of their name; few. */
  readonly contested: ReadonlyMap<string, Instance>;
  /** The paths with values of containers that have several; few. */
  readonly fine: ReadonlySet<string>;
}

interface Instance {
  /** 0 where it is not known. */
  readonly startMs: number;
  /** Whether it used something when it was chosen. */
  readonly isRunning: boolean;
}

export const nothingRemembered: Remembered = { startTimes: new Map(), contested: new Map(), fine: new Set() };

/**
 * Keeps exactly one candidate per container of a pod UID. The order of the candidates does not matter for which.
 * @param before of the scrape before.
 */
export function select(candidates: readonly Candidate[], nodeTimeMs: number, before?: Remembered): Selection {
  return runAtOnce(selecting(candidates, nodeTimeMs, before));
}

/** The same in steps. @throws AnswerTooLongError */
export function* selecting(
  candidates: readonly Candidate[],
  nodeTimeMs: number,
  before: Remembered = nothingRemembered,
): Steps<Selection> {
  // Each step of a short one would cost as much as what it does.
  const isLong = candidates.length > rowsPerStep;
  const rows = trusted(candidates);
  const fine = new Set<string>();
  const sampled = [...onePerContainerId(rows.filter(isSampled), before.fine, fine)];
  if (isLong) yield;
  const starts = nextStartTimes(
    before.startTimes,
    sampled.map(({ point }) => point),
  );
  if (isLong) yield;
  // A pod that is told without its newest container would look idle to the HPA; a scrape later it is told whole.
  const unfinished = new Set(rows.filter((row) => !isSampled(row)).map(podKey));
  /** By pod; one of each name. */
  const chosen = new Map<string, Members>();
  const contested = new Map<string, Instance>();
  if (isLong) yield;
  const living = alive(sampled, nodeTimeMs);
  if (isLong) yield;
  const runs = runsOfPods(living);
  for (const [index, members] of runs.entries()) {
    if (index % rowsPerStep === rowsPerStep - 1) yield;
    const key = podKey(members[0]);
    if (unfinished.has(key)) continue;
    const pod = chosen.get(key) ?? { containers: [], places: undefined };
    for (const candidate of members) {
      const last = before.contested.size === 0 ? undefined : before.contested.get(containerKey(candidate));
      if (last !== undefined && isPredecessor(candidate, last, starts)) {
        contested.set(containerKey(candidate), { ...last, isRunning: false });
        continue;
      }
      const place = placeIn(pod, candidate.point.name);
      const rival = pod.containers[place];
      if (rival !== undefined) contested.set(containerKey(candidate), unknownInstance);
      if (rival === undefined || compareInstances(candidate, rival, starts) < 0) pod.containers[place] = candidate;
    }
    if (pod.containers.length > 0) chosen.set(key, pod);
  }
  for (const { containers } of contested.size === 0 ? [] : chosen.values()) {
    for (const candidate of containers) {
      const isRunning = uses(candidate) && !isOdd(candidate);
      const instance = { startMs: startMs(candidate, starts), isRunning };
      if (contested.has(containerKey(candidate))) contested.set(containerKey(candidate), instance);
    }
  }
  if (isLong) yield;
  const pods = Array.from(chosen.values(), toPod);
  if (isLong) yield;
  checkNamesakes(pods);
  return { pods, remembered: { startTimes: starts, contested, fine } };
}

function isSampled(candidate: Candidate): candidate is Sampled {
  return candidate.point !== undefined;
}

/**
 * Judged over the whole node, not per container: otherwise a tenant could stand in for a container that just ended.
 * If no row is where the kubelet puts containers, the layout is one that we do not know, and all are taken.
 */
function trusted(candidates: readonly Candidate[]): readonly Candidate[] {
  const kept = candidates.filter((candidate) => candidate.cgroup.trusted);
  return kept.length > 0 ? kept : candidates;
}

/**
 * One container shows up twice with Docker in Docker, leaked cgroup hierarchies and nested cgroups. A path whose row is odd stands back, unless it had values
 * in the scrape before.
 * @param before paths that had values then.
 * @param fine gets those that have values now.
 */
function onePerContainerId(
  candidates: readonly Sampled[],
  before: ReadonlySet<string>,
  fine: Set<string>,
): Iterable<Sampled> {
  const chosen = new Map<string, Sampled>();
  for (const candidate of candidates) {
    const { containerId } = candidate.cgroup;
    const rival = chosen.get(containerId);
    if (rival === undefined) {
      chosen.set(containerId, candidate);
      continue;
    }
    for (const each of [candidate, rival]) if (!isOdd(each)) fine.add(each.path);
    const order = Number(standsBack(candidate)) - Number(standsBack(rival)) || comparePaths(candidate, rival);
    if (order < 0) chosen.set(containerId, candidate);
  }
  return chosen.values();

  function standsBack(candidate: Sampled): boolean {
    return isOdd(candidate) && !before.has(candidate.path);
  }
}

/** Whether an instance of a name started before the one that ran a scrape ago: that cannot have come back. */
function isPredecessor(candidate: Sampled, last: Instance, starts: StartTimes): boolean {
  const started = startMs(candidate, starts);
  return last.isRunning && started > 0 && started < last.startMs;
}

const unknownInstance: Instance = { startMs: 0, isRunning: false };

/** 0 where it is not known. */
function startMs({ point }: Sampled, starts: StartTimes): number {
  return starts.get(point.containerId) ?? 0;
}

/** Whether the cgroup is there without a value that can be true. */
function isOdd({ point }: Sampled): boolean {
  return Number.isNaN(point.memoryBytes);
}

/** Drops rows that are no longer sampled, before any choice: such a row must not win over one that is. */
function alive(candidates: readonly Sampled[], nodeTimeMs: number): readonly Sampled[] {
  const limitMs = oldestAliveMs(candidates.map(ageMs));
  return candidates.filter((candidate) => ageMs(candidate) <= limitMs);

  function ageMs(candidate: Sampled): number {
    return nodeTimeMs - candidate.point.timestampMs;
  }
}

/** Negative if the first is the better path: the shorter, then the lesser, so that every scrape chooses the same. */
function comparePaths(a: Sampled, b: Sampled): number {
  return (
    a.cgroup.depth - b.cgroup.depth || compareText(a.path, b.path) || compareText(containerKey(a), containerKey(b))
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * Negative if the first is rather the running instance: one that uses something, then the one started last, then the one
 * sampled last. Not freshness first: a dead container's empty row has been seen fresher than that of its successor.
 */
function compareInstances(a: Sampled, b: Sampled, starts: StartTimes): number {
  return (
    Number(uses(b)) - Number(uses(a)) ||
    startMs(b, starts) - startMs(a, starts) ||
    b.point.timestampMs - a.point.timestampMs ||
    comparePaths(a, b)
  );
}

/** Whether the instance uses something, as far as its row says: an odd row does not say that it uses nothing. */
function uses(candidate: Sampled): boolean {
  return isOdd(candidate) || (candidate.hasCpu && candidate.point.memoryBytes > 0);
}

/** A pod's containers mostly come one after the other, so that its key is not made for each of them. */
function runsOfPods(candidates: readonly Sampled[]): [Sampled, ...Sampled[]][] {
  const runs: [Sampled, ...Sampled[]][] = [];
  for (const candidate of candidates) {
    const run = runs.at(-1);
    if (run !== undefined && isOfSamePod(run[0], candidate)) run.push(candidate);
    else runs.push([candidate]);
  }
  return runs;
}

function isOfSamePod(a: Candidate, b: Candidate): boolean {
  return a.pod === b.pod && a.namespace === b.namespace && a.cgroup.podUid === b.cgroup.podUid;
}

/** What is chosen of one pod. */
interface Members {
  readonly containers: Sampled[];
  /** By name, once there are many. */
  places: Map<string, number> | undefined;
}

/** From more containers on they are looked up by name; nearly all pods have one to three. */
const lookedUpFrom = 16;

/** Returns where the container of this name is, or is to be put. */
function placeIn(pod: Members, name: string): number {
  const { containers } = pod;
  if (containers.length < lookedUpFrom) {
    const place = containers.findIndex(({ point }) => point.name === name);
    return place === -1 ? containers.length : place;
  }
  pod.places ??= new Map(containers.map(({ point }, place) => [point.name, place]));
  const known = pod.places.get(name);
  if (known === undefined) pod.places.set(name, containers.length);
  return known ?? containers.length;
}

function toPod({ containers: members }: Members): PodBatch {
  const [first] = members;
  if (first === undefined) throw new Error('a pod without containers was chosen');
  const { namespace, pod, cgroup } = first;
  const containers = members.map(({ point }) => point).sort(byName);
  return { namespace, name: pod, uid: cgroup.podUid, containers };
}

/** Whoever asks for a pod looks through all of its name. @throws AnswerTooLongError */
function checkNamesakes(pods: readonly PodBatch[]): void {
  if (pods.length <= namesakeLimit) return;
  const counts = new Map<string, number>();
  for (const { namespace, name } of pods) {
    const key = `${namespace}\0${name}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    checkCount(count, namesakeLimit, 'pods of one name');
  }
}

function byName(a: ContainerPoint, b: ContainerPoint): number {
  return compareText(a.name, b.name);
}

function containerKey(candidate: Sampled): string {
  return `${podKey(candidate)}\0${candidate.point.name}`;
}

function podKey({ namespace, pod, cgroup }: Candidate): string {
  return `${namespace}\0${pod}\0${cgroup.podUid ?? ''}`;
}
