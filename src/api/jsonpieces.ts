/**
 * Fast path for compact JSON. The slow path, encodeJson of toJson in encode.ts, writes the same bytes in twenty times
 * as long. jsonpieces.test.ts feeds both.
 */
import type { JsonWriter } from '../apimachinery/jsonwriter.ts';
import { formatTime, jsonText, quoteJson, type TypeMeta } from '../apimachinery/meta.ts';
import { type Pieces, writeSlices } from '../apimachinery/pieces.ts';
import type { MemberWriter, Resource } from './resource.ts';
import { isList, type MetricsItem, type MetricsList, type MetricsObject } from './types.ts';

export interface FastObject<T extends MetricsItem> {
  readonly typeMeta: TypeMeta;
  readonly object: MetricsObject<T>;
  readonly createMemberWriter: NonNullable<Resource<T>['createMemberWriter']>;
}

export function* jsonPieces<T extends MetricsItem>(
  { typeMeta, object, createMemberWriter }: FastObject<T>,
  writer: JsonWriter,
): Pieces {
  const items = new ItemWriter(writer, createMemberWriter(writer));
  writer.text(`{"kind":"${typeMeta.kind}","apiVersion":"${typeMeta.apiVersion}",`);
  if (isList(object)) yield* writeItems(writer, items, object);
  else items.write(object, metadata);
  writer.text('\n');
  return writer.take();
}

function* writeItems<T extends MetricsItem>(
  writer: JsonWriter,
  items: ItemWriter<T>,
  { slices, metadata: listMetadata = {} }: MetricsList<T>,
): Generator<Buffer | undefined, void, void> {
  writer.text(`"metadata":${jsonText(listMetadata, '')},"items":[`);
  let open = firstItem;
  yield* writeSlices(writer, slices, (item: T) => {
    items.write(item, open);
    open = nextItem;
  });
  writer.text(']}');
}

/** Reuses the bytes that an item shares with the previous one. */
class ItemWriter<T extends MetricsItem> {
  readonly #writer: JsonWriter;
  readonly #members: MemberWriter<T>;
  #namespace: string | undefined;
  #createdMs = Number.NaN;
  #afterName = Buffer.alloc(0);

  constructor(writer: JsonWriter, members: MemberWriter<T>) {
    this.#writer = writer;
    this.#members = members;
  }

  /** @param open all before the name. */
  write(object: T, open: Buffer): void {
    const writer = this.#writer;
    writer.bytes(open);
    writer.content(object.name);
    writer.bytes(this.#commonAfterName(object));
    writer.labels(object.labels);
    if (object.annotations !== undefined) writer.annotations(object.annotations);
    writer.bytes(timestamp);
    writer.time(object.timestampMs);
    writer.bytes(window);
    writer.duration(object.windowMs);
    this.#members.write(object);
  }

  #commonAfterName({ namespace, creationTimestampMs }: T): Buffer {
    if (namespace !== this.#namespace || creationTimestampMs !== this.#createdMs) {
      this.#namespace = namespace;
      this.#createdMs = creationTimestampMs;
      const member = namespace === undefined ? '' : `,"namespace":${quoteJson(namespace)}`;
      this.#afterName = Buffer.from(`"${member},"creationTimestamp":"${formatTime(creationTimestampMs)}"`);
    }
    return this.#afterName;
  }
}

const metadata = Buffer.from('"metadata":{"name":"');
const firstItem = Buffer.from('{"metadata":{"name":"');
const nextItem = Buffer.from(',{"metadata":{"name":"');
const timestamp = Buffer.from('},"timestamp":"');
const window = Buffer.from('","window":"');
