/** A cgroup that may be a container, and which of two is the better one. */
import type { ContainerPoint } from '../../sample/point.ts';
import type { Cgroup } from './cgroup.ts';
import type { StartTimes } from './starttimes.ts';

/** One cgroup whose labels and path say that it is a container of a pod. */
export interface CgroupCandidate {
  readonly namespace: string;
  readonly pod: string;
  readonly path: string;
  readonly cgroup: Cgroup;
  /** False if the kubelet reported memory but no CPU: nothing was used yet, or the container is gone. */
  readonly hasCpu: boolean;
  /** Undefined if the container was just found and has no sample yet. */
  readonly point: ContainerPoint | undefined;
}

/** A candidate with a sample. */
export type SampledCandidate = CgroupCandidate & { readonly point: ContainerPoint };

export function isSampled(candidate: CgroupCandidate): candidate is SampledCandidate {
  return candidate.point !== undefined;
}

/** Reports whether the cgroup is there without a value that can be true. */
export function isOdd({ point }: SampledCandidate): boolean {
  return Number.isNaN(point.memoryBytes);
}

/** Reports whether the instance may use something: an odd sample does not say that it uses nothing. */
export function uses(candidate: SampledCandidate): boolean {
  return isOdd(candidate) || (candidate.hasCpu && candidate.point.memoryBytes > 0);
}

/** Returns when a candidate started, in milliseconds; 0 if unknown. */
export function startMs({ point }: SampledCandidate, starts: StartTimes): number {
  return starts.get(point.containerId) ?? 0;
}

/** Compares two paths of one container; negative if the first is better: shorter, then lesser, so that every scrape chooses the same. */
export function comparePaths(a: SampledCandidate, b: SampledCandidate): number {
  return (
    a.cgroup.depth - b.cgroup.depth || compareText(a.path, b.path) || compareText(containerKey(a), containerKey(b))
  );
}

/**
 * Compares two instances of one container name; negative if the first is rather the running one: it uses something, then it started last, then it was sampled last.
 * Freshness does not come first: a dead container's empty row has been seen fresher than that of its successor.
 */
export function compareInstances(a: SampledCandidate, b: SampledCandidate, starts: StartTimes): number {
  return (
    Number(uses(b)) - Number(uses(a)) ||
    startMs(b, starts) - startMs(a, starts) ||
    b.point.timestampMs - a.point.timestampMs ||
    comparePaths(a, b)
  );
}

export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function podKey({ namespace, pod, cgroup }: CgroupCandidate): string {
  return `${namespace}\0${pod}\0${cgroup.podUid ?? ''}`;
}

export function containerKey(candidate: SampledCandidate): string {
  return `${podKey(candidate)}\0${candidate.point.name}`;
}

export function isOfSamePod(a: CgroupCandidate, b: CgroupCandidate): boolean {
  return a.pod === b.pod && a.namespace === b.namespace && a.cgroup.podUid === b.cgroup.podUid;
}
