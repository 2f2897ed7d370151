/**
 * Reads the samples of wanted families out of delimited io.prometheus.client.MetricFamily messages.
 * A family that nobody wants costs its length and its name, whatever its size.
 * The schema: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
 */
import { ExpositionError, isAt, Sample, viewOf } from './sample.ts';
import type { Seen, Visit } from './sample.ts';

/** Field numbers of the messages that are read; everything else is skipped. */
const familyName = 1;
const familyMetric = 4;
const metricLabel = 1;
const metricGauge = 2;
const metricCounter = 3;
const metricUntyped = 5;
const metricTimestampMs = 6;
const labelName = 1;
const labelValue = 2;
const valueOfValue = 1;

const typeVarint = 0;
const typeFixed64 = 1;
const typeLength = 2;
const typeFixed32 = 5;

/** Bytes of the longest varint: 64 bits in sevens. */
const varintLimit = 10;

/**
 * Visits each sample whose family is one of the names, in the body's order.
 * Throws ExpositionError where the bytes are not such messages or end within one.
 */
export function readDelimited(bytes: Uint8Array, names: readonly string[], visit: Visit): Seen {
  const reader = new FamilyReader(viewOf(bytes), names, visit);
  return { unwanted: reader.readAll() };
}

/** Walks nested messages; each method leaves the position at the end of what it read, never beyond the message's end. */
class FamilyReader {
  readonly #body: Buffer;
  readonly #names: readonly string[];
  readonly #visit: Visit;
  readonly #sample: Sample;
  #at = 0;
  #type = 0;

  constructor(body: Buffer, names: readonly string[], visit: Visit) {
    this.#body = body;
    this.#names = names;
    this.#visit = visit;
    this.#sample = new Sample(body);
  }

  /** True if there was a family that nobody wants. */
  readAll(): boolean {
    let unwanted = false;
    while (this.#at < this.#body.length) {
      const end = this.#length(this.#body.length);
      const start = this.#at;
      const family = this.#familyOf(end);
      this.#at = start;
      if (family === -1) unwanted = true;
      else this.#metrics(family, end);
      this.#at = end;
    }
    return unwanted;
  }

  /** The index of the message's family, -1 if nobody wants it. The name comes first, but the format does not promise it. */
  #familyOf(end: number): number {
    const start = this.#at;
    while (this.#at < end) {
      const field = this.#tag(end);
      if (field !== familyName || this.#type !== typeLength) {
        this.#skip(end);
        continue;
      }
      const nameEnd = this.#length(end);
      const nameStart = this.#at;
      return this.#names.findIndex((name) => isAt(this.#body, nameStart, nameEnd, name));
    }
    throw new ExpositionError('a metric family without a name', start);
  }

  #metrics(family: number, end: number): void {
    while (this.#at < end) {
      const field = this.#tag(end);
      if (field === familyMetric && this.#type === typeLength) this.#metric(family, this.#length(end));
      else this.#skip(end);
    }
  }

  #metric(family: number, end: number): void {
    const start = this.#at;
    const sample = this.#sample;
    let valued = false;
    sample.begin(family);
    while (this.#at < end) {
      const field = this.#tag(end);
      if (this.#type === typeLength && field === metricLabel) {
        this.#label(this.#length(end));
      } else if (
        this.#type === typeLength &&
        (field === metricGauge || field === metricCounter || field === metricUntyped)
      ) {
        sample.value = this.#value(this.#length(end));
        valued = true;
      } else if (this.#type === typeVarint && field === metricTimestampMs) {
        sample.timestampMs = this.#varint(end);
      } else {
        this.#skip(end);
      }
    }
    if (!valued) throw new ExpositionError('a metric that is no gauge, counter or untyped value', start);
    this.#visit(sample);
  }

  #label(end: number): void {
    let nameStart = this.#at;
    let nameEnd = this.#at;
    let valueStart = this.#at;
    let valueEnd = this.#at;
    while (this.#at < end) {
      const field = this.#tag(end);
      if (this.#type !== typeLength || (field !== labelName && field !== labelValue)) {
        this.#skip(end);
        continue;
      }
      const textEnd = this.#length(end);
      if (field === labelName) {
        nameStart = this.#at;
        nameEnd = textEnd;
      } else {
        valueStart = this.#at;
        valueEnd = textEnd;
      }
      this.#at = textEnd;
    }
    this.#sample.addLabel(nameStart, nameEnd, valueStart, valueEnd, false);
  }

  /** Gauge, Counter and Untyped are the same on the wire; a message without its value means zero. */
  #value(end: number): number {
    let value = 0;
    while (this.#at < end) {
      const field = this.#tag(end);
      if (field !== valueOfValue || this.#type !== typeFixed64) {
        this.#skip(end);
        continue;
      }
      value = this.#body.readDoubleLE(this.#fixed(8, end));
    }
    return value;
  }

  /** Returns the field's number and leaves its wire type in #type. */
  #tag(end: number): number {
    const start = this.#at;
    const tag = this.#varint(end);
    if (tag < 8 || tag > 0xffff_ffff) throw new ExpositionError('not a protobuf field', start);
    this.#type = tag % 8;
    return Math.floor(tag / 8);
  }

  #skip(end: number): void {
    switch (this.#type) {
      case typeVarint:
        this.#varint(end);
        return;
      case typeFixed64:
        this.#fixed(8, end);
        return;
      case typeLength:
        this.#at = this.#length(end);
        return;
      case typeFixed32:
        this.#fixed(4, end);
        return;
      default:
        throw new ExpositionError(`unknown protobuf wire type ${this.#type}`, this.#at);
    }
  }

  /** Reads a length and returns where that many bytes end. */
  #length(end: number): number {
    const start = this.#at;
    const length = this.#varint(end);
    if (length < 0 || length > end - this.#at) {
      throw new ExpositionError('a length beyond the end, the body is cut off or is not delimited protobuf', start);
    }
    return this.#at + length;
  }

  /** Steps over a fixed-size value and returns where it starts. */
  #fixed(size: number, end: number): number {
    const start = this.#at;
    if (size > end - start) throw new ExpositionError('a number beyond the end of its message', start);
    this.#at = start + size;
    return start;
  }

  /** A signed 64-bit number, exact up to 2^53 in size. */
  #varint(end: number): number {
    const start = this.#at;
    let low = 0;
    let high = 0;
    for (let index = 0; index < varintLimit; index += 1) {
      if (this.#at >= end) throw new ExpositionError('a number beyond the end of its message', start);
      const byte = this.#body[this.#at]!;
      const bits = byte & 0x7f;
      this.#at += 1;
      if (index < 4) {
        low |= bits << (7 * index);
      } else if (index === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else {
        high |= bits << (7 * index - 32);
      }
      if (byte < 0x80) return high * 0x1_0000_0000 + (low >>> 0);
    }
    throw new ExpositionError('a number that does not end', start);
  }
}
