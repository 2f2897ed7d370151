/** Writes long lists as Kubernetes' protobuf, in steps. */
import { type Pieces, pieceBytes } from './pieces.ts';
import { beginEnvelope, endEnvelope, ProtobufWriter, type WriteMessage } from './protobuf.ts';

export interface ProtobufList<T> {
  readonly apiVersion: string;
  readonly kind: string;
  /** What of the list's message comes before the items, and after them. */
  readonly before?: WriteMessage;
  readonly after?: WriteMessage;
  readonly slices: Iterable<readonly T[]>;
  readonly writeItem: (writer: ProtobufWriter, item: T) => void;
}

/**
 * The same bytes as encodeProtobuf makes of the whole. The envelope begins with the length of all, so nothing can be sent before everything is
 * made: only the time is in steps, not the memory. To count first and write later would need two looks at numbers that move.
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
  const held: Buffer[] = [];
  let length = 0;
  before?.(writer);
  for (const slice of slices) {
    for (const item of slice) writeItem(writer, item);
    if (writer.length >= pieceBytes) hold();
    yield undefined;
  }
  after?.(writer);
  hold();
  beginEnvelope(writer, apiVersion, kind, length);
  held.unshift(writer.take());
  endEnvelope(writer);
  held.push(writer.take());
  if (length < pieceBytes) return Buffer.concat(held);
  // Let go one by one, as they are sent.
  for (;;) {
    const piece = held.shift() ?? nothing;
    if (held.length === 0) return piece;
    yield piece;
  }

  function hold(): void {
    held.push(writer.take());
    length += held.at(-1)?.length ?? 0;
  }
}

const nothing = Buffer.alloc(0);
