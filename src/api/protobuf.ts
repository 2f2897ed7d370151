/** The messages of metrics.k8s.io in protobuf; field numbers are those of k8s.io/metrics' generated.proto, the same in v1 and v1beta1. */
import { writeListMeta, writeObjectMeta, writeTime } from '../apimachinery/metaprotobuf.ts';
import { encodeProtobuf, type ProtobufWriter } from '../apimachinery/protobuf.ts';
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

export function encodeMetricsProtobuf(object: MetricsObject, version: Version): Buffer {
  return encodeProtobuf(`${group}/${version}`, object.kind, (writer) => {
    if (!('items' in object)) return writeMetrics(writer, object);
    writeListMeta(writer, 1);
    for (const item of object.items) writer.message(2, () => writeMetrics(writer, item));
  });
}

function writeMetrics(writer: ProtobufWriter, object: NodeMetrics | PodMetrics): void {
  writeObjectMeta(writer, 1, object);
  writeTime(writer, 2, object.timestampMs);
  writer.message(3, () => writer.integer(1, Math.round(object.windowMs * nanosecondsPerMillisecond)));
  if (object.kind === 'NodeMetrics') writeUsage(writer, 4, object.usage);
  else for (const container of object.containers) writeContainer(writer, 4, container);
}

const nanosecondsPerMillisecond = 1e6;

function writeContainer(writer: ProtobufWriter, field: number, { name, usage }: ContainerMetrics): void {
  writer.message(field, () => {
    writer.string(1, name);
    writeUsage(writer, 2, usage);
  });
}

/** A map from the resource's name to its quantity, sorted by name. */
function writeUsage(writer: ProtobufWriter, field: number, usage: ResourceUsage): void {
  writeQuantity(writer, field, 'cpu', formatDecimalNano(usage.cpuNanocores));
  writeQuantity(writer, field, 'memory', formatBinary(usage.memoryBytes));
  if (usage.swapBytes !== undefined) writeQuantity(writer, field, 'swap', formatBinary(usage.swapBytes));
}

function writeQuantity(writer: ProtobufWriter, field: number, name: string, quantity: string): void {
  writer.message(field, () => {
    writer.string(1, name);
    writer.message(2, () => writer.string(1, quantity));
  });
}
