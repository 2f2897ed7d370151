/** Encodes the lists of custom.metrics.k8s.io and external.metrics.k8s.io. */
import type { EncodableInPieces } from '../apimachinery/encoding.ts';
import { jsonListPieces } from '../apimachinery/jsonlist.ts';
import { formatTime, type TypeMeta } from '../apimachinery/meta.ts';
import { writeListMeta, writeTime } from '../apimachinery/metaprotobuf.ts';
import type { ProtobufWriter } from '../apimachinery/protobuf.ts';
import { protobufListPieces } from '../apimachinery/protobuflist.ts';
import { formatDecimalMilli } from '../apimachinery/quantity.ts';
import type { MetricSample } from '../metricsource/source.ts';

export interface ValueList<T extends MetricSample> extends TypeMeta {
  readonly samples: readonly T[];
  /** Returns an item's members in the order of Kubernetes' struct. */
  readonly toItem: (sample: T) => object;
  /** Writes an item's fields in ascending order. */
  readonly writeItem: (writer: ProtobufWriter, sample: T) => void;
}

/** Items that are encoded in one step. */
const sliceItems = 500;

export function valueListInPieces<T extends MetricSample>(list: ValueList<T>): EncodableInPieces {
  const { kind, apiVersion, samples, toItem, writeItem } = list;
  const head = { kind, apiVersion, metadata: {} };
  return {
    json: (form, writer) =>
      jsonListPieces(
        { head: () => head, member: 'items', slices: slicesOf(samples), toItem, whenEmpty: '[]' },
        form,
        writer,
      ),
    protobuf: () =>
      protobufListPieces({
        apiVersion,
        kind,
        before: (writer) => writeListMeta(writer, 1),
        slices: slicesOf(samples),
        writeItem: (writer, sample) => writer.message(2, () => writeItem(writer, sample)),
      }),
    whole: () => ({ ...head, items: samples.map(toItem) }),
  };
}

function* slicesOf<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += sliceItems) yield items.slice(start, start + sliceItems);
}

export function timestampOf({ timestampMs }: MetricSample): string {
  return formatTime(timestampMs);
}

export function quantityOf({ valueMilli }: MetricSample): string {
  return formatDecimalMilli(valueMilli);
}

/** Writes timestamp, window and value, which have the numbers 3 to 5 in all versions of both groups. */
export function writeSample(writer: ProtobufWriter, sample: MetricSample): void {
  writeTime(writer, 3, sample.timestampMs);
  if (sample.windowSeconds !== undefined) writer.integer(4, sample.windowSeconds);
  writer.message(5, () => writer.string(1, quantityOf(sample)));
}
