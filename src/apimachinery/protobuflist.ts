/** Writes long lists as Kubernetes' protobuf, in steps. */
import { type Pieces, pieceBytes } from './pieces.ts';
import { beginEnvelope, endEnvelope, ProtobufWriter, type WriteMessage } from './protobuf.ts';

export interface ProtobufList<T> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly before?: WriteMessage;
  readonly after?: WriteMessage;
  readonly slices: Iterable<readonly T[]>;
  readonly writeItem: (writer: ProtobufWriter, item: T) => void;
}

/**
 * Writes the bytes of encodeProtobuf. The envelope begins with the total length, so steps spread the time, not the
 * memory. Counting first would read numbers twice that change in between.
 */
export function* protobufListPieces<T>({
  apiVersion,
  kind,
  before,
  after,
  slices,
  writeItem,
}: ProtobufList<T>): Pieces {
  const writer = new ProtobufWriter();
  const finished: Buffer[] = [];
  let length = 0;
  before?.(writer);
  for (const slice of slices) {
    for (const item of slice) writeItem(writer, item);
    if (writer.length >= pieceBytes) finish();
    yield undefined;
  }
  after?.(writer);
  finish();
  beginEnvelope(writer, apiVersion, kind, length);
  finished.unshift(writer.take());
  endEnvelope(writer);
  finished.push(writer.take());
  if (length < pieceBytes) return Buffer.concat(finished);
  // Each piece is freed when it is sent.
  for (;;) {
    const piece = finished.shift() ?? nothing;
    if (finished.length === 0) return piece;
    yield piece;
  }

  function finish(): void {
    finished.push(writer.take());
    length += finished.at(-1)?.length ?? 0;
  }
}

const nothing = Buffer.alloc(0);
