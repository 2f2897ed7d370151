/**
 * Writes Kubernetes' protobuf: the wire format, and the envelope around every object. A list may have 150,000 objects, so everything goes into
 * one growing buffer. Fields are written in the order of their numbers and also when they are empty, as gogo's generated code does: equal
 * objects then have equal bytes, ours and a Go server's.
 */

/** Writes one message into the writer. */
export type WriteMessage = (writer: ProtobufWriter) => void;

/** The bytes that tell a reader this is Kubernetes' protobuf, the type of the object, and the object. */
export function encodeProtobuf(apiVersion: string, kind: string, write: WriteMessage): Buffer {
  const writer = new ProtobufWriter();
  writer.raw(magic);
  writeTypeMeta(writer, apiVersion, kind);
  writer.message(2, write);
  endEnvelope(writer);
  return writer.bytes();
}

/** What stands before the object's own bytes. */
export function beginEnvelope(writer: ProtobufWriter, apiVersion: string, kind: string, length: number): void {
  writer.raw(magic);
  writeTypeMeta(writer, apiVersion, kind);
  writer.begin(2, length);
}

/** What stands after them: neither content encoding nor content type, the bytes are as they are. */
export function endEnvelope(writer: ProtobufWriter): void {
  writer.string(3, '');
  writer.string(4, '');
}

function writeTypeMeta(writer: ProtobufWriter, apiVersion: string, kind: string): void {
  writer.message(1, () => {
    writer.string(1, apiVersion);
    writer.string(2, kind);
  });
}

/** What every object in this format begins with. */
export const magic = Buffer.from('k8s\0', 'latin1');

export class ProtobufWriter {
  #buffer = Buffer.allocUnsafe(1024);
  #length = 0;

  raw(bytes: Buffer): void {
    this.#reserve(bytes.length);
    bytes.copy(this.#buffer, this.#length);
    this.#length += bytes.length;
  }

  string(field: number, text: string): void {
    const length = Buffer.byteLength(text);
    this.#varint(field * 8 + lengthDelimited);
    this.#varint(length);
    this.#reserve(length);
    this.#length += this.#buffer.write(text, this.#length);
  }

  /** @param value whole and not negative; exact up to 2^53. */
  integer(field: number, value: number): void {
    this.#varint(field * 8 + varint);
    this.#varint(value);
  }

  boolean(field: number, value: boolean): void {
    this.integer(field, Number(value));
  }

  message(field: number, write: WriteMessage): void {
    this.#varint(field * 8 + lengthDelimited);
    const start = this.#length + 1;
    // Most messages are short, so one byte is kept for the length; a longer one is moved when its length is known.
    this.#reserve(1);
    this.#length = start;
    write(this);
    const length = this.#length - start;
    const more = varintLength(length) - 1;
    this.#reserve(more);
    if (more > 0) this.#buffer.copyWithin(start + more, start, this.#length);
    this.#length = start - 1;
    this.#varint(length);
    this.#length += length;
  }

  /** A message whose bytes are written next, by whoever knows their number. */
  begin(field: number, length: number): void {
    this.#varint(field * 8 + lengthDelimited);
    this.#varint(length);
  }

  get length(): number {
    return this.#length;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A copy of what was written since the last one. */
  take(): Buffer {
    const taken = Buffer.from(this.bytes());
    this.#length = 0;
    return taken;
  }

  #varint(value: number): void {
    this.#reserve(longestVarint);
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

const varint = 0;
const lengthDelimited = 2;
const longestVarint = 10;

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}
