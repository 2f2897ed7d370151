/** Decides which of the stored pods of one name is the pod that the API means; pure. */
import type { PodIdentity } from './podindex.ts';
import type { StoredPod } from './storednode.ts';

export interface Claims {
  /** Those of the pod, all of one node. */
  readonly pods: readonly StoredPod[];
  /** Whether several nodes report the pod and the API does not say which one it is on. */
  readonly isDisputed: boolean;
}

/**
 * Returns the stored pods that may be served for the pod. Where the API names its node, they are that node's and have its UID: what any other node
 * reports, or reports without a UID, does not count, whichever came first. Where the API names none, a node that it named before counts alone, and
 * otherwise the only node that reports the pod.
 */
export function claimsOf(stored: readonly StoredPod[], identity: PodIdentity): Claims {
  if (identity.node !== undefined) {
    return {
      pods: stored.filter((pod) => pod.node.name === identity.node && isExact(pod, identity)),
      isDisputed: false,
    };
  }
  const exact = stored.filter((pod) => isExact(pod, identity));
  const named = stored.filter((pod) => pod.layout.uid === undefined);
  const claiming = [...exact, ...named];
  if (areOfOneNode(claiming)) return { pods: claiming, isDisputed: false };
  const verified = exact.filter((pod) => pod.isVerified);
  return { pods: areOfOneNode(verified) ? verified : [], isDisputed: true };
}

/** Returns the node on which the API has placed the pod of the UID; undefined where no stored pod says so. */
export function verifiedNodeOf(stored: readonly StoredPod[], uid: string | undefined): string | undefined {
  if (uid === undefined) return undefined;
  return stored.find(({ isVerified, layout }) => isVerified && layout.uid === uid)?.node.name;
}

/** Reports whether the container is one of the pod of the UID, which the API has placed on the node. */
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

/** A static pod is known to kubelets by its config hash and to the API by its mirror pod's UID: either counts. */
function isExact({ layout }: StoredPod, { uid, configHash }: PodIdentity): boolean {
  return layout.uid !== undefined && (layout.uid === uid || layout.uid === configHash);
}

function areOfOneNode(pods: readonly StoredPod[]): boolean {
  return pods.every(({ node }) => node === pods[0]?.node);
}
