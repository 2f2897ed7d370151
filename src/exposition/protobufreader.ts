/**
 * Reads requested families of delimited io.prometheus.client.MetricFamily messages; skips others by length, and copies
 * only cut messages.
 * https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
 */
import type { Borrowed } from '../sample/borrowed.ts';
import { CarryBuffer } from './carrybuffer.ts';
import { familyField, FamilyHeader } from './familyheader.ts';
import { readMetric } from './metric.ts';
import { type BodySummary, noRow, type SampleSink } from './sample.ts';
import { positionOf } from './sampleposition.ts';
import { cursor, sample, viewOver } from './scratch.ts';
import type { SeriesMatcher } from './seriesmatcher.ts';
import { hasVarint, wireType } from './wire.ts';

/** Bytes of a metric with its labels, which has to be whole. */
const messageLimitBytes = 1024 * 1024;

const fixedFieldBytes = 10;

const noView = new DataView(new ArrayBuffer(0));

const state = { family: 'family', fields: 'fields', skip: 'skip' } as const;

export interface DelimitedReaderOptions {
  /** Its last body had the same sender and names. Default: every sample is visited. */
  readonly matcher?: SeriesMatcher | undefined;
  /** Indexes of families, after which the rest of an unfiltered body is ignored. */
  readonly until?: readonly number[] | undefined;
  /** False: slow path only. Default: true. */
  readonly fastPath?: boolean | undefined;
  /** Families that were requested for another reader of the body: skipped, but no sign of an unfiltered body. */
  readonly skipped?: readonly string[] | undefined;
}

export class DelimitedReader {
  readonly #sink: SampleSink;
  /** Undefined: slow path only. */
  readonly #matcher: SeriesMatcher | undefined;
  readonly #header: FamilyHeader;
  #state: keyof typeof state = state.family;
  #familyLeft = 0;
  #skipLeft = 0;
  #hasOtherFamilies = false;
  #view: DataView = noView;
  readonly #missing: Set<number> | undefined;
  #consumed = 0;
  readonly #carry = new CarryBuffer();
  /** Least bytes of the cut message. */
  #needed = 0;
  /** Whether the message behind what was read is known to be cut. */
  #isCut = false;

  constructor(
    names: readonly string[],
    sink: SampleSink,
    { matcher, until, fastPath = true, skipped }: DelimitedReaderOptions = {},
  ) {
    this.#sink = sink;
    this.#header = new FamilyHeader(names, skipped);
    this.#missing = until === undefined ? undefined : new Set(until);
    matcher?.beginBody();
    if (fastPath) this.#matcher = matcher;
    else matcher?.addUnmatchable();
  }

  get hasEnough(): boolean {
    return this.#missing?.size === 0 && this.#hasOtherFamilies && this.#state === state.family;
  }

