/**
 * Decodes listed fields of Kubernetes' protobuf to what JSON.parse makes of the object; others cost their length (most
 * of a pod's 4 kB are managed fields). Maps are Maps, and empty values are left out. Measured by `informer` of
 * test/bench.
 */
import { magic } from '../apimachinery/protobuf.ts';

/** By number. */
export type Message = Readonly<Record<number, WireField>>;

export type WireField =
  /** A word is interned. Bytes are a view of the input. */
  | { readonly name: string; readonly kind: 'text' | 'word' | 'bytes' | 'integer' }
  | {
      readonly name: string;
      readonly kind: 'message' | 'list';
      readonly message: Message;
      readonly requires?: FieldPath;
    }
  /** Only entries with these keys; absent: all. */
  | { readonly name: string; readonly kind: 'map'; readonly keys?: readonly string[] };

/** Numbers of nested fields; alternatives ascend. A message with `requires` is read only if it has one, checked without allocating. */
export type FieldPath = readonly (readonly number[])[];

export type DecodedMessage = Record<string, unknown>;

export class ProtobufError extends Error {}

export const protobufType = 'application/vnd.kubernetes.protobuf';

/** Reports whether this is an object in its envelope; no JSON begins so. */
export function isProtobuf(bytes: Buffer): boolean {
  return magic.equals(bytes.subarray(0, magic.length));
}

export interface ProtobufDecoder {
  /** Decodes an object with its kind; of a Status, the fields of one. Throws ProtobufError. */
  object(bytes: Buffer, message: Message): DecodedMessage;
  /** Needs no envelope. Throws ProtobufError. */
  message(bytes: Buffer, message: Message): DecodedMessage;
}

/** Interns some thousand words across objects. */
export function createProtobufDecoder(): ProtobufDecoder {
  const words = new InternTable();
  return { object, message };

  function object(bytes: Buffer, expected: Message): DecodedMessage {
    if (!isProtobuf(bytes)) throw new ProtobufError('this is no object in its envelope');
    const { type, raw = empty } = message(bytes.subarray(magic.length), envelope) as Envelope;
    return { ...type, ...message(raw, type?.kind === 'Status' ? status : expected) };
  }

  function message(bytes: Buffer, expected: Message): DecodedMessage {
    return new MessageReader(bytes, words).message(expected, bytes.length);
  }
}

const empty = Buffer.alloc(0);

interface Envelope extends DecodedMessage {
  readonly type?: { readonly apiVersion?: string; readonly kind?: string };
  readonly raw?: Buffer;
}

/** Field numbers are those of k8s.io/apimachinery's generated.proto. */
const envelope: Message = {
  1: {
    name: 'type',
    kind: 'message',
    message: { 1: { name: 'apiVersion', kind: 'word' }, 2: { name: 'kind', kind: 'word' } },
  },
  2: { name: 'raw', kind: 'bytes' },
};

const status: Message = { 3: { name: 'message', kind: 'text' }, 6: { name: 'code', kind: 'integer' } };

const entryKeyField = 1;
const entryValueField = 2;

const typeVarint = 0;
const typeFixed64 = 1;
const typeLength = 2;
const typeFixed32 = 5;

const varintLimit = 10;

/** Methods never read behind the given end. */
class MessageReader {
  readonly #bytes: Buffer;
  readonly #words: InternTable;
  #at = 0;
  #type = 0;

  constructor(bytes: Buffer, words: InternTable) {
    this.#bytes = bytes;
    this.#words = words;
  }

