/**
 * Gives the pods of a source that tells no UIDs those that the API knows under their names; pure. Then a pod is the same whichever endpoint tells
 * of it, and one that is made anew under its name is another.
 */
import type { Layout, NodeBatch } from '../batch.ts';

/** The UID of the pod that runs under a name, or what kubelets call a static pod instead; undefined where none runs. */
export type UidOf = (namespace: string, name: string) => string | undefined;

export function withUids(batch: NodeBatch, uidOf: UidOf): NodeBatch {
  const { layout } = batch;
  if (layout.pods.every(({ uid }) => uid !== undefined)) return batch;
  const before = known.get(layout);
  if (
    before?.pods.every(({ namespace, name, uid }, index) => uid === (layout.pods[index]?.uid ?? uidOf(namespace, name)))
  ) {
    return { ...batch, layout: before };
  }
  const pods = layout.pods.map((pod) => ({ ...pod, uid: pod.uid ?? uidOf(pod.namespace, pod.name) }));
  const named = { pods };
  known.set(layout, named);
  return { ...batch, layout: named };
}

/** So that a layout stays the same object as long as nothing comes or goes. */
const known = new WeakMap<Layout, Layout>();
