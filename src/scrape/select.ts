/**
 * Chooses one cgroup per container where cAdvisor reports several: it lists whatever it finds in the cgroup tree, also
 * containers that have just been replaced, cgroups that could not be removed, and what a tenant made below its own.
 *
 * Rows of different pod UIDs under one namespace and name are not rivals: each UID becomes a pod of its own here, and
 * the reader takes the one whose UID the API knows. Which container came later is judged by this scrape alone.
 */
import type { ContainerPoint, PodBatch } from '../point.ts';
import type { Cgroup } from './cgroup.ts';

/** One cgroup that says it is a container of a pod, with values that can be true. */
export interface Candidate {
  readonly namespace: string;
  readonly pod: string;
  readonly path: string;
  readonly cgroup: Cgroup;
  /** False where the kubelet sent memory but no CPU: nothing used yet, or a container that is gone. */
  readonly hasCpu: boolean;
  readonly point: ContainerPoint;
}

/** No row is given up before this age; a kubelet samples every 10 to 30 s. */
const deadAfterMs = 90_000;

/**
 * Nor before it is this much older than its neighbours: --housekeeping-interval=5m makes every row of a node old, spread over ten minutes;
 * at three times the median, one live row in ten would be given up.
 */
const deadAfterMedians = 10;

/** Keeps exactly one candidate per container of a pod UID. The order of the candidates does not matter for which. */
export function select(candidates: readonly Candidate[], nodeTimeMs: number): PodBatch[] {
  const chosen = new Map<string, Candidate>();
  for (const candidate of alive(onePerContainerId(trusted(candidates)), nodeTimeMs)) {
    const key = `${podKey(candidate)}\0${candidate.point.name}`;
    const rival = chosen.get(key);
    if (rival === undefined || compareInstances(candidate, rival) < 0) chosen.set(key, candidate);
  }
  return byPod(chosen.values());
}

/**
 * Judged over the whole node, not per container: otherwise a tenant could stand in for a container that just ended.
 * If no row is where the kubelet puts containers, the layout is one that we do not know, and all are taken.
 */
function trusted(candidates: readonly Candidate[]): readonly Candidate[] {
  const kept = candidates.filter((candidate) => candidate.cgroup.trusted);
  return kept.length > 0 ? kept : candidates;
}

/** One container shows up twice with Docker in Docker, leaked cgroup hierarchies and nested cgroups. */
function onePerContainerId(candidates: readonly Candidate[]): Iterable<Candidate> {
  const chosen = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const rival = chosen.get(candidate.cgroup.containerId);
    if (rival === undefined || comparePaths(candidate, rival) < 0) {
      chosen.set(candidate.cgroup.containerId, candidate);
    }
  }
  return chosen.values();
}

/** Drops rows that are no longer sampled, before any choice: such a row must not win over one that is. */
function alive(rows: Iterable<Candidate>, nodeTimeMs: number): readonly Candidate[] {
  const candidates = [...rows];
  const ages = candidates.map(ageMs).sort((a, b) => a - b);
  const medianMs = ages[ages.length >> 1] ?? 0;
  const limitMs = Math.max(deadAfterMs, deadAfterMedians * medianMs);
  return candidates.filter((candidate) => ageMs(candidate) <= limitMs);

  function ageMs(candidate: Candidate): number {
    return nodeTimeMs - candidate.point.timestampMs;
  }
}

/** Negative if the first is the better path: the shorter, then the lesser, so that every scrape chooses the same. */
function comparePaths(a: Candidate, b: Candidate): number {
  return a.cgroup.depth - b.cgroup.depth || (a.path < b.path ? -1 : 1);
}

/**
 * Negative if the first is rather the running instance: one that uses something, then the one started last, then the one
 * sampled last. Not freshness first: a dead container's empty row has been seen fresher than that of its successor.
 */
function compareInstances(a: Candidate, b: Candidate): number {
  return (
    Number(uses(b)) - Number(uses(a)) ||
    (b.point.startTimeMs ?? 0) - (a.point.startTimeMs ?? 0) ||
    b.point.timestampMs - a.point.timestampMs ||
    comparePaths(a, b)
  );
}

function uses(candidate: Candidate): boolean {
  return candidate.hasCpu && candidate.point.memoryBytes > 0;
}

function byPod(candidates: Iterable<Candidate>): PodBatch[] {
  const pods = Map.groupBy(candidates, podKey);
  return Array.from(pods.values(), (members) => {
    const { namespace, pod, cgroup } = members[0]!;
    return { namespace, name: pod, uid: cgroup.podUid, containers: members.map((member) => member.point) };
  });
}

function podKey({ namespace, pod, cgroup }: Candidate): string {
  return `${namespace}\0${pod}\0${cgroup.podUid ?? ''}`;
}
