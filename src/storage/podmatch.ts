/** Matches a pod of the API with the stored pods of its name; pure. */
import type { PodIdentity } from './podindex.ts';
import type { StoredPod } from './storednode.ts';

export interface PodMatch {
  /** Stored pods that may be served for the pod, all of one node. */
  readonly pods: readonly StoredPod[];
  /** Whether several nodes report the pod and the API does not name its node. */
  readonly isConflict: boolean;
}

/**
 * Returns the stored pods that may be served for the pod: those of the node that the API names, or has named before, otherwise of the only node that reports it.
 */
export function matchPods(stored: readonly StoredPod[], identity: PodIdentity): PodMatch {
  if (identity.node !== undefined) {
    return {
      pods: stored.filter((pod) => pod.node.name === identity.node && isExact(pod, identity)),
      isConflict: false,
    };
  }
  const exact = stored.filter((pod) => isExact(pod, identity));
  const named = stored.filter((pod) => pod.layout.uid === undefined);
  const candidates = [...exact, ...named];
  if (areOfOneNode(candidates)) return { pods: candidates, isConflict: false };
  const verified = exact.filter((pod) => pod.isVerified);
  return { pods: areOfOneNode(verified) ? verified : [], isConflict: true };
}

/** Returns the node on which the API has placed the pod of the UID; undefined if no stored pod has it. */
export function verifiedNodeOf(stored: readonly StoredPod[], uid: string | undefined): string | undefined {
  if (uid === undefined) return undefined;
  return stored.find(({ isVerified, layout }) => isVerified && layout.uid === uid)?.node.name;
}

/** Reports whether the container belongs to the pod of the UID, which the API has placed on the node. */
export function isVerifiedContainer(
  stored: readonly StoredPod[],
  node: string,
  uid: string | undefined,
  containerId: string,
): boolean {
  return stored.some(
    (pod) =>
      pod.isVerified &&
      pod.node.name === node &&
      pod.layout.uid === uid &&
      pod.layout.containers.some((each) => each.containerId === containerId),
  );
}

/** Kubelets identify a static pod by its config hash, the API by its mirror pod's UID; either counts. */
function isExact({ layout }: StoredPod, { uid, configHash }: PodIdentity): boolean {
  return layout.uid !== undefined && (layout.uid === uid || layout.uid === configHash);
}

function areOfOneNode(pods: readonly StoredPod[]): boolean {
  return pods.every(({ node }) => node === pods[0]?.node);
}
