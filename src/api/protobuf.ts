/** metrics.k8s.io in protobuf; field numbers are those of k8s.io/metrics' generated.proto, the same in v1 and v1beta1. */
import { wireNanoseconds } from '../apimachinery/duration.ts';
import { writeListMeta, writeObjectMeta, writeTime } from '../apimachinery/metaprotobuf.ts';
import { inOnePiece, type Pieces } from '../apimachinery/pieces.ts';
import { encodeProtobuf, type ProtobufWriter } from '../apimachinery/protobuf.ts';
import { protobufListPieces } from '../apimachinery/protobuflist.ts';
import { typeMetaOf } from './encode.ts';
import type { Resource } from './resource.ts';
import { isList, type MetricsItem, type MetricsObject, type Version } from './types.ts';

export function metricsProtobuf<T extends MetricsItem>(
  resource: Resource<T>,
  object: MetricsObject<T>,
  version: Version,
): Pieces {
  const { apiVersion, kind } = typeMetaOf(resource, object, version);
  if (!isList(object)) {
    return inOnePiece(encodeProtobuf(apiVersion, kind, (writer) => writeItem(writer, resource, object)));
  }
  return protobufListPieces<T>({
    apiVersion,
    kind,
    before: (writer) => writeListMeta(writer, 1, object.metadata),
    slices: object.slices,
    writeItem: (writer, item) => writer.message(2, () => writeItem(writer, resource, item)),
  });
}

function writeItem<T extends MetricsItem>(writer: ProtobufWriter, resource: Resource<T>, object: T): void {
  writeObjectMeta(writer, 1, object);
  writeTime(writer, 2, object.timestampMs);
  writer.message(3, () => writer.integer(1, wireNanoseconds(object.windowMs)));
  resource.writeFields(writer, object);
}
