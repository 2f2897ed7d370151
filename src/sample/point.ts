/** The domain: what one scrape of one kubelet says, and what is served of it. */

/** One cgroup as the kubelet sampled it. */
export interface Point {
  /** When the kubelet took the sample: node clock, milliseconds since the epoch. */
  readonly timestampMs: number;
  /**
   * Set where the sample said that it was of the future, as after a step back of the node's clock: what it said, while its time is that of the answer
   * instead. Samples are distinguished, and intervals measured, by this.
   */
  readonly toldMs?: number;
  /** Set where the sample had no time: it is that of the answer, in steps of our own clock, and cannot be compared with the time of one that had. */
  readonly isUntimed?: true;
  /** CPU time used since the cgroup was made, in core-seconds; never negative, always finite. */
  readonly cpuSeconds: number;
  /** Working set in bytes; never negative, always finite, or NaN: the cgroup is there, and this sample of it has no value that can be true. */
  readonly memoryBytes: number;
  /** Swap in bytes; undefined where the kubelet does not say. */
  readonly swapBytes: number | undefined;
}

/** One container of a pod, exactly one per name and pod UID in a batch. */
export interface ContainerPoint extends Point {
  /** The name in the pod's spec. */
  readonly name: string;
  /** Changes where the container was started anew or is told of from another cgroup; only ever compared for equality. */
  readonly containerId: string;
  /** When the container started, as far as the kubelet knows; milliseconds since the epoch. Never used to tell a restart. */
  readonly startTimeMs: number | undefined;
}

/** Before the start time that stands for the ID of a container whose source reports no cgroup. */
export const startIdPrefix = 'start:';

/** The ID of a container of which the source reports neither a cgroup nor a start time; its restarts show by a falling counter only. */
export const unknownContainerId = `${startIdPrefix}unknown`;

/** Reports whether two IDs may be of one container: a start time that is away for one sample is no restart. */
export function mayBeSameContainer(a: string, b: string): boolean {
  if (a === b) return true;
  return (
    (a === unknownContainerId || b === unknownContainerId) && a.startsWith(startIdPrefix) && b.startsWith(startIdPrefix)
  );
}

/** The containers of one pod on one node. */
export interface PodBatch {
  readonly namespace: string;
  readonly name: string;
  /** Pod UID with dashes, or a static pod's config hash (32 hex digits); undefined where the source does not tell it. */
  readonly uid: string | undefined;
  readonly containers: readonly ContainerPoint[];
}

/** Which kubelet endpoint the numbers are from. */
export type Source = 'cadvisor' | 'resource';

/** Reports whether two UIDs are of different nodes, by what is known: a UID that is unknown may be either's. */
export function isOtherNode(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** Everything that one scrape of one node yielded. */
export interface NodePoints {
  readonly node: string;
  readonly source: Source;
  /** Absent where the kubelet has no usable row for the machine itself. */
  readonly machine: Point | undefined;
  /** Whether the node has swap; undefined where this scrape cannot tell. */
  readonly hasSwap: boolean | undefined;
  readonly pods: readonly PodBatch[];
}

/** What a rate between two points is; all exact, nothing rounded but towards zero as metrics-server does. */
export interface Usage {
  /** Time of the later sample: node clock, milliseconds since the epoch. */
  readonly timestampMs: number;
  /** Distance of the two samples in milliseconds, above zero. */
  readonly windowMs: number;
  /** CPU in billionths of a core, a whole number. */
  readonly cpuNanocores: number;
  /** Working set in bytes, a whole number. */
  readonly memoryBytes: number;
  /** Swap in bytes, a whole number; undefined where the node has no swap or the kubelet does not say. */
  readonly swapBytes: number | undefined;
}

/** Usage of every container of one pod; its time is that of the container with the oldest sample. */
export interface PodUsage {
  readonly timestampMs: number;
  readonly windowMs: number;
  /** At least one, sorted by name. */
  readonly containers: readonly (Usage & { readonly name: string })[];
}

/** Why there is nothing to serve for an object that exists. */
export type Missing = 'never-scraped' | 'one-sample' | 'restarted' | 'stale' | 'other-uid' | 'conflict';

/** A value or the reason why there is none: expected outcomes are values, not exceptions. */
export type Answer<T> =
  | { readonly kind: 'ready'; readonly value: T }
  | {
      readonly kind: 'missing';
      readonly reason: Missing;
      /** The node that told of the object, where one did. */
      readonly node?: string;
    };

/** Bytes, or CPU seconds: more than any machine has or uses. 2^60 is an exbibyte, or 36 billion years of CPU; kubelets have sent 2^64. */
export const valueLimit = 2 ** 60;
/** The end of the year 9999, in milliseconds since the epoch: RFC 3339 writes no later time, so none is stored or written to a snapshot. */
export const latestMs = 253_402_300_799_999;

/** Characters of an ID or of a path that is one. */
export const idLimit = 1024;
/** Characters of a name: Kubernetes allows 253. */
export const nameLimit = 253;

const control = /\p{Cc}/u;

/** Reports whether a kubelet's text can be the ID of a container or a pod: it is short and has no control character. */
export function canBeId(text: string): boolean {
  return text.length <= idLimit && !control.test(text);
}

/** Reports whether a kubelet's text can be the name of a namespace, a pod or a container; other names are neither stored nor written to a snapshot. */
export function canBeName(text: string): boolean {
  return text.length <= nameLimit && !text.includes('/') && !control.test(text);
}
