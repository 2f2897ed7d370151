/** Finds stored pods by namespace and name. */
import type { StoredPod } from './storednode.ts';

/** Identifies a pod of the API among the stored ones. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Annotation kubernetes.io/config.hash: kubelets' UID of a static pod. */
  readonly configHash: string | undefined;
  /** spec.nodeName; undefined without one. */
  readonly node: string | undefined;
}

export interface PodIndex {
  add(pod: StoredPod): void;
  remove(pod: StoredPod): void;
  /** Nearly always there is one; undefined for none or several. */
  only(namespace: string, name: string): StoredPod | undefined;
  /** Several if it was created again, or two nodes report it. */
  named(namespace: string, name: string): readonly StoredPod[];
}

const none: readonly StoredPod[] = [];

export function createPodIndex(): PodIndex {
  const namespaces = new Map<string, Map<string, StoredPod | Set<StoredPod>>>();
  return { add, remove, only, named };

  function add(pod: StoredPod): void {
    const { namespace, name } = pod.layout;
    let pods = namespaces.get(namespace);
    if (pods === undefined) {
      pods = new Map();
      namespaces.set(namespace, pods);
    }
    const same = pods.get(name);
    if (same === undefined) pods.set(name, pod);
    // A kubelet may report many pods of one name: copies would be quadratic.
    else if (same instanceof Set) same.add(pod);
    else pods.set(name, new Set([same, pod]));
  }

  function remove(pod: StoredPod): void {
    const { namespace, name } = pod.layout;
    const pods = namespaces.get(namespace);
    const same = pods?.get(name);
    if (pods === undefined || same === undefined) return;
    if (same instanceof Set) {
      same.delete(pod);
      const [last] = same;
      if (same.size === 1 && last !== undefined) pods.set(name, last);
    } else if (same === pod) pods.delete(name);
    if (pods.size === 0) namespaces.delete(namespace);
  }

  function only(namespace: string, name: string): StoredPod | undefined {
    const found = namespaces.get(namespace)?.get(name);
    return found instanceof Set ? undefined : found;
  }

  function named(namespace: string, name: string): readonly StoredPod[] {
    const found = namespaces.get(namespace)?.get(name);
    if (found === undefined) return none;
    return found instanceof Set ? [...found] : [found];
  }
}
