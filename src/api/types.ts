/** The objects of metrics.k8s.io as numbers; encoding adds text, kind and version. */
import type { Labels } from '../apimachinery/labels.ts';

export const group = 'metrics.k8s.io';

/** The served versions, the preferred one first; their objects have the same fields. */
export const versions = ['v1', 'v1beta1'] as const;

export type Version = (typeof versions)[number];

export interface MetricsItem {
  readonly name: string;
  /** Absent for objects of the cluster. */
  readonly namespace?: string;
  /** Labels of the measured object, such as the node or the pod, at the time of the request. */
  readonly labels: Labels;
  /** Time of the request, in milliseconds since the epoch. */
  readonly creationTimestampMs: number;
  /** Time of the later of the two samples: node clock, milliseconds since the epoch. */
  readonly timestampMs: number;
  /** Interval between the two samples, in milliseconds. */
  readonly windowMs: number;
}

export interface MetricsList<T extends MetricsItem = MetricsItem> {
  /** Sorted by namespace, then name. */
  readonly slices: Slices<T>;
}

/**
 * The items of a long list. Each slice is made when it is taken, from the state at that moment, in a fraction of a millisecond. A slice may be empty,
 * so that a search without results takes no longer per slice.
 */
export type Slices<T> = Iterable<readonly T[]>;

export type MetricsObject<T extends MetricsItem = MetricsItem> = T | MetricsList<T>;

export function isList<T extends MetricsItem>(object: MetricsObject<T>): object is MetricsList<T> {
  return 'slices' in object;
}