  /** @throws ExpositionError if the bytes are not such messages. */
  write(chunk: Borrowed<Buffer>): void {
    // Most chunks of an unfiltered body.
    if (this.#state === state.skip && this.#skipLeft > chunk.length) {
      this.#consumed += this.#skip(0, chunk.length);
      return;
    }
    let at = 0;
    while (this.#carry.length > 0 && !this.hasEnough) {
      const end = at + Math.min(this.#needed - this.#carry.length, chunk.length - at);
      this.#carry.append(chunk, at, end);
      at = end;
      if (this.#carry.length < this.#needed) return;
      const used = this.#read(this.#carry.bytes, 0, this.#carry.length);
      this.#consumed += used;
      this.#carry.discard(used);
    }
    const used = this.#read(chunk, at, chunk.length);
    if (used < chunk.length && !this.hasEnough) this.#carry.append(chunk, used, chunk.length);
    this.#consumed += used - at;
  }

  /** @throws ExpositionError within a message. */
  end(): BodySummary {
    if (!this.hasEnough && (this.#carry.length > 0 || this.#state !== state.family)) {
      cursor.baseOffset = this.#consumed;
      throw cursor.cutOff(0);
    }
    return { hasOtherFamilies: this.#hasOtherFamilies };
  }

  /** Returns where the whole messages end. Before the range's end, `#needed` is set. */
  #read(body: Buffer, start: number, end: number): number {
    let at = start;
    cursor.body = body;
    cursor.baseOffset = this.#consumed - start;
    this.#view = viewOver(body.buffer);
    while ((at < end && !this.hasEnough) || (this.#state === state.fields && this.#familyLeft === 0)) {
      const next = this.#readNext(body, at, end);
      if (next === -1) {
        if (this.#needed > messageLimitBytes) {
          throw cursor.error(`a message of more than ${messageLimitBytes} bytes`, at);
        }
        return at;
      }
      at = next;
      // A chunk's end has cut the next message.
      if (this.#isCut) break;
    }
    this.#isCut = false;
    return at;
  }

  #readNext(body: Buffer, at: number, end: number): number {
    switch (this.#state) {
      case state.family:
        return this.#beginFamily(at, end);
      case state.skip:
        return this.#skip(at, end);
      case state.fields:
        return this.#readFields(body, at, end);
    }
  }

  #skip(at: number, end: number): number {
    const count = Math.min(this.#skipLeft, end - at);
    this.#skipLeft -= count;
    this.#familyLeft -= count;
    if (this.#skipLeft === 0) this.#state = this.#header.family === -1 ? state.family : state.fields;
    return at + count;
  }

  #beginFamily(at: number, end: number): number {
    const header = this.#header;
    const start = header.read(cursor, at, end);
    if (start === -1) return this.#needs(header.neededBytes);
    this.#familyLeft = header.contentBytes;
    if (header.family !== -1) {
      this.#matcher?.beginFamily(header.family);
      this.#state = state.fields;
      return start;
    }
    if (!header.isSkipped) this.#hasOtherFamilies = true;
    this.#skipLeft = header.contentBytes;
    if (header.contentBytes > 0) this.#state = state.skip;
    return start;
  }

  /** Both paths show the sink the same samples: see `fastpath.test.ts`. */
  #readFields(body: Buffer, from: number, end: number): number {
    // Fast path: reads only numbers of samples that match by position.
    const at = this.#matcher === undefined ? from : this.#readMatching(body, from, end, this.#matcher);
    if (this.#familyLeft === 0) {
      this.#matcher?.endFamily();
      this.#missing?.delete(this.#header.family);
      this.#state = state.family;
      return at;
    }
    // Slow path: parses other fields whole.
    return at > from ? at : this.#readField(body, at, end);
  }

  #readMatching(body: Buffer, from: number, end: number, matcher: SeriesMatcher): number {
    const view = this.#view;
    // Small integers: V8 would allocate an object for other numbers at each call.
    const base = body.byteOffset | 0;
    const limit = (base + Math.min(end, from + this.#familyLeft)) | 0;
    let at = (base + from) | 0;
    sample.family = this.#header.family;
    while (at < limit) {
      at = matcher.takeExpected(view, at, limit, sample, this.#sink);
      const size = at < limit ? matcher.takeOne(view, at, limit, sample, this.#sink) : 0;
      if (size === 0) break;
      at += size;
    }
    const stop = at - base;
    this.#familyLeft -= stop - from;
    if (at < limit && stop > from) this.#noteCut(matcher.sizeAt(view, at, limit), limit - at);
    return stop;
  }

  /** Spares a second look at a message that the chunk's end has cut. @param size 0 if unknown. */
  #noteCut(size: number, available: number): void {
    // A message longer than its family is refused by the slow path: no further bytes make it whole.
    if (size <= available || size > this.#familyLeft) return;
    this.#isCut = true;
    this.#needed = size;
  }

  #readField(body: Buffer, at: number, end: number): number {
    const limit = Math.min(end, at + this.#familyLeft);
    const isLast = limit - at === this.#familyLeft;
    if (!isLast && !hasVarint(body, at, limit)) return this.#needs(limit - at + 1);
    cursor.at = at;
    const number = cursor.tag(limit);
    if (cursor.type !== wireType.length) {
      if (!isLast && limit - cursor.at < fixedFieldBytes) return this.#needs(cursor.at - at + fixedFieldBytes);
      cursor.skip(limit);
      return this.#used(at, cursor.at);
    }
    if (!isLast && !hasVarint(body, cursor.at, limit)) return this.#needs(limit - at + 1);
    const lengthAt = cursor.at;
    const length = cursor.varint(limit);
    const stop = cursor.at + length;
    if (length < 0 || stop - at > this.#familyLeft) throw cursor.cutOff(lengthAt);
    if (number !== familyField.metric) {
      this.#used(at, cursor.at);
      this.#skipLeft = length;
      if (length > 0) this.#state = state.skip;
      return cursor.at;
    }
    if (stop > limit) return this.#needs(stop - at);
    this.#visit(body, cursor.at, stop);
    return this.#used(at, stop);
  }

  #visit(body: Buffer, start: number, stop: number): void {
    const { family } = this.#header;
    const base = body.byteOffset;
    if (this.#sink.recognise?.(this.#view, base + start, base + stop, family) === true) return;
    sample.begin(body, family);
    cursor.at = start;
    readMetric(cursor, stop, sample);
    const row = this.#sink.visit(sample);
    const matcher = this.#matcher;
    if (row === noRow || matcher === undefined) return;
    const position = positionOf(sample, matcher.identity, this.#view, body.byteOffset, start, stop);
    if (position === undefined) matcher.addUnmatchable();
    else matcher.add(row, this.#view, position, this.#sink.needsValue(row));
  }

  #used(at: number, to: number): number {
    this.#familyLeft -= to - at;
    return to;
  }

  #needs(bytes: number): -1 {
    this.#needed = bytes;
    return -1;
  }
}
