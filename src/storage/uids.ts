/**
 * Gives the pods of a source that tells no UIDs those that the API knows under their names; pure. Then a pod is the same whichever endpoint tells
 * of it, and one that is made anew under its name is another.
 */
import type { NodeBatch } from '../point.ts';

/** The UID of the pod that runs under a name, or what kubelets call a static pod instead; undefined where none runs. */
export type UidOf = (namespace: string, name: string) => string | undefined;

export function withUids(batch: NodeBatch, uidOf: UidOf): NodeBatch {
  if (batch.pods.every(({ uid }) => uid !== undefined)) return batch;
  const pods = batch.pods.map((pod) => ({ ...pod, uid: pod.uid ?? uidOf(pod.namespace, pod.name) }));
  return { ...batch, pods };
}
