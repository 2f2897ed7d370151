/**
 * Reads the samples of wanted families out of delimited io.prometheus.client.MetricFamily messages while they come, in pieces of any size. A family
 * that nobody wants costs its length and its name, whatever its size; nothing is joined but what a piece's end has cut.
 * The schema: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
 */
import { readMetric } from './metric.ts';
import { takePlainNumbers, timeBytes, valueBytes, viewOver } from './plainnumbers.ts';
import { headBytes, type Recall, type Remembered } from './seriesmatcher.ts';
import { isAt, Sample, type SampleSink, type Seen, unremembered } from './sample.ts';
import { Cursor, hasVarint, wireType } from './wire.ts';

const familyField = { name: 1, metric: 4 } as const;

/** Of a family's name, which comes first. */
const nameTag = 0x0a;

/** What one message that has to be whole may take: a metric with its labels. */
const messageLimitBytes = 1024 * 1024;
/** A family whose name is not its first field is read in one go, so it has to be short; every encoder in use writes the name first. */
const oddFamilyLimitBytes = 64 * 1024;
/** A family's name is asked for in the code, so longer ones than this are of no interest; what is no protobuf has seemingly longer ones. */
const nameLimitBytes = 64 * 1024;

/** Whose length takes two bytes at most; metrics are a few hundred bytes. */
const recalledLimitBytes = (1 << 14) - 1;

const nothing = Buffer.alloc(0);
const noView = new DataView(nothing.buffer);

const piece = { family: 'family', fields: 'fields', skip: 'skip' } as const;

/** For all readers, as nothing is left in them between two messages. */
const sample = new Sample();
/** The numbers of a sample once more, read without the rest. */
const plain = new Sample();
const cursor = new Cursor();

export class DelimitedReader {
  readonly #names: readonly string[];
  readonly #sink: SampleSink;
  readonly #recall: Recall | undefined;
  #state: keyof typeof piece = piece.family;
  #family = -1;
  /** Bytes of the family that are still to come. */
  #familyLeft = 0;
  /** Of these, bytes that are of no interest. */
  #skipLeft = 0;
  #unwanted = false;
  /** Of the memory that the piece which is being read is in. */
  #view: DataView = noView;
  /** Families that are still to come. */
  readonly #missing: Set<number> | undefined;
  /** Bytes before the piece that is being read. */
  #consumed = 0;
  /** What the last piece had cut. */
  #carry: Buffer = nothing;
  #carried = 0;
  /** How many bytes what was cut has at least. */
  #need = 0;

  /**
   * @param recall of the same sender and the same names; without, every sample is visited.
   * @param enough families, by index, after which a sender that does not filter is not listened to any more; without, all of the body is read.
   */
  constructor(names: readonly string[], sink: SampleSink, recall?: Recall, enough?: readonly number[]) {
    this.#names = names;
    this.#sink = sink;
    this.#recall = recall;
    this.#missing = enough === undefined ? undefined : new Set(enough);
    recall?.beginBody();
  }

  /** Whether all has come that was said to be enough: what follows is not read. */
  get hasEnough(): boolean {
    return this.#missing?.size === 0 && this.#unwanted && this.#state === piece.family;
  }

