/** Decides whether a reported pod belongs to its node, by what the API knows of it. */
import { column, columns, type NodeBatch, type PodLayout } from '../sample/batch.ts';
import type { PodIdentity } from './podindex.ts';

/** What the API knows of a running pod; the same object until something of it changes. */
export interface KnownPod extends Omit<PodIdentity, 'namespace' | 'name'> {
  /** Its creationTimestamp in seconds since the epoch; undefined if unknown. */
  readonly createdSeconds: number | undefined;
}

/** Looks up stored pods that the API has placed. */
export interface Bindings {
  /** Returns the node on which the API has placed the pod's UID; undefined if none is stored. */
  verifiedNode(pod: PodLayout): string | undefined;
  /** Reports whether several nodes report a pod that the API places on none. */
  isConflict(pod: PodIdentity): boolean;
  /** Reports whether the container is stored for the pod's UID, which the API has placed on the node. */
  hasContainer(node: string, pod: PodLayout, containerId: string): boolean;
}

/**
 * Milliseconds; a container that started longer than this before its pod's creation belongs to an earlier pod. The margin covers clock differences, and the whole
 * seconds of the Date header.
 */
export const startMarginMs = 30_000;

/** A pod to store, with the UID of the API; or why it is not stored. */
type PodDecision = { readonly pod: PodLayout; readonly isVerified: boolean } | 'foreign' | 'earlier';

/** Reports whether the pod has the known one's UID, or none. */
export function isOf({ uid }: PodLayout, known: KnownPod | undefined): known is KnownPod {
  return known !== undefined && (uid === undefined || uid === known.uid || uid === known.configHash);
}

/** Returns the node on which the API places the pod, or has placed it. */
export function nodeOf(pod: PodLayout, known: KnownPod | undefined, bindings: Bindings): string | undefined {
  return (isOf(pod, known) ? known.node : undefined) ?? bindings.verifiedNode(pod);
}

/** Decides on a pod of a scrape. @param node by nodeOf. @param clockAheadMs see Admission. */
export function decidePod(
  pod: PodLayout,
  known: KnownPod | undefined,
  node: string | undefined,
  batch: NodeBatch,
  clockAheadMs: number,
  bindings: Bindings,
): PodDecision {
  if (node === undefined) return { pod, isVerified: false };
  if (node !== batch.node) return 'foreign';
  if (pod.uid !== undefined || known === undefined) return { pod, isVerified: true };
  const bound = { ...pod, uid: known.configHash ?? known.uid };
  return isOfEarlierPod(bound, known, batch, clockAheadMs, bindings) ? 'earlier' : { pod: bound, isVerified: true };
}

/**
 * Reports whether a container is older than its pod, which is known by name alone. Containers of static pods are: their mirror pod is created later. One that is stored
 * for the pod stays so, since a corrected clock shifts start times.
 */
function isOfEarlierPod(
  pod: PodLayout,
  known: KnownPod,
  batch: NodeBatch,
  clockAheadMs: number,
  bindings: Bindings,
): boolean {
  if (known.configHash !== undefined || known.createdSeconds === undefined) return false;
  const earliestMs = known.createdSeconds * 1000 - startMarginMs + clockAheadMs;
  return pod.containers.some(
    ({ containerId }, index) =>
      batch.numbers[(pod.firstRow + index) * columns + column.startTimeMs]! < earliestMs &&
      !bindings.hasContainer(batch.node, pod, containerId),
  );
}
