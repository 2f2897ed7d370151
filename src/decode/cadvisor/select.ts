/**
 * Selects one cgroup per container. cAdvisor also reports replaced and leaked ones, and a tenant's below its own. Pods
 * of one name with different UIDs are different pods.
 */
import type { ContainerPoint, PodBatch } from '../../sample/point.ts';
import { oldestAliveMs } from '../age.ts';
import { checkCount, namesakeLimit, rowsPerStep } from '../limits.ts';
import { runAtOnce, type Steps } from '../steps.ts';
import {
  type CgroupCandidate,
  compareInstances,
  comparePaths,
  compareText,
  containerKey,
  isOdd,
  isOfSamePod,
  isSampled,
  podKey,
  type SampledCandidate,
  startMs,
  uses,
} from './candidate.ts';
import { nextStartTimes, type StartTimes } from './starttimes.ts';

export interface Selection {
  readonly pods: readonly PodBatch[];
  readonly state: SelectionState;
}

/** One odd or missing sample must not change a container's cgroup. */
export interface SelectionState {
  readonly startTimes: StartTimes;
  readonly contested: ReadonlyMap<string, Instance>;
  readonly fine: ReadonlySet<string>;
}

interface Instance {
  /** 0 if unknown. */
  readonly startMs: number;
  readonly isRunning: boolean;
}

const initialState: SelectionState = { startTimes: new Map(), contested: new Map(), fine: new Set() };
const unknownInstance: Instance = { startMs: 0, isRunning: false };

/** Selects one candidate per container of a pod UID, in any order. */
export function select(candidates: readonly CgroupCandidate[], nodeTimeMs: number, before?: SelectionState): Selection {
  return runAtOnce(selecting(candidates, nodeTimeMs, before));
}

/** `select` in steps. @throws AnswerTooLongError */
export function* selecting(
  candidates: readonly CgroupCandidate[],
  nodeTimeMs: number,
  before: SelectionState = initialState,
): Steps<Selection> {
  // In a short selection, steps would cost as much as its work.
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
  // Without its newest container a pod would look idle to the HPA.
  const unfinished = new Set(rows.filter((row) => !isSampled(row)).map(podKey));
  if (isLong) yield;
  const living = alive(sampled, nodeTimeMs);
  if (isLong) yield;
  const runs = runsOfPods(living).filter(([first]) => !unfinished.has(podKey(first)));
  const { chosen, contested } = yield* choosing(runs, before.contested, starts);
  if (isLong) yield;
  const pods = Array.from(chosen, toPod);
  if (isLong) yield;
  checkNamesakes(pods);
  return { pods, state: { startTimes: starts, contested, fine } };
}

interface Chosen {
  readonly chosen: Iterable<Members>;
  readonly contested: ReadonlyMap<string, Instance>;
}

function* choosing(
  runs: readonly [SampledCandidate, ...SampledCandidate[]][],
  before: SelectionState['contested'],
  starts: StartTimes,
): Steps<Chosen> {
  const chosen = new Map<string, Members>();
  const contested = new Map<string, Instance>();
  for (const [index, members] of runs.entries()) {
    if (index % rowsPerStep === rowsPerStep - 1) yield;
    const key = podKey(members[0]);
    const pod = chosen.get(key) ?? { containers: [], indexes: undefined };
    for (const candidate of members) {
      const last = before.size === 0 ? undefined : before.get(containerKey(candidate));
      if (last !== undefined && isPredecessor(candidate, last, starts)) {
        contested.set(containerKey(candidate), { ...last, isRunning: false });
        continue;
      }
      const at = indexIn(pod, candidate.point.name);
      const rival = pod.containers[at];
      if (rival !== undefined) contested.set(containerKey(candidate), unknownInstance);
      if (rival === undefined || compareInstances(candidate, rival, starts) < 0) pod.containers[at] = candidate;
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
  return { chosen: chosen.values(), contested };
}

/**
 * Decides for the whole node: per container, a tenant's cgroup could replace one that just ended. If none is trusted,
 * the layout is unknown: all are taken.
 */
function trusted(candidates: readonly CgroupCandidate[]): readonly CgroupCandidate[] {
  const kept = candidates.filter((candidate) => candidate.cgroup.trusted);
  return kept.length > 0 ? kept : candidates;
}

/**
 * Chooses one path per container ID; Docker in Docker, leaked hierarchies and nested cgroups have several. An odd path
 * yields, unless it was fine in the previous scrape (`before`).
 */
function onePerContainerId(
  candidates: readonly SampledCandidate[],
  before: ReadonlySet<string>,
  fine: Set<string>,
): Iterable<SampledCandidate> {
  const chosen = new Map<string, SampledCandidate>();
  for (const candidate of candidates) {
    const { containerId } = candidate.cgroup;
    const rival = chosen.get(containerId);
    if (rival === undefined) {
      chosen.set(containerId, candidate);
      continue;
    }
    for (const each of [candidate, rival]) if (!isOdd(each)) fine.add(each.path);
    const order = Number(yields(candidate)) - Number(yields(rival)) || comparePaths(candidate, rival);
    if (order < 0) chosen.set(containerId, candidate);
  }
  return chosen.values();

  function yields(candidate: SampledCandidate): boolean {
    return isOdd(candidate) && !before.has(candidate.path);
  }
}

/** An instance that started before the last one cannot have come back. */
function isPredecessor(candidate: SampledCandidate, last: Instance, starts: StartTimes): boolean {
  const started = startMs(candidate, starts);
  return last.isRunning && started > 0 && started < last.startMs;
}

function alive(candidates: readonly SampledCandidate[], nodeTimeMs: number): readonly SampledCandidate[] {
  const limitMs = oldestAliveMs(candidates.map(ageMs));
  return candidates.filter((candidate) => ageMs(candidate) <= limitMs);

  function ageMs(candidate: SampledCandidate): number {
    return nodeTimeMs - candidate.point.timestampMs;
  }
}

/** Runs of one pod spare most pod keys. */
function runsOfPods(candidates: readonly SampledCandidate[]): [SampledCandidate, ...SampledCandidate[]][] {
  const runs: [SampledCandidate, ...SampledCandidate[]][] = [];
  for (const candidate of candidates) {
    const run = runs.at(-1);
    if (run !== undefined && isOfSamePod(run[0], candidate)) run.push(candidate);
    else runs.push([candidate]);
  }
  return runs;
}

interface Members {
  readonly containers: SampledCandidate[];
  /** By name; see mapFrom. */
  indexes: Map<string, number> | undefined;
}

/** Nearly all pods have one to three containers; from here a map finds them. */
const mapFrom = 16;

function indexIn(pod: Members, name: string): number {
  const { containers } = pod;
  if (containers.length < mapFrom) {
    const index = containers.findIndex(({ point }) => point.name === name);
    return index === -1 ? containers.length : index;
  }
  pod.indexes ??= new Map(containers.map(({ point }, index) => [point.name, index]));
  const known = pod.indexes.get(name);
  if (known === undefined) pod.indexes.set(name, containers.length);
  return known ?? containers.length;
}

function toPod({ containers: members }: Members): PodBatch {
  const [first] = members;
  if (first === undefined) throw new Error('a pod without containers was chosen');
  const { namespace, pod, cgroup } = first;
  const containers = members.map(({ point }) => point).sort(byName);
  return { namespace, name: pod, uid: cgroup.podUid, containers };
}

/** Limits a read of one pod. @throws AnswerTooLongError */
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
