/** Writes objects of metrics.k8s.io as JSON, byte for byte as Kubernetes' own encoder. */
import { formatDuration } from '../apimachinery/duration.ts';
import { encodeJson, formatTime, type JsonForm, type ObjectMeta, type TypeMeta } from '../apimachinery/meta.ts';
import { formatBinary, formatDecimalNano } from '../apimachinery/quantity.ts';
import {
  type ContainerMetrics,
  group,
  type MetricsObject,
  type NodeMetrics,
  type PodMetrics,
  type ResourceUsage,
  type Version,
} from './types.ts';

export function encode(object: MetricsObject, version: Version, form: JsonForm = 'compact'): Buffer {
  return encodeJson(toJson(object, version), form);
}

/** The object as encodeJson takes it. */
export function toJson(object: MetricsObject, version: Version): object {
  const typeMeta: TypeMeta = { kind: object.kind, apiVersion: `${group}/${version}` };
  // In lists, objects have neither kind nor apiVersion.
  const rest = 'items' in object ? { metadata: {}, items: object.items.map(toWire) } : toWire(object);
  return { ...typeMeta, ...rest };
}

export function toObjectMeta(object: NodeMetrics | PodMetrics): ObjectMeta {
  return {
    name: object.name,
    namespace: object.kind === 'PodMetrics' ? object.namespace : undefined,
    creationTimestamp: formatTime(object.creationTimestampMs),
    labels: object.labels.size === 0 ? undefined : object.labels,
  };
}

// The order of keys in these literals is the order on the wire.

function toWire(object: NodeMetrics | PodMetrics): object {
  return {
    metadata: toObjectMeta(object),
    timestamp: formatTime(object.timestampMs),
    window: formatDuration(object.windowMs),
    usage: object.kind === 'NodeMetrics' ? toWireUsage(object.usage) : undefined,
    containers: object.kind === 'PodMetrics' ? object.containers.map(toWireContainer) : undefined,
  };
}

function toWireContainer({ name, usage }: ContainerMetrics): object {
  return { name, usage: toWireUsage(usage) };
}

function toWireUsage(usage: ResourceUsage): object {
  return {
    cpu: formatDecimalNano(usage.cpuNanocores),
    memory: formatBinary(usage.memoryBytes),
    swap: usage.swapBytes === undefined ? undefined : formatBinary(usage.swapBytes),
  };
}
