/**
 * What people see of a cluster: objects for the screens of `kubegauge top` and the pages of `kubegauge ui`. CPU is in cores, memory in bytes,
 * times in milliseconds since the epoch. An undefined field is not known, or the server does not say it.
 */

/** Of one resource; `requested` and `limit` are undefined where no container has one, `limit` also where one has none. */
export interface ResourceView {
  readonly used?: number;
  readonly requested?: number;
  /** Usage of the containers whose requests `requested` adds up, where there are others, also ephemeral ones. The share of the request is of this, otherwise of `used`. */
  readonly usedWithRequest?: number;
  /** Set for a pod if `used` lacks containers that have no usage: it is no share of `requested` and `limit`, which are of all. */
  readonly isPartial?: true;
  readonly limit?: number;
  /** Of nodes and the cluster only. */
  readonly allocatable?: number;
  /** Allocatable of the cluster's nodes with usage, where others have none: the share that is used is of this, otherwise of `allocatable`. */
  readonly allocatableWithUsage?: number;
}

/** A member that is a number. */
export type AmountName = Exclude<keyof ResourceView, 'isPartial'>;

/** When and how a usage was measured, or why there is none. */
export interface Measurement {
  readonly timestampMs?: number;
  readonly windowSeconds?: number;
  /** cadvisor, resource, prometheus: only where the server says it. Of a pod, that of its node; both as of the last minutes. */
  readonly source?: string;
  /** Why there is no number, as one sentence; of a pod with usage, why a container has none. */
  readonly reason?: string;
}

export interface NodeView extends Measurement {
  readonly name: string;
  readonly uid?: string;
  /** Undefined where Nodes cannot be read. */
  readonly ready?: boolean;
  /** `requested` and `limit` are sums of the node's pods. */
  readonly cpu: ResourceView;
  readonly memory: ResourceView;
  readonly swapBytes?: number;
  /** Pods that have not ended. */
  readonly pods?: number;
  readonly podCapacity?: number;
}

export interface ContainerView {
  readonly name: string;
  readonly kind: 'container' | 'init' | 'ephemeral';
  readonly cpu: ResourceView;
  readonly memory: ResourceView;
  readonly restarts: number;
  /** running, waiting, terminated. */
  readonly state?: string;
  /** Why it does not run, such as CrashLoopBackOff, or why it has no usage, though its pod has. */
  readonly reason?: string;
}

export interface PodView extends Measurement {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
  /** By kube-apiserver's clock. */
  readonly createdMs?: number;
  readonly node?: string;
  /** The controller: of a ReplicaSet of a Deployment, the Deployment. */
  readonly workload?: { readonly kind: string; readonly name: string };
  readonly phase: string;
  /** As STATUS of `kubectl get pods`: the phase, or why it does not run, such as CrashLoopBackOff. */
  readonly status: string;
  /** As RESTARTS of `kubectl get pods`: init containers that have ended do not count. */
  readonly restarts: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly cpu: ResourceView;
  readonly memory: ResourceView;
  readonly containers: readonly ContainerView[];
}

export interface AutoscalerMetricView {
  /** Such as `cpu`, `cpu of container app`, `http_requests`; the second metric of one name is `http_requests (2)`. */
  readonly name: string;
  /** As autoscalers show it: `45%` of requests, `250m`. */
  readonly current?: string;
  readonly target: string;
  /** current / target. */
  readonly ratio?: number;
}

export interface AutoscalerView {
  readonly namespace: string;
  readonly name: string;
  readonly target: { readonly kind: string; readonly name: string };
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly replicas?: number;
  readonly desiredReplicas?: number;
  readonly metrics: readonly AutoscalerMetricView[];
  /** Why it does not scale, as one sentence. */
  readonly reason?: string;
  readonly lastScaleMs?: number;
}

export interface ClusterSummaryView {
  /** kubegauge, metrics-server, unknown. */
  readonly server: string;
  readonly nodes: number;
  /** Undefined where Nodes cannot be read. */
  readonly readyNodes?: number;
  readonly cpu: ResourceView;
  readonly memory: ResourceView;
  /** Of the oldest usage of a node. Its age goes on until the next read. */
  readonly timestampMs?: number;
  /** Sentences: what could not be read, with the missing right, and nodes without usage. */
  readonly degraded: readonly string[];
  /** Reports whether `nodeHistory` and `containerHistory` have points; undefined if that is not known. */
  readonly keepsHistory?: boolean;
}

/** Mean CPU over the window that ends at `timestampMs`, and memory then. */
export interface PointView {
  readonly timestampMs: number;
  readonly windowSeconds: number;
  readonly cpu?: number;
  readonly memory?: number;
}

export interface ViewPage<T> {
  readonly items: readonly T[];
  /** Of the next page; undefined on the last. */
  readonly continue?: string;
}

export interface PodQuery {
  readonly namespace?: string;
  /** Only pods of this node. */
  readonly node?: string;
  /** As kubectl writes it: `app=web,tier!=cache`. */
  readonly labelSelector?: string;
  /** Pods a page; 250 by default, 500 at most. */
  readonly limit?: number;
  /** From the previous page. */
  readonly continue?: string;
}

export interface HistoryQuery {
  /** How far back, 3,600 at most. */
  readonly sinceSeconds: number;
  /** Thins out to one point in so many seconds. */
  readonly stepSeconds?: number;
}

export interface BusiestQuery {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly resource: 'cpu' | 'memory';
  /** Pods at most. */
  readonly limit: number;
}

/** Reads of one cluster, as they are asked for. @throws ViewError: what could not be read, and the missing right. */
export interface ClusterView {
  summary(): Promise<ClusterSummaryView>;
  nodes(): Promise<readonly NodeView[]>;
  pods(query: PodQuery): Promise<ViewPage<PodView>>;
  /** Returns the pods with the most usage, most first: reads all usages, and only these pods. */
  busiestPods(query: BusiestQuery): Promise<readonly PodView[]>;
  /** Returns undefined if there is no such pod. */
  pod(namespace: string, name: string): Promise<PodView | undefined>;
  autoscalers(namespace?: string): Promise<readonly AutoscalerView[]>;
  /** Returns points oldest first, by node name. Empty where the server keeps no history. */
  nodeHistory(query: HistoryQuery & { readonly name?: string }): Promise<ReadonlyMap<string, readonly PointView[]>>;
  /** Returns points oldest first, by `namespace/pod/container`. Empty where the server keeps no history. */
  containerHistory(
    query: HistoryQuery & { readonly namespace: string; readonly name?: string; readonly labelSelector?: string },
  ): Promise<ReadonlyMap<string, readonly PointView[]>>;
  /** kube-apiserver's time, in milliseconds since the epoch; exact to a second or two. Ages are by it: the user's clock may be wrong. */
  nowMs(): number;
}
