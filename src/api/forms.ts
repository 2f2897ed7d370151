/** The served forms of metrics.k8s.io. */
import type { EncodableInPieces } from '../apimachinery/encoding.ts';
import { jsonListPieces } from '../apimachinery/jsonlist.ts';
import { encodeJson, type JsonForm } from '../apimachinery/meta.ts';
import { inOnePiece, type Pieces, type PieceWriter } from '../apimachinery/pieces.ts';
import { toItem, toJson, typeMetaOf } from './encode.ts';
import { jsonPieces } from './jsonpieces.ts';
import { metricsProtobuf } from './protobuf.ts';
import type { Resource } from './resource.ts';
import { isList, type MetricsItem, type MetricsObject, type Version } from './types.ts';

export interface FormOptions {
  readonly version: Version;
  /** Default: true. False: slow path for compact JSON, to rule out a bug in the fast one. */
  readonly fastPath?: boolean;
}

export function metricsInPieces<T extends MetricsItem>(
  resource: Resource<T>,
  object: MetricsObject<T>,
  { version, fastPath = true }: FormOptions,
): EncodableInPieces {
  const createMemberWriter = fastPath ? resource.createMemberWriter : undefined;
  return {
    json: (form, writer) =>
      form === 'compact' && createMemberWriter !== undefined
        ? // Fast path: the bytes of encodeJson of toJson, which jsonpieces.test.ts holds.
          jsonPieces({ typeMeta: typeMetaOf(resource, object, version), object, createMemberWriter }, writer)
        : // Slow path
          slowPieces(resource, object, version, form, writer),
    protobuf: () => metricsProtobuf(resource, object, version),
    whole: () => toJson(resource, object, version),
  };
}

function slowPieces<T extends MetricsItem>(
  resource: Resource<T>,
  object: MetricsObject<T>,
  version: Version,
  form: JsonForm,
  writer: PieceWriter,
): Pieces {
  if (!isList(object)) return inOnePiece(encodeJson(toJson(resource, object, version), form));
  const head = { ...typeMetaOf(resource, object, version), metadata: object.metadata ?? {} };
  return jsonListPieces(
    {
      head: () => head,
      member: 'items',
      slices: object.slices,
      toItem: (item: T) => toItem(resource, item),
      whenEmpty: '[]',
    },
    form,
    writer,
  );
}
