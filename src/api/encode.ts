/** Objects of metrics.k8s.io as encodeJson takes them, which then has the bytes of Kubernetes' own encoder. */
import { formatDuration } from '../apimachinery/duration.ts';
import { formatTime, type ObjectMeta, type TypeMeta } from '../apimachinery/meta.ts';
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

/** The whole object. Lists are written in pieces and with a fast path, to the byte as encodeJson writes this. */
export function toJson(object: MetricsObject, version: Version): object {
  const typeMeta = toTypeMeta(object, version);
  // In lists, objects have neither kind nor apiVersion.
  if ('slices' in object) return { ...typeMeta, metadata: {}, items: [...object.slices].flat().map(toWire) };
  return { ...typeMeta, ...toWire(object) };
}

export function toTypeMeta(object: MetricsObject, version: Version): TypeMeta {
  return { kind: object.kind, apiVersion: `${group}/${version}` };
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

/** An object as lists have it. */
export function toWire(object: NodeMetrics | PodMetrics): object {
  return {
    metadata: toObjectMeta(object),
    timestamp: formatTime(object.timestampMs),
    window: formatDuration(object.windowMs),
    usage: object.kind === 'NodeMetrics' ? toWireUsage(object.usage) : undefined,
    containers: object.kind === 'PodMetrics' ? object.containers.map(toWireContainer) : undefined,
  };
}

function toWireContainer(container: ContainerMetrics): object {
  return { name: container.name, usage: toWireUsage(container) };
}

function toWireUsage(usage: ResourceUsage): object {
  return {
    cpu: formatDecimalNano(usage.cpuNanocores),
    memory: formatBinary(usage.memoryBytes),
    swap: usage.swapBytes === undefined ? undefined : formatBinary(usage.swapBytes),
  };
}
