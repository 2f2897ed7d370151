/** Objects reduced to their metadata, for clients that only want to know what there is. */
import type { Encodable } from '../apimachinery/encoding.ts';
import { writeListMeta, writeObjectMeta } from '../apimachinery/metaprotobuf.ts';
import { encodeProtobuf } from '../apimachinery/protobuf.ts';
import { toObjectMeta } from './encode.ts';
import type { MetricsObject, NodeMetrics, PodMetrics } from './types.ts';

/** What meta.k8s.io is served in; Table and PartialObjectMetadata have the same fields in both. */
export const metaVersions = ['v1', 'v1beta1'] as const;

export type MetaVersion = (typeof metaVersions)[number];

export function partialObjectMetadata(object: MetricsObject, version: MetaVersion): Encodable {
  return 'items' in object ? partialList(object.items, version) : partial(object, version);
}

/** One object as a Table's row and a list have it too. */
export function toPartial(object: NodeMetrics | PodMetrics, version: MetaVersion): object {
  return { kind, apiVersion: apiVersionOf(version), metadata: toObjectMeta(object) };
}

export function apiVersionOf(version: MetaVersion): string {
  return `meta.k8s.io/${version}`;
}

const kind = 'PartialObjectMetadata';
const listKind = 'PartialObjectMetadataList';

function partial(object: NodeMetrics | PodMetrics, version: MetaVersion): Encodable {
  return {
    json: () => toPartial(object, version),
    protobuf: () => encodeProtobuf(apiVersionOf(version), kind, (writer) => writeObjectMeta(writer, 1, object)),
  };
}

function partialList(items: readonly (NodeMetrics | PodMetrics)[], version: MetaVersion): Encodable {
  return {
    json: () => ({
      kind: listKind,
      apiVersion: apiVersionOf(version),
      metadata: {},
      // Kubernetes writes an empty one as null here, and as [] for the objects themselves.
      items: items.length === 0 ? null : items.map((item) => toPartial(item, version)),
    }),
    protobuf: () =>
      encodeProtobuf(apiVersionOf(version), listKind, (writer) => {
        // In this list alone, the numbers of the fields are the other way round in the bytes of v1beta1.
        if (version === 'v1') writeListMeta(writer, 1);
        for (const item of items) {
          writer.message(version === 'v1' ? 2 : 1, () => writeObjectMeta(writer, 1, item));
        }
        if (version === 'v1beta1') writeListMeta(writer, 2);
      }),
  };
}
