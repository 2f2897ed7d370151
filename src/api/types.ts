/** The objects of metrics.k8s.io as numbers; encoding adds text, kind and version. */
import type { Labels } from '../apimachinery/labels.ts';
import type { ListMeta } from '../apimachinery/meta.ts';

export const group = 'metrics.k8s.io';

/** The preferred one first; their objects have the same fields. */
export const versions = ['v1', 'v1beta1'] as const;

export type Version = (typeof versions)[number];

export interface MetricsItem {
  readonly name: string;
  /** Absent for cluster-scoped objects. */
  readonly namespace?: string;
  readonly labels: Labels;
  /** Not of the object itself, but of this answer; absent if there are none. */
  readonly annotations?: Labels;
  /** Time of the request, since the epoch. */
  readonly creationTimestampMs: number;
  /** Time of the later of the two samples: node clock, since the epoch. */
  readonly timestampMs: number;
  readonly windowMs: number;
}

export interface MetricsList<T extends MetricsItem = MetricsItem> {
  /** Sorted by namespace, then name. */
  readonly slices: Slices<T>;
  /** A page's; absent for a whole list. */
  readonly metadata?: ListMeta;
}

/**
 * The items of a long list. A slice is made when taken, in a fraction of a millisecond. It may be empty, so that a
 * search without results has short steps, too.
 */
export type Slices<T> = Iterable<readonly T[]>;

export type MetricsObject<T extends MetricsItem = MetricsItem> = T | MetricsList<T>;

export function isList<T extends MetricsItem>(object: MetricsObject<T>): object is MetricsList<T> {
  return 'slices' in object;
}
