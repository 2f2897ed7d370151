/** The objects of metrics.k8s.io, as numbers: text and version come in when they are encoded. */
import type { Labels } from '../apimachinery/labels.ts';

export const group = 'metrics.k8s.io';

/** What we serve, the preferred one first; their objects have the same fields. */
export const versions = ['v1', 'v1beta1'] as const;

export type Version = (typeof versions)[number];

/** What can be asked for: discovery, OpenAPI and its paths are made from this table. */
export const resources = [
  { name: 'nodes', kind: 'NodeMetrics', namespaced: false },
  { name: 'pods', kind: 'PodMetrics', namespaced: true },
] as const;

/** What every object of metrics.k8s.io has. */
interface Metrics {
  readonly name: string;
  /** Those of the node or pod at this moment. */
  readonly labels: Labels;
  /** When the object was made, which is when it was asked for; milliseconds since the epoch. */
  readonly creationTimestampMs: number;
  /** When the later of the two samples was taken: node clock, milliseconds since the epoch. */
  readonly timestampMs: number;
  /** Distance of the two samples in milliseconds. */
  readonly windowMs: number;
}

export interface ResourceUsage {
  /** Billionths of a core, a whole number. */
  readonly cpuNanocores: number;
  /** Working set, a whole number. */
  readonly memoryBytes: number;
  /** Swap, a whole number; absent where the node has none, as from metrics-server. */
  readonly swapBytes?: number | undefined;
}

export interface ContainerMetrics extends ResourceUsage {
  readonly name: string;
}

export interface NodeMetrics extends Metrics {
  readonly kind: 'NodeMetrics';
  readonly usage: ResourceUsage;
}

export interface PodMetrics extends Metrics {
  readonly kind: 'PodMetrics';
  readonly namespace: string;
  /** Sorted by name. */
  readonly containers: readonly ContainerMetrics[];
}

export interface NodeMetricsList {
  readonly kind: 'NodeMetricsList';
  /** Sorted by name. */
  readonly slices: Slices<NodeMetrics>;
}

export interface PodMetricsList {
  readonly kind: 'PodMetricsList';
  /** Sorted by namespace, then name. */
  readonly slices: Slices<PodMetrics>;
}

/**
 * The items of a list, which may be very many: each slice is made when it is taken, from what is known at that moment, and takes a fraction of a
 * millisecond. Some are empty, so that also the search for items takes no longer.
 */
export type Slices<T> = Iterable<readonly T[]>;

/** Everything that can be encoded. */
export type MetricsObject = NodeMetrics | PodMetrics | MetricsList;

export type MetricsList = NodeMetricsList | PodMetricsList;
