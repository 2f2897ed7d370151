/** The messages of metrics.k8s.io in protobuf; field numbers are those of k8s.io/metrics' generated.proto, the same in v1 and v1beta1. */
import { wireNanoseconds } from '../apimachinery/duration.ts';
import { writeListMeta, writeObjectMeta, writeTime } from '../apimachinery/metaprotobuf.ts';
import { inOnePiece, type Pieces } from '../apimachinery/pieces.ts';
import { encodeProtobuf, type ProtobufWriter } from '../apimachinery/protobuf.ts';
import { protobufListPieces } from '../apimachinery/protobuflist.ts';
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

export function metricsProtobuf(object: MetricsObject, version: Version): Pieces {
  const apiVersion = `${group}/${version}`;
  const { kind } = object;
  if (!('slices' in object)) {
    return inOnePiece(encodeProtobuf(apiVersion, kind, (writer) => writeMetrics(writer, object)));
  }
  return protobufListPieces<NodeMetrics | PodMetrics>({
    apiVersion,
    kind,
    before: (writer) => writeListMeta(writer, 1),
    slices: object.slices,
    writeItem: (writer, item) => writer.message(2, () => writeMetrics(writer, item)),
  });
}

function writeMetrics(writer: ProtobufWriter, object: NodeMetrics | PodMetrics): void {
  writeObjectMeta(writer, 1, object);
  writeTime(writer, 2, object.timestampMs);
  writer.message(3, () => writer.integer(1, wireNanoseconds(object.windowMs)));
  if (object.kind === 'NodeMetrics') writeUsage(writer, 4, object.usage);
  else for (const container of object.containers) writeContainer(writer, 4, container);
}

function writeContainer(writer: ProtobufWriter, field: number, container: ContainerMetrics): void {
  writer.message(field, () => {
    writer.string(1, container.name);
    writeUsage(writer, 2, container);
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
