/**
 * Reads the samples of wanted families out of a body in Prometheus' text format 0.0.4.
 * Walks one body per node per round (kubelet 1.35, 110 pods of 2 containers: 12 MB, 27,000 lines, of which we want 4 %):
 * a line is rejected by its name before its labels are looked at, and costs no allocation.
 */
import { parseNumber } from './number.ts';
import { ExpositionError, isAt, Sample, viewOf } from './sample.ts';
import type { SampleSink, Seen } from './sample.ts';

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

/** Text is what kubelets send to those who cannot read anything better, so it is joined and read when it is whole. */
export class TextReader {
  readonly hasEnough = false;
  readonly #names: readonly string[];
  readonly #sink: SampleSink;
  readonly #chunks: Buffer[] = [];

  constructor(names: readonly string[], sink: SampleSink) {
    this.#names = names;
    this.#sink = sink;
  }

  /** Takes a copy of the piece. */
  write(chunk: Buffer): void {
    this.#chunks.push(Buffer.from(chunk));
  }

  /** Throws ExpositionError as readText does. */
  end(): Seen {
    return readText(Buffer.concat(this.#chunks), this.#names, this.#sink);
  }
}

/**
 * Visits each sample whose family is one of the names, in the body's order.
 * Throws ExpositionError where a line is not one, or the last line has no end: then the body was cut off.
 */
function readText(bytes: Uint8Array, names: readonly string[], sink: SampleSink): Seen {
  const body = viewOf(bytes);
  const line = new SampleLine(body);
  let unwanted = false;
  for (let start = 0; start < body.length; ) {
    const end = body.indexOf(newline, start);
    if (end === -1) throw new ExpositionError('the last line has no end, the body is cut off', start);
    const first = skipBlanks(body, start, end);
    start = end + 1;
    if (first === end || body[first] === hash) continue;
    const family = familyAt(body, first, end, names);
    if (family === -1) {
      if (!mayStartName(body[first]!)) throw new ExpositionError('neither a metric name nor a comment', first);
      unwanted = true;
      continue;
    }
    line.read(family, first + names[family]!.length, end);
    sink.visit(line.sample);
  }
  return { unwanted };
}

/** The index of the line's family, -1 if nobody wants it. Names are prefixes of each other: the byte behind decides first. */
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

/** Catches a body that is something else altogether; what follows the first byte of an unwanted line is nobody's concern. */
function mayStartName(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || byte === 0x5f || byte === 0x3a;
}

function skipBlanks(body: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (body[at] === space || body[at] === tab)) at += 1;
  return at;
}

/** What follows the name on one line: labels, value, time. Label values hold anything, so they are read by structure. */
class SampleLine {
  readonly sample = new Sample();
  readonly #body: Buffer;
  #at = 0;
  #end = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  read(family: number, start: number, end: number): void {
    this.#at = start;
    this.#end = end;
    this.sample.begin(this.#body, family);
    this.#blanks();
    if (this.#body[this.#at] === openBrace) this.#labels();
    this.sample.value = this.#number();
    if (this.#at === this.#end) return;
    const timeAt = this.#at;
    this.sample.timestampMs = this.#number();
    if (!Number.isSafeInteger(this.sample.timestampMs)) throw new ExpositionError('not a time in milliseconds', timeAt);
    if (this.#at !== this.#end) throw new ExpositionError('something follows value and time', this.#at);
  }

  /** From behind the opening brace to behind the closing one. */
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

  /** The number up to the next blank, and the blanks behind it. */
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
