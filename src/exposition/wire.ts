/** Walks protobuf's wire format; throws ExpositionError. */
import { ExpositionError } from './sample.ts';

export const wireType = { varint: 0, fixed64: 1, length: 2, fixed32: 5 } as const;

/** 64 bits, seven in each byte. */
export const varintLimitBytes = 10;

const none = Buffer.alloc(0);

/** Methods stop behind what they read, never beyond the given end. */
export class Cursor {
  body: Buffer = none;
  at = 0;
  type = 0;
  /** For errors: bytes before this memory. */
  baseOffset = 0;

  /** Returns the field's number and sets `type`. */
  tag(end: number): number {
    const start = this.at;
    const tag = this.varint(end);
    if (tag < 8 || tag > 0xffff_ffff) throw this.error('not a protobuf field', start);
    this.type = tag % 8;
    return Math.floor(tag / 8);
  }

  skip(end: number): void {
    switch (this.type) {
      case wireType.varint:
        this.varint(end);
        return;
      case wireType.fixed64:
        this.fixed(8, end);
        return;
      case wireType.length:
        this.at = this.length(end);
        return;
      case wireType.fixed32:
        this.fixed(4, end);
        return;
      default:
        throw this.error(`unknown protobuf wire type ${this.type}`, this.at);
    }
  }

  /** Returns where the delimited bytes end. */
  length(end: number): number {
    const start = this.at;
    const length = this.varint(end);
    if (length < 0 || length > end - this.at) throw this.cutOff(start);
    return this.at + length;
  }

  /** Skips a value and returns its start. */
  fixed(size: number, end: number): number {
    const start = this.at;
    if (size > end - start) throw this.error('a number beyond the end of its message', start);
    this.at = start + size;
    return start;
  }

  /** Exact up to 2^53 in magnitude. */
  varint(end: number): number {
    const start = this.at;
    let low = 0;
    let high = 0;
    for (let index = 0; index < varintLimitBytes; index += 1) {
      if (this.at >= end) throw this.error('a number beyond the end of its message', start);
      const byte = this.body[this.at]!;
      const bits = byte & 0x7f;
      this.at += 1;
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
    throw this.error('a number that does not end', start);
  }

  cutOff(at: number): ExpositionError {
    return this.error('a length beyond the end, the body is cut off or is not delimited protobuf', at);
  }

  error(problem: string, at: number): ExpositionError {
    return new ExpositionError(problem, this.baseOffset + at);
  }
}

/** Reports whether the bytes hold a whole varint, or more than one has. */
export function hasVarint(body: Buffer, at: number, end: number): boolean {
  const limit = Math.min(end, at + varintLimitBytes);
  for (let index = at; index < limit; index += 1) if (body[index]! < 0x80) return true;
  return end - at >= varintLimitBytes;
}
