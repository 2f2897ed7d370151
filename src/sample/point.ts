/** The domain: what a scrape yields, and what is served of it. */
import type { Gauges } from './quantities.ts';

/** One sample of one cgroup. A gauge that is unknown is missing. */
export interface Point extends Gauges {
  /** Node clock, milliseconds since the epoch. */
  readonly timestampMs: number;
  /**
   * The sample's own time if in the future, as after a step back of the node's clock; `timestampMs` is then the
   * response's. It identifies the sample and measures intervals.
   */
  readonly rawTimestampMs?: number;
  /** Without a time, `timestampMs` is by our own clock, not comparable with the kubelet's. */
  readonly isUntimed?: true;
  /** In core-seconds since the cgroup was made; never negative, always finite. */
  readonly cpuSeconds: number;
  /** Working set; never negative, always finite; NaN if no value is plausible. */
  readonly memoryBytes: number;
}

/** One per name and pod UID in a batch. */
export interface ContainerPoint extends Point {
  readonly name: string;
  /** Changes with a restart or another cgroup; only compared, see mayBeSameContainer. */
  readonly containerId: string;
  /** Milliseconds since the epoch, as far as the kubelet knows. Does not decide restarts. */
  readonly startTimeMs: number | undefined;
}

/** The containers of one pod on one node. */
export interface PodBatch {
  readonly namespace: string;
  readonly name: string;
  /** With dashes, or a static pod's config hash (32 hex digits). */
  readonly uid: string | undefined;
  readonly containers: readonly ContainerPoint[];
}

/** /metrics/cadvisor or /metrics/resource. */
export type Source = 'cadvisor' | 'resource';

/** Reports whether two UIDs are known to differ. */
export function isOtherNode(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** All samples of one scrape of one node. */
export interface NodePoints {
  readonly node: string;
  readonly source: Source;
  /** Undefined without a usable sample. */
  readonly machine: Point | undefined;
  /** Undefined if unknown. */
  readonly hasSwap: boolean | undefined;
  readonly pods: readonly PodBatch[];
}

/** Between two samples, truncated as in metrics-server; lacks gauges unknown or not served. */
export interface Usage extends Gauges {
  /** The later sample's: node clock, milliseconds since the epoch. */
  readonly timestampMs: number;
  /** Between the samples, above zero. */
  readonly windowMs: number;
  /** Whole billionths of a core. */
  readonly cpuNanocores: number;
  /** The working set, whole. */
  readonly memoryBytes: number;
}

/** Its time is of the container with the oldest sample. */
export interface PodUsage {
  readonly timestampMs: number;
  readonly windowMs: number;
  /** At least one, sorted by name. */
  readonly containers: readonly (Usage & { readonly name: string })[];
}

/** Why there is no usage of an object that exists. */
export type Missing = 'never-scraped' | 'one-sample' | 'restarted' | 'stale' | 'other-uid' | 'conflict';

/** Expected outcomes are values, not exceptions. */
export type UsageOrReason<T> =
  | { readonly kind: 'ready'; readonly value: T }
  | {
      readonly kind: 'missing';
      readonly reason: Missing;
      readonly node?: string;
    };

/** Bytes or CPU seconds. 2^60 is an exbibyte, or 36 billion years of CPU; kubelets have sent 2^64. */
export const valueLimit = 2 ** 60;
/** The end of 9999, in milliseconds since the epoch: RFC 3339 ends there. */
export const latestMs = 253_402_300_799_999;

/** Characters of an ID or path. */
export const idLimit = 1024;
/** Kubernetes' limit in characters. */
export const nameLimit = 253;

const control = /\p{Cc}/u;

/** Reports whether a kubelet's text can be a container ID or UID. */
export function canBeId(text: string): boolean {
  return text.length <= idLimit && !control.test(text);
}

/** Reports whether a kubelet's text can be a name. */
export function canBeName(text: string): boolean {
  return text.length <= nameLimit && !text.includes('/') && !control.test(text);
}
