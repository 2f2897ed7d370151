/** The domain: what one scrape of one kubelet yields, and what is served of it. */
import type { Gauges } from './quantities.ts';

/** One sample of one cgroup. A gauge that is unknown is missing. */
export interface Point extends Gauges {
  /** When the kubelet took the sample: node clock, milliseconds since the epoch. */
  readonly timestampMs: number;
  /**
   * The sample's own time, if it was in the future, as after a step back of the node's clock; then `timestampMs` is the response's. It identifies the sample, and
   * intervals are measured by it.
   */
  readonly rawTimestampMs?: number;
  /** Set if the sample had no time: `timestampMs` is the response's by our own clock, which is not comparable with the kubelet's. */
  readonly isUntimed?: true;
  /** CPU time since the cgroup was made, in core-seconds; never negative, always finite. */
  readonly cpuSeconds: number;
  /** Working set in bytes; never negative, always finite; or NaN: the cgroup is there without a value that can be true. */
  readonly memoryBytes: number;
}

/** One container of a pod; exactly one per name and pod UID in a batch. */
export interface ContainerPoint extends Point {
  /** The name in the pod's spec. */
  readonly name: string;
  /** Changes when the container restarts or is reported from another cgroup; only ever compared, see mayBeSameContainer. */
  readonly containerId: string;
  /** When the container started, as far as the kubelet knows; milliseconds since the epoch. Does not decide what is a restart. */
  readonly startTimeMs: number | undefined;
}

/** The containers of one pod on one node. */
export interface PodBatch {
  readonly namespace: string;
  readonly name: string;
  /** Pod UID with dashes, or a static pod's config hash (32 hex digits); undefined if the source has none. */
  readonly uid: string | undefined;
  readonly containers: readonly ContainerPoint[];
}

/** The kubelet endpoint that was scraped: /metrics/cadvisor or /metrics/resource. */
export type Source = 'cadvisor' | 'resource';

/** Reports whether two UIDs are known to be of different nodes. */
export function isOtherNode(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** All samples of one scrape of one node. */
export interface NodePoints {
  readonly node: string;
  readonly source: Source;
  /** Undefined if the kubelet has no usable sample of the machine. */
  readonly machine: Point | undefined;
  /** Whether the node has swap; undefined if unknown. */
  readonly hasSwap: boolean | undefined;
  readonly pods: readonly PodBatch[];
}

/** The usage between two samples, truncated as in metrics-server. A gauge that is unknown or not served is missing. */
export interface Usage extends Gauges {
  /** Time of the later sample: node clock, milliseconds since the epoch. */
  readonly timestampMs: number;
  /** Interval between the two samples in milliseconds, above zero. */
  readonly windowMs: number;
  /** CPU in billionths of a core, a whole number. */
  readonly cpuNanocores: number;
  /** Working set in bytes, a whole number. */
  readonly memoryBytes: number;
}

/** Usage of every container of one pod; its time is that of the container with the oldest sample. */
export interface PodUsage {
  readonly timestampMs: number;
  readonly windowMs: number;
  /** At least one, sorted by name. */
  readonly containers: readonly (Usage & { readonly name: string })[];
}

/** Why there is no usage of an object that exists. */
export type Missing = 'never-scraped' | 'one-sample' | 'restarted' | 'stale' | 'other-uid' | 'conflict';

/** A usage, or why there is none: expected outcomes are values, not exceptions. */
export type UsageOrReason<T> =
  | { readonly kind: 'ready'; readonly value: T }
  | {
      readonly kind: 'missing';
      readonly reason: Missing;
      /** The node that reported the object, if any did. */
      readonly node?: string;
    };

/** Bytes, or CPU seconds: more than any machine has or uses. 2^60 is an exbibyte, or 36 billion years of CPU; kubelets have sent 2^64. */
export const valueLimit = 2 ** 60;
/** The end of the year 9999, in milliseconds since the epoch: RFC 3339 has no later time. */
export const latestMs = 253_402_300_799_999;

/** Characters of an ID, or of a path that is one. */
export const idLimit = 1024;
/** Characters of a name: Kubernetes allows 253. */
export const nameLimit = 253;

const control = /\p{Cc}/u;

/** Reports whether a kubelet's text can be the ID of a container or a pod: it is short and has no control character. */
export function canBeId(text: string): boolean {
  return text.length <= idLimit && !control.test(text);
}

/** Reports whether a kubelet's text can be the name of a namespace, a pod or a container. */
export function canBeName(text: string): boolean {
  return text.length <= nameLimit && !text.includes('/') && !control.test(text);
}
