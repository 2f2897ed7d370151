/** Objects reduced to their metadata, as PartialObjectMetadata. */
import type { EncodableInPieces } from '../apimachinery/encoding.ts';
import { jsonListPieces } from '../apimachinery/jsonlist.ts';
import { encodeJson } from '../apimachinery/meta.ts';
import { writeListMeta, writeObjectMeta } from '../apimachinery/metaprotobuf.ts';
import { inOnePiece } from '../apimachinery/pieces.ts';
import { encodeProtobuf, type ProtobufWriter } from '../apimachinery/protobuf.ts';
import { protobufListPieces } from '../apimachinery/protobuflist.ts';
import { toObjectMeta } from './encode.ts';
import { isList, type MetricsItem, type MetricsList, type MetricsObject } from './types.ts';

/** Table and PartialObjectMetadata have the same fields in both. */
export const metaVersions = ['v1', 'v1beta1'] as const;

export type MetaVersion = (typeof metaVersions)[number];

export function partialObjectMetadata(object: MetricsObject, version: MetaVersion): EncodableInPieces {
  return isList(object) ? partialList(object, version) : partial(object, version);
}

/** Returns metadata as in a Table's row and a list. */
export function toPartial(object: MetricsItem, version: MetaVersion): object {
  return { kind, apiVersion: apiVersionOf(version), metadata: toObjectMeta(object) };
}

export function apiVersionOf(version: MetaVersion): string {
  return `meta.k8s.io/${version}`;
}

const kind = 'PartialObjectMetadata';
const listKind = 'PartialObjectMetadataList';

function partial(object: MetricsItem, version: MetaVersion): EncodableInPieces {
  const whole = () => toPartial(object, version);
  return {
    json: (form) => inOnePiece(encodeJson(whole(), form)),
    protobuf: () =>
      inOnePiece(encodeProtobuf(apiVersionOf(version), kind, (writer) => writeObjectMeta(writer, 1, object))),
    whole,
  };
}

function partialList({ slices, metadata = {} }: MetricsList, version: MetaVersion): EncodableInPieces {
  const head = { kind: listKind, apiVersion: apiVersionOf(version), metadata };
  const toItem = (item: MetricsItem) => toPartial(item, version);
  return {
    // Kubernetes writes an empty one as null here, and as [] for the objects themselves.
    json: (form, writer) =>
      jsonListPieces({ head: () => head, member: 'items', slices, toItem, whenEmpty: 'null' }, form, writer),
    protobuf: () =>
      protobufListPieces<MetricsItem>({
        apiVersion: apiVersionOf(version),
        kind: listKind,
        slices,
        ...(version === 'v1'
          ? { before: (writer) => writeListMeta(writer, 1, metadata), writeItem: partialItem(2) }
          : // In this list alone, the field numbers in v1beta1's bytes are the other way round.
            { writeItem: partialItem(1), after: (writer) => writeListMeta(writer, 2, metadata) }),
      }),
    whole: () => {
      const items = [...slices].flat().map(toItem);
      return { ...head, items: items.length === 0 ? null : items };
    },
  };
}

function partialItem(field: number) {
  return (writer: ProtobufWriter, item: MetricsItem) => writer.message(field, () => writeObjectMeta(writer, 1, item));
}