  message(message: Message, end: number): DecodedMessage {
    const decoded: DecodedMessage = {};
    while (this.#at < end) {
      const field = message[this.#tag(end)];
      if (field === undefined) this.#skip(end);
      else if (this.#type === (field.kind === 'integer' ? typeVarint : typeLength)) this.#field(field, decoded, end);
      else throw new ProtobufError(`${field.name} has the wire type ${this.#type}`);
    }
    return decoded;
  }

  #field(field: WireField, decoded: DecodedMessage, end: number): void {
    const { name } = field;
    if (field.kind === 'integer') {
      decoded[name] = this.#varint(end);
      return;
    }
    const fieldEnd = this.#length(end);
    const start = this.#at;
    if ('requires' in field && !this.#has(field.requires, start, fieldEnd)) this.#at = fieldEnd;
    else if (field.kind === 'message') decoded[name] = this.message(field.message, fieldEnd);
    else if (field.kind === 'list') listIn(decoded, name).push(this.message(field.message, fieldEnd));
    else if (field.kind === 'map') this.#entry(name, field.keys, decoded, fieldEnd);
    else if (field.kind === 'bytes') decoded[name] = this.#bytes.subarray(start, fieldEnd);
    // Go writes empty strings, where JSON omits them.
    else if (start < fieldEnd)
      decoded[name] = field.kind === 'word' ? this.#word(start, fieldEnd) : this.#text(start, fieldEnd);
    this.#at = fieldEnd;
  }

  /** Reports whether a message has a field at the path. Fields ascend, as Go writes them. */
  #has(path: FieldPath, start: number, end: number, depth = 0): boolean {
    const numbers = path[depth];
    if (numbers === undefined) return true;
    const last = numbers[numbers.length - 1] as number;
    let isFound = false;
    while (!isFound && this.#at < end) {
      const number = this.#tag(end);
      if (number > last) break;
      if (this.#type === typeLength && numbers.includes(number)) {
        const fieldEnd = this.#length(end);
        isFound = this.#has(path, this.#at, fieldEnd, depth + 1);
        this.#at = fieldEnd;
      } else this.#skip(end);
    }
    this.#at = start;
    return isFound;
  }

  #entry(name: string, keys: readonly string[] | undefined, decoded: DecodedMessage, end: number): void {
    let key = '';
    let valueStart = end;
    let valueEnd = end;
    while (this.#at < end) {
      const field = this.#tag(end);
      if (this.#type !== typeLength) throw new ProtobufError(`an entry of a map has the wire type ${this.#type}`);
      const fieldEnd = this.#length(end);
      if (field === entryKeyField) key = this.#word(this.#at, fieldEnd);
      if (field === entryValueField) [valueStart, valueEnd] = [this.#at, fieldEnd];
      this.#at = fieldEnd;
    }
    if (keys === undefined || keys.includes(key)) mapIn(decoded, name).set(key, this.#word(valueStart, valueEnd));
  }

  #text(start: number, end: number): string {
    return this.#bytes.toString('utf8', start, end);
  }

  #word(start: number, end: number): string {
    return this.#words.word(this.#bytes, start, end);
  }

  #tag(end: number): number {
    const tag = this.#varint(end);
    this.#type = tag & 7;
    return Math.floor(tag / 8);
  }

  #length(end: number): number {
    const length = this.#varint(end);
    if (length > end - this.#at) throw new ProtobufError('a field is longer than its message');
    return this.#at + length;
  }

  #skip(end: number): void {
    if (this.#type === typeLength) this.#at = this.#length(end);
    else if (this.#type === typeVarint) this.#varint(end);
    else if (this.#type === typeFixed64) this.#forward(8, end);
    else if (this.#type === typeFixed32) this.#forward(4, end);
    else throw new ProtobufError(`a field has the wire type ${this.#type}`);
  }

  #forward(count: number, end: number): void {
    if (count > end - this.#at) throw new ProtobufError('a message ends within a number');
    this.#at += count;
  }

  /** Exact up to 2^53. Negative numbers come out huge; none is read here. */
  #varint(end: number): number {
    let value = 0;
    let scale = 1;
    const limit = Math.min(end, this.#at + varintLimit);
    while (this.#at < limit) {
      const byte = this.#bytes[this.#at] as number;
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new ProtobufError('a number does not end');
  }
}

function listIn(decoded: DecodedMessage, name: string): DecodedMessage[] {
  const list = (decoded[name] as DecodedMessage[] | undefined) ?? [];
  decoded[name] = list;
  return list;
}

function mapIn(decoded: DecodedMessage, name: string): Map<string, string> {
  const map = (decoded[name] as Map<string, string> | undefined) ?? new Map<string, string>();
  decoded[name] = map;
  return map;
}

/** A power of two. */
const wordSlots = 4096;
/** Longer keys and values of labels are rare. */
const wordLimitBytes = 128;

/** Returns one string for equal bytes, until another word takes its slot. */
class InternTable {
  readonly #slots = Array.from({ length: wordSlots }, () => '');

  word(bytes: Buffer, start: number, end: number): string {
    if (end - start > wordLimitBytes) return bytes.toString('utf8', start, end);
    let hash = 0;
    for (let at = start; at < end; at += 1) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0;
    // The upper bits too: numbered names differ in few.
    const slot = (hash ^ (hash >>> 15)) & (wordSlots - 1);
    const held = this.#slots[slot] as string;
    if (isWord(held, bytes, start, end)) return held;
    const word = bytes.toString('utf8', start, end);
    // Others are not ASCII, and not interned.
    if (word.length === end - start) this.#slots[slot] = word;
    return word;
  }
}

function isWord(word: string, bytes: Buffer, start: number, end: number): boolean {
  if (word.length !== end - start) return false;
  for (let index = 0; index < word.length; index += 1) {
    if (word.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}
