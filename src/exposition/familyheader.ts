/** Reads length and name of one delimited io.prometheus.client.MetricFamily message. */
import { isAt } from './sample.ts';
import { type Cursor, hasVarint, wireType } from './wire.ts';

export const familyField = { name: 1, metric: 4 } as const;

const nameTag = 0x0a;

/** Bytes of a family whose name is not first, read in one piece. All known encoders write it first. */
const unorderedFamilyLimitBytes = 64 * 1024;

/** Other formats may look like a longer name. */
const nameLimitBytes = 64 * 1024;

/** The family that was read last. */
export class FamilyHeader {
  /** -1 if not requested. */
  family = -1;
  /** Bytes of the family from where `read` returned. */
  contentBytes = 0;
  /** Least bytes of the header after `read` has returned -1. */
  neededBytes = 0;
  /** Whether the family is requested for another reader of the body. */
  isSkipped = false;
  readonly #names: readonly string[];
  readonly #skipped: readonly string[];

  constructor(names: readonly string[], skipped: readonly string[] = []) {
    this.#names = names;
    this.#skipped = skipped;
  }

  /**
   * Returns the content's start; -1 if more bytes are needed.
   * @throws ExpositionError
   */
  read(cursor: Cursor, at: number, end: number): number {
    const { body } = cursor;
    if (!hasVarint(body, at, end)) return this.#needs(end - at + 1);
    cursor.at = at;
    const length = cursor.varint(end);
    if (length < 0) throw cursor.cutOff(at);
    const start = cursor.at;
    if (length > 0 && start === end) return this.#needs(end - at + 1);
    if (body[start] !== nameTag || length === 0) return this.#readUnordered(cursor, at, start, length, end);
    if (!hasVarint(body, start + 1, end)) return this.#needs(end - at + 1);
    cursor.at = start + 1;
    const nameLength = cursor.varint(end);
    const nameEnd = cursor.at + nameLength;
    if (nameLength < 0 || nameEnd - start > length) throw cursor.cutOff(start + 1);
    if (nameEnd - at > nameLimitBytes) throw cursor.error(`a name of more than ${nameLimitBytes} bytes`, at);
    if (nameEnd > end) return this.#needs(nameEnd - at);
    this.family = this.#familyOf(body, cursor.at, nameEnd);
    this.contentBytes = length - (nameEnd - start);
    return nameEnd;
  }

  /** The content then starts at the first field. */
  #readUnordered(cursor: Cursor, at: number, start: number, length: number, end: number): number {
    if (length > unorderedFamilyLimitBytes) {
      throw cursor.error(`a family of more than ${unorderedFamilyLimitBytes} bytes whose name is not first`, at);
    }
    if (start + length > end) return this.#needs(start + length - at);
    cursor.at = start;
    while (cursor.at < start + length) {
      const number = cursor.tag(start + length);
      if (number !== familyField.name || cursor.type !== wireType.length) {
        cursor.skip(start + length);
        continue;
      }
      const nameEnd = cursor.length(start + length);
      this.family = this.#familyOf(cursor.body, cursor.at, nameEnd);
      this.contentBytes = length;
      return start;
    }
    throw cursor.error('a metric family without a name', start);
  }

  #familyOf(body: Buffer, start: number, end: number): number {
    for (let family = 0; family < this.#names.length; family += 1) {
      if (isAt(body, start, end, this.#names[family]!)) return family;
    }
    this.isSkipped = this.#skipped.some((name) => isAt(body, start, end, name));
    return -1;
  }

  #needs(bytes: number): -1 {
    this.neededBytes = bytes;
    return -1;
  }
}
