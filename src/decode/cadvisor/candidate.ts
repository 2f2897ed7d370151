/** Cgroups that may be containers. */
import type { ContainerPoint } from '../../sample/point.ts';
import type { Cgroup } from './cgroup.ts';
import type { StartTimes } from './starttimes.ts';

/** One cgroup whose labels and path say that it is a container of a pod. */
export interface CgroupCandidate {
  readonly namespace: string;
  readonly pod: string;
  readonly path: string;
  readonly cgroup: Cgroup;
  /** False for memory without CPU: nothing was used yet, or the container is gone. */
  readonly hasCpu: boolean;
  /** Undefined without a sample. */
  readonly point: ContainerPoint | undefined;
}

/** A candidate with a sample. */
export type SampledCandidate = CgroupCandidate & { readonly point: ContainerPoint };

export function isSampled(candidate: CgroupCandidate): candidate is SampledCandidate {
  return candidate.point !== undefined;
}

/** Reports whether no value is plausible. */
export function isOdd({ point }: SampledCandidate): boolean {
  return Number.isNaN(point.memoryBytes);
}

/** Reports whether the instance may be in use, also with an odd sample. */
export function uses(candidate: SampledCandidate): boolean {
  return isOdd(candidate) || (candidate.hasCpu && candidate.point.memoryBytes > 0);
}

/** Returns the start in milliseconds; 0 if unknown. */
export function startMs({ point }: SampledCandidate, starts: StartTimes): number {
  return starts.get(point.containerId) ?? 0;
}

/** Compares a container's paths; negative if the first is better: shorter, then lesser, so that all scrapes agree. */
export function comparePaths(a: SampledCandidate, b: SampledCandidate): number {
  return (
    a.cgroup.depth - b.cgroup.depth || compareText(a.path, b.path) || compareText(containerKey(a), containerKey(b))
  );
}

/**
 * Compares a name's instances; negative if the first is better: in use, then started last, then sampled last. Freshness
 * is last: a dead container's empty row has been seen fresher than its successor's.
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
