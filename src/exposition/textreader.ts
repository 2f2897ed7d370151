/**
 * Reads requested families of Prometheus' text format 0.0.4, without a fast path. An unfiltered body has 12 MB in
 * 27,000 lines (kubelet 1.35, 110 pods of 2 containers), 4 % requested: others are skipped by name, without an
 * allocation.
 */
import type { Borrowed } from '../sample/borrowed.ts';
import { CarryBuffer } from './carrybuffer.ts';
import { parseNumber } from './number.ts';
import { ExpositionError, isAt, Sample } from './sample.ts';
import type { SampleSink, BodySummary } from './sample.ts';

const tab = 0x09;
const newline = 0x0a;
const space = 0x20;
const quote = 0x22;
const hash = 0x23;
const comma = 0x2c;
const equals = 0x3d;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Kubelets write a few hundred bytes. */
const lineLimitBytes = 1024 * 1024;

/** Reads a body that arrives in chunks of any size. Copies only lines that a chunk's end has cut. */
export class TextReader {
  readonly hasEnough = false;
  readonly #names: readonly string[];
  readonly #sink: SampleSink;
  readonly #skipped: readonly string[];
  readonly #line = new SampleLine();
  #hasOtherFamilies = false;
  #consumed = 0;
  readonly #carry = new CarryBuffer();

  /** @param skipped families that were requested for another reader of the body. */
  constructor(names: readonly string[], sink: SampleSink, skipped: readonly string[] = []) {
    this.#names = names;
    this.#sink = sink;
    this.#skipped = skipped;
  }

  /** Passes requested samples to the sink. @throws ExpositionError if a line is malformed, and the sink's errors. */
  write(chunk: Borrowed<Buffer>): void {
    let at = 0;
    if (this.#carry.length > 0) {
      const end = chunk.indexOf(newline);
      at = end === -1 ? chunk.length : end + 1;
      this.#keep(chunk, 0, at);
      if (end === -1) return;
      const { bytes, length } = this.#carry;
      this.#carry.length = 0;
      this.#read(bytes, 0, length);
      this.#consumed += length;
    }
    const used = this.#read(chunk, at, chunk.length);
    this.#consumed += used - at;
    if (used < chunk.length) this.#keep(chunk, used, chunk.length);
  }

  /** @throws ExpositionError if the body was cut off. */
  end(): BodySummary {
    if (this.#carry.length > 0) {
      throw new ExpositionError('the last line has no end, the body is cut off', this.#consumed);
    }
    return { hasOtherFamilies: this.#hasOtherFamilies };
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    if (this.#carry.length + end - start > lineLimitBytes) {
      throw new ExpositionError(`a line of more than ${lineLimitBytes} bytes`, this.#consumed);
    }
    this.#carry.append(chunk, start, end);
  }

  #read(body: Buffer, from: number, to: number): number {
    try {
      return this.#readLines(body, from, to);
    } catch (error) {
      if (!(error instanceof ExpositionError)) throw error;
      throw new ExpositionError(error.problem, this.#consumed + error.offset - from);
    }
  }

  #readLines(body: Buffer, from: number, to: number): number {
    let start = from;
    while (start < to) {
      const end = body.indexOf(newline, start);
      // Earlier bytes may be behind the range.
      if (end === -1 || end >= to) break;
      const first = skipBlanks(body, start, end);
      start = end + 1;
      if (first === end || body[first] === hash) continue;
      const family = familyAt(body, first, end, this.#names);
      if (family === -1) {
        if (!mayStartName(body[first]!)) throw new ExpositionError('neither a metric name nor a comment', first);
        this.#hasOtherFamilies ||= familyAt(body, first, end, this.#skipped) === -1;
        continue;
      }
      this.#line.read(body, family, first + this.#names[family]!.length, end);
      this.#sink.visit(this.#line.sample);
    }
    return start;
  }
}

/** Returns -1 if not requested. Names share prefixes, so the byte behind is compared first. */
function familyAt(body: Buffer, start: number, end: number, names: readonly string[]): number {
  for (let family = 0; family < names.length; family += 1) {
    const name = names[family]!;
    const behind = start + name.length;
    if (behind > end) continue;
    const byte = body[behind];
    if (byte !== openBrace && byte !== space && byte !== tab && byte !== newline) continue;
    if (isAt(body, start, behind, name)) return family;
  }
  return -1;
}

/** Detects another format; the rest of skipped lines is not checked. */
function mayStartName(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || byte === 0x5f || byte === 0x3a;
}

function skipBlanks(body: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (body[at] === space || body[at] === tab)) at += 1;
  return at;
}

/** Label values may hold any byte, so lines are not split. */
class SampleLine {
  readonly sample = new Sample();
  #body: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;

  read(body: Buffer, family: number, start: number, end: number): void {
    this.#body = body;
    this.#at = start;
    this.#end = end;
    this.sample.begin(this.#body, family);
    this.#blanks();
    if (this.#body[this.#at] === openBrace) this.#labels();
    this.sample.value = this.#number();
    if (this.#at === this.#end) return;
    const timeAt = this.#at;
    this.sample.timestampMs = this.#number();
    // An int64, as in protobuf; the sink judges plausibility.
    if (!isInt64(this.sample.timestampMs)) throw new ExpositionError('not a time in milliseconds', timeAt);
    if (this.#at !== this.#end) throw new ExpositionError('something follows value and time', this.#at);
  }

  #labels(): void {
    this.#at += 1;
    for (;;) {
      this.#blanks();
      if (this.#take(closeBrace)) return;
      this.#label();
      this.#blanks();
      if (this.#take(closeBrace)) return;
      if (!this.#take(comma)) throw new ExpositionError('neither a comma nor the end of the labels', this.#at);
    }
  }

  #label(): void {
    const nameStart = this.#at;
    while (this.#at < this.#end && isLabelNameByte(this.#body[this.#at]!)) this.#at += 1;
    const nameEnd = this.#at;
    this.#blanks();
    if (nameEnd === nameStart || !this.#take(equals)) throw new ExpositionError('not a label', nameStart);
    this.#blanks();
    if (!this.#take(quote)) throw new ExpositionError('a label value without a quote', this.#at);
    const valueStart = this.#at;
    let escaped = false;
    for (; this.#at < this.#end && this.#body[this.#at] !== quote; this.#at += 1) {
      if (this.#body[this.#at] !== backslash) continue;
      escaped = true;
      this.#at += 1;
    }
    const valueEnd = this.#at;
    if (valueEnd >= this.#end) throw new ExpositionError('a label value without an end', valueStart);
    this.#at += 1;
    this.sample.addLabel(nameStart, nameEnd, valueStart, valueEnd, escaped);
  }

  #number(): number {
    this.#blanks();
    const start = this.#at;
    while (this.#at < this.#end && this.#body[this.#at] !== space && this.#body[this.#at] !== tab) this.#at += 1;
    const number = parseNumber(this.#body, start, this.#at);
    this.#blanks();
    return number;
  }

  #take(byte: number): boolean {
    if (this.#at >= this.#end || this.#body[this.#at] !== byte) return false;
    this.#at += 1;
    return true;
  }

  #blanks(): void {
    this.#at = skipBlanks(this.#body, this.#at, this.#end);
  }
}

function isLabelNameByte(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f;
}

function isInt64(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= 2 ** 63;
}
