/** Matches a pod of the API with the stored ones; pure. */
import type { PodIdentity } from './podindex.ts';
import type { StoredPod } from './storednode.ts';

export interface PodMatch {
  readonly pods: readonly StoredPod[];
  /** Several nodes report the pod, and the API names none. */
  readonly isConflict: boolean;
}

/** Returns the pods of the node that the API names or has named, otherwise of the only node that reports them. */
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

/** Returns where the API has placed the UID of a stored pod. */
export function verifiedNodeOf(stored: readonly StoredPod[], uid: string | undefined): string | undefined {
  if (uid === undefined) return undefined;
  return stored.find(({ isVerified, layout }) => isVerified && layout.uid === uid)?.node.name;
}

/** Reports whether the UID has the container and is placed on the node by the API. */
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

function isExact({ layout }: StoredPod, { uid, configHash }: PodIdentity): boolean {
  return layout.uid !== undefined && (layout.uid === uid || layout.uid === configHash);
}

function areOfOneNode(pods: readonly StoredPod[]): boolean {
  return pods.every(({ node }) => node === pods[0]?.node);
}
