/** Decides by the API whether a reported pod belongs to its node. */
import { column, columns, type NodeBatch, type PodLayout } from '../sample/batch.ts';
import type { PodIdentity } from './podindex.ts';

/** The same object until it changes. */
export interface KnownPod extends Omit<PodIdentity, 'namespace' | 'name'> {
  /** creationTimestamp in seconds since the epoch; undefined if unknown. */
  readonly createdSeconds: number | undefined;
}

/** Looks up stored pods that the API has placed. */
export interface Bindings {
  /** Returns the node on which the API has placed the stored UID. */
  verifiedNode(pod: PodLayout): string | undefined;
  /** Reports whether several nodes report a pod that the API does not place. */
  isConflict(pod: PodIdentity): boolean;
  /** Reports whether the UID has the container and is placed on the node by the API. */
  hasContainer(node: string, pod: PodLayout, containerId: string): boolean;
}

/**
 * Milliseconds that a container may start before its pod's creation. Covers clock differences, and whole seconds in
 * the Date header.
 */
export const startMarginMs = 30_000;

/**
 * Milliseconds after a pod's creation in which a kubelet may still report the earlier pod of its name. Later, an older
 * start time is of a clock that was behind then.
 */
export const youngPodMs = 600_000;

/** A pod with the API's UID, or why it is not stored. */
type PodDecision = { readonly pod: PodLayout; readonly isVerified: boolean } | 'foreign' | 'earlier';

/** Accepts the known one's UID, or none. */
export function isOf({ uid }: PodLayout, known: KnownPod | undefined): known is KnownPod {
  return known !== undefined && (uid === undefined || uid === known.uid || uid === known.configHash);
}

/** Returns where the API places the pod, or has placed it. */
export function nodeOf(pod: PodLayout, known: KnownPod | undefined, bindings: Bindings): string | undefined {
  return (isOf(pod, known) ? known.node : undefined) ?? bindings.verifiedNode(pod);
}

/**
 * @param node by nodeOf.
 * @param clockAheadMs see Admission.
 */
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
 * Reports whether a container is older than its young pod, known by name alone. Static pods' are: the mirror pod comes
 * later. A stored one stays, since a corrected clock shifts start times.
 */
function isOfEarlierPod(
  pod: PodLayout,
  known: KnownPod,
  batch: NodeBatch,
  clockAheadMs: number,
  bindings: Bindings,
): boolean {
  if (known.configHash !== undefined || known.createdSeconds === undefined) return false;
  // By the node's clock.
  const createdMs = known.createdSeconds * 1000 + clockAheadMs;
  return pod.containers.some(({ containerId }, index) => {
    const at = (pod.firstRow + index) * columns;
    return (
      batch.numbers[at + column.startTimeMs]! < createdMs - startMarginMs &&
      batch.numbers[at + column.timestampMs]! < createdMs + youngPodMs &&
      !bindings.hasContainer(batch.node, pod, containerId)
    );
  });
}
