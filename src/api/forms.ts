/** The forms that objects of metrics.k8s.io are served in: compact JSON by its fast path, all others by the common ones. */
import type { EncodableInPieces } from '../apimachinery/encoding.ts';
import { jsonListPieces } from '../apimachinery/jsonlist.ts';
import { encodeJson } from '../apimachinery/meta.ts';
import { inOnePiece, type Pieces, type PieceWriter } from '../apimachinery/pieces.ts';
import { toJson, toTypeMeta, toWire } from './encode.ts';
import { jsonPieces } from './jsonpieces.ts';
import { metricsProtobuf } from './protobuf.ts';
import type { MetricsObject, NodeMetrics, PodMetrics, Version } from './types.ts';

export function metricsInPieces(object: MetricsObject, version: Version): EncodableInPieces {
  return {
    json: (form, writer) =>
      form === 'compact' ? jsonPieces(object, version, writer) : prettyPieces(object, version, writer),
    protobuf: () => metricsProtobuf(object, version),
    whole: () => toJson(object, version),
  };
}

function prettyPieces(object: MetricsObject, version: Version, writer: PieceWriter): Pieces {
  if (!('slices' in object)) return inOnePiece(encodeJson(toJson(object, version), 'pretty'));
  const head = { ...toTypeMeta(object, version), metadata: {} };
  const slices: Iterable<readonly (NodeMetrics | PodMetrics)[]> = object.slices;
  return jsonListPieces(
    { head: () => head, member: 'items', slices, toItem: toWire, whenEmpty: '[]' },
    'pretty',
    writer,
  );
}