  /**
   * Reads a piece of the body; its memory is not needed any more when this returns.
   * Throws ExpositionError where the bytes are not such messages.
   */
  write(chunk: Buffer): void {
    // Most pieces of a body that is not filtered.
    if (this.#state === piece.skip && this.#skipLeft > chunk.length) {
      this.#consumed += this.#skip(0, chunk.length);
      return;
    }
    let at = 0;
    while (this.#carried > 0 && !this.hasEnough) {
      at += this.#carryOn(chunk, at);
      if (this.#carried < this.#need) return;
      this.#finishCarried();
    }
    const used = this.#read(chunk, at, chunk.length);
    if (used < chunk.length && !this.hasEnough) this.#keep(chunk, used);
    this.#consumed += used - at;
  }

  /** Throws ExpositionError where the body ends within a message. */
  end(): Seen {
    if (!this.hasEnough && (this.#carried > 0 || this.#state !== piece.family)) {
      cursor.baseOffset = this.#consumed;
      throw cursor.cutOff(0);
    }
    return { unwanted: this.#unwanted };
  }

  /** Takes from the chunk what is missing; returns how much. */
  #carryOn(chunk: Buffer, at: number): number {
    const count = Math.min(this.#need - this.#carried, chunk.length - at);
    this.#reserve(this.#carried + count);
    chunk.copy(this.#carry, this.#carried, at, at + count);
    this.#carried += count;
    return count;
  }

  #finishCarried(): void {
    const used = this.#read(this.#carry, 0, this.#carried);
    this.#consumed += used;
    this.#carry.copyWithin(0, used, this.#carried);
    this.#carried -= used;
  }

  #keep(chunk: Buffer, from: number): void {
    this.#carried = chunk.length - from;
    this.#reserve(this.#carried);
    chunk.copy(this.#carry, 0, from);
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#carry.length) return;
    const larger = Buffer.allocUnsafe(Math.max(bytes, 2 * this.#carry.length));
    this.#carry.copy(larger, 0, 0, this.#carried);
    this.#carry = larger;
  }

  /** Reads all that is whole in this range, and returns where that ends; if that is before the end, #need says what is missing. */
  #read(body: Buffer, start: number, end: number): number {
    let at = start;
    cursor.body = body;
    cursor.baseOffset = this.#consumed - start;
    this.#view = viewOver(body.buffer);
    while ((at < end && !this.hasEnough) || (this.#state === piece.fields && this.#familyLeft === 0)) {
      const next = this.#readPiece(body, at, end);
      if (next === -1) {
        if (this.#need > messageLimitBytes) throw cursor.error(`a message of more than ${messageLimitBytes} bytes`, at);
        return at;
      }
      at = next;
    }
    return at;
  }

  /** Returns where the piece ends, or -1 if it is not whole. */
  #readPiece(body: Buffer, at: number, end: number): number {
    switch (this.#state) {
      case piece.family:
        return this.#beginFamily(body, at, end);
      case piece.skip:
        return this.#skip(at, end);
      case piece.fields:
        return this.#readFields(body, at, end);
    }
  }

  #skip(at: number, end: number): number {
    const count = Math.min(this.#skipLeft, end - at);
    this.#skipLeft -= count;
    this.#familyLeft -= count;
    if (this.#skipLeft === 0) this.#state = this.#family === -1 ? piece.family : piece.fields;
    return at + count;
  }

  /** Reads a family's length and its name, which comes first, though the format does not promise it. */
  #beginFamily(body: Buffer, at: number, end: number): number {
    if (!hasVarint(body, at, end)) return this.#lacks(end - at + 1);
    cursor.at = at;
    const length = cursor.varint(end);
    if (length < 0) throw cursor.cutOff(at);
    const start = cursor.at;
    if (length > 0 && start === end) return this.#lacks(end - at + 1);
    if (body[start] !== nameTag || length === 0) return this.#beginOddFamily(body, at, start, length, end);
    if (!hasVarint(body, start + 1, end)) return this.#lacks(end - at + 1);
    cursor.at = start + 1;
    const nameLength = cursor.varint(end);
    const nameEnd = cursor.at + nameLength;
    if (nameLength < 0 || nameEnd - start > length) throw cursor.cutOff(start + 1);
    if (nameEnd - at > nameLimitBytes) throw cursor.error(`a name of more than ${nameLimitBytes} bytes`, at);
    if (nameEnd > end) return this.#lacks(nameEnd - at);
    this.#enter(this.#familyOf(body, cursor.at, nameEnd), length - (nameEnd - start));
    return nameEnd;
  }

  /** Where the name is not the first field, the family is looked through for it, and then read from its start. */
  #beginOddFamily(body: Buffer, at: number, start: number, length: number, end: number): number {
    if (length > oddFamilyLimitBytes) {
      throw cursor.error(`a family of more than ${oddFamilyLimitBytes} bytes whose name is not first`, at);
    }
    if (start + length > end) return this.#lacks(start + length - at);
    cursor.at = start;
    while (cursor.at < start + length) {
      const number = cursor.tag(start + length);
      if (number !== familyField.name || cursor.type !== wireType.length) {
        cursor.skip(start + length);
        continue;
      }
      const nameEnd = cursor.length(start + length);
      this.#enter(this.#familyOf(body, cursor.at, nameEnd), length);
      return start;
    }
    throw cursor.error('a metric family without a name', start);
  }

  #familyOf(body: Buffer, start: number, end: number): number {
    for (let family = 0; family < this.#names.length; family += 1) {
      if (isAt(body, start, end, this.#names[family]!)) return family;
    }
    return -1;
  }

  #enter(family: number, left: number): void {
    this.#family = family;
    this.#familyLeft = left;
    if (family !== -1) {
      this.#recall?.beginFamily(family);
      this.#state = piece.fields;
      return;
    }
    this.#unwanted = true;
    this.#skipLeft = left;
    if (left > 0) this.#state = piece.skip;
  }

  #readFields(body: Buffer, from: number, end: number): number {
    const at = this.#recall === undefined ? from : this.#readRecalled(body, from, end, this.#recall);
    if (this.#familyLeft === 0) {
      this.#recall?.endFamily();
      this.#missing?.delete(this.#family);
      this.#state = piece.family;
      return at;
    }
    return at > from ? at : this.#readField(body, at, end);
  }

  /** Reads metrics for as long as they are those that were there before, and returns where they end. */
  #readRecalled(body: Buffer, from: number, end: number, recall: Recall): number {
    const view = this.#view;
    // Small integers to V8: of a position that may be any number it makes an object, each time that it is handed on.
    const base = body.byteOffset | 0;
    const limit = (base + Math.min(end, from + this.#familyLeft)) | 0;
    let at = (base + from) | 0;
    sample.family = this.#family;
    while (at < limit) {
      at = recall.takeExpected(view, at, limit, sample, this.#sink);
      const size = at < limit ? recall.takeOne(view, at, limit, sample, this.#sink) : 0;
      if (size === 0) break;
      at += size;
    }
    const stop = at - base;
    this.#familyLeft -= stop - from;
    return stop;
  }

  /** Reads one field of a family, which is a metric most often. */
  #readField(body: Buffer, at: number, end: number): number {
    const limit = Math.min(end, at + this.#familyLeft);
    const isLast = limit - at === this.#familyLeft;
    if (!isLast && !hasVarint(body, at, limit)) return this.#lacks(limit - at + 1);
    cursor.at = at;
    const number = cursor.tag(limit);
    if (cursor.type !== wireType.length) {
      if (!isLast && limit - cursor.at < 10) return this.#lacks(cursor.at - at + 10);
      cursor.skip(limit);
      return this.#used(at, cursor.at);
    }
    if (!isLast && !hasVarint(body, cursor.at, limit)) return this.#lacks(limit - at + 1);
    const lengthAt = cursor.at;
    const length = cursor.varint(limit);
    const stop = cursor.at + length;
    if (length < 0 || stop - at > this.#familyLeft) throw cursor.cutOff(lengthAt);
    if (number !== familyField.metric) {
      this.#used(at, cursor.at);
      this.#skipLeft = length;
      if (length > 0) this.#state = piece.skip;
      return cursor.at;
    }
    if (stop > limit) return this.#lacks(stop - at);
    this.#visit(body, cursor.at, stop);
    return this.#used(at, stop);
  }

  #visit(body: Buffer, start: number, stop: number): void {
    sample.begin(body, this.#family);
    cursor.at = start;
    readMetric(cursor, stop, sample);
    const series = this.#sink.visit(sample);
    const recall = this.#recall;
    if (series === unremembered || recall === undefined) return;
    const remembered = this.#remembered(series, body, start, stop, recall);
    if (remembered === undefined) recall.pass();
    else recall.note(series, this.#view, remembered);
  }

  /** Undefined where the numbers are not at the end, as they have to be to be read without the rest. */
  #remembered(series: number, body: Buffer, start: number, stop: number, { identity }: Recall): Remembered | undefined {
    const isTimed = !Number.isNaN(sample.timestampMs);
    const end = stop - valueBytes - (isTimed ? timeBytes : 0);
    if (end < start || stop - start > recalledLimitBytes) return undefined;
    const base = body.byteOffset;
    if (!takePlainNumbers(this.#view, base + stop, isTimed, plain)) return undefined;
    if (!Object.is(sample.value, plain.value) || !Object.is(sample.timestampMs, plain.timestampMs)) return undefined;
    const range = identity === 'all labels' ? { start, end } : identityOf(sample, identity.label);
    if (range === undefined || range.end > end) return undefined;
    const detail = identity === 'all labels' ? undefined : sample.rangeOf(identity.detail);
    if (detail !== undefined && detail.end > range.start) return undefined;
    // A tag, and a length of one byte or two; who writes these otherwise is not recognised.
    const size = stop - start + (stop - start < 0x80 ? 2 : 3);
    return {
      start: base + stop - size,
      size,
      identity: { start: base + range.start, length: range.end - range.start },
      detail: detail && { start: base + detail.start, end: base + detail.end },
      isTimed,
      isWanted: this.#sink.isWanted(series),
    };
  }

  #used(at: number, to: number): number {
    this.#familyLeft -= to - at;
    return to;
  }

  #lacks(bytes: number): -1 {
    this.#need = bytes;
    return -1;
  }
}

/** Where a label's value is, with the bytes before it that hold its length; undefined where the sample has none. */
function identityOf(of: Sample, label: string): { readonly start: number; readonly end: number } | undefined {
  const range = of.rangeOf(label);
  return range === undefined || range.start === range.end ? undefined : { ...range, start: range.start - headBytes };
}
