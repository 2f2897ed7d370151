/** Target of the matrix: a cluster with a metrics server in it, and its known objects. */

export interface Target {
  /** The administrator's, with its certificates in it. */
  readonly kubeconfig: string;
  /** kube-apiserver, without a slash at the end, and the administrator's files. */
  readonly apiServer: { readonly url: string; readonly ca: string; readonly cert: string; readonly key: string };
  /** Prefix of a command, so that it runs where the cluster can be reached. */
  readonly enter: readonly string[];
  /** The versions of metrics.k8s.io that are served, the preferred one first. */
  readonly versions: readonly string[];
  readonly node: string;
  readonly pod: {
    readonly namespace: string;
    readonly name: string;
    /** Finds this pod and no other of the namespace. */
    readonly selector: string;
    /** More than one, in alphabetical order. */
    readonly containers: readonly string[];
  };
  /** Clients write their caches below it. It goes away with the target. */
  readonly folder: string;
}
