/**
 * Writes Kubernetes' protobuf into one growing buffer: a list may have 150,000 objects. As in gogo's code, fields
 * ascend and empty ones are written, so bytes equal a Go server's.
 */

export type WriteMessage = (writer: ProtobufWriter) => void;

/** Returns the magic number and the object in its envelope. */
export function encodeProtobuf(apiVersion: string, kind: string, write: WriteMessage): Buffer {
  const writer = new ProtobufWriter();
  writer.raw(magic);
  writeTypeMeta(writer, apiVersion, kind);
  writer.message(2, write);
  endEnvelope(writer);
  return writer.bytes();
}

export function beginEnvelope(writer: ProtobufWriter, apiVersion: string, kind: string, length: number): void {
  writer.raw(magic);
  writeTypeMeta(writer, apiVersion, kind);
  writer.begin(2, length);
}

/** Writes an empty content encoding and content type. */
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

  /** @param value whole, not negative; exact up to 2^53. */
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
    // Most messages are short: one byte is reserved for the length, and a longer message is moved.
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

  /** Starts a message; the caller writes `length` bytes next. */
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

  /** Returns a copy of the bytes since the last call. */
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
