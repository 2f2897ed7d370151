/** Finds stored pods by namespace and name. */
import type { StoredPod } from './storednode.ts';

/** What the API knows of a pod that tells which stored one it is. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Annotation kubernetes.io/config.hash: the cgroups of a static pod carry it instead of the UID. */
  readonly configHash: string | undefined;
  /** Its spec.nodeName; undefined where the API does not name it. */
  readonly node: string | undefined;
}

export interface PodIndex {
  add(pod: StoredPod): void;
  remove(pod: StoredPod): void;
  /** The only pod of a name; undefined where there are several or none. Nearly always there is one. */
  only(namespace: string, name: string): StoredPod | undefined;
  /** All pods of a name: several where one was made anew under it, or two nodes report it. */
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
    // A kubelet may report many pods of one name: a list would be copied for each.
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
