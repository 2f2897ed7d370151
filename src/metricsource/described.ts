/** The objects that custom metrics describe. The interfaces are implemented over kube-apiserver's discovery and informers. */
import type { LabelSelector } from '../apimachinery/labels.ts';
import type { GroupResource } from '../apimachinery/status.ts';

/** A resource of the cluster, by its plural. The core group is the empty string. */
export interface DescribedResource extends GroupResource {
  /** The preferred one in discovery. */
  readonly version: string;
  readonly kind: string;
  readonly singular: string;
  readonly namespaced: boolean;
}

/** Finds resources by name. */
export interface Mapper {
  /**
   * Returns the resource of a plural or singular name, with or without its group: pods, pod, deployments.apps. Short
   * names and names with a version are unknown, as in prometheus-adapter; see `createResourceIndex`.
   */
  resourceFor(name: string): DescribedResource | undefined;
}

/** Finds the names of objects. */
export interface DescribedObjects {
  /**
   * Returns the sorted names of the objects that the selector matches.
   * @param namespace empty for cluster-scoped resources.
   * @throws StatusError if the objects cannot be listed.
   */
  names(
    resource: DescribedResource,
    namespace: string,
    selector: LabelSelector,
    signal: AbortSignal,
  ): Promise<readonly string[]>;
}
