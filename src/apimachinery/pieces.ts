/** Response bodies in pieces: a list of 150,000 pods is 62 MB, too much to keep or to make at once. Writing allocates nothing (`npm run bench -- lists`). */

/**
 * Bytes that are made while taken. Each short step yields a piece, valid until the next step, or undefined, so that
 * other work can run. The last is returned, so that a body of one piece is known to be complete.
 */
export type Pieces = Iterator<Buffer | undefined, Buffer, void>;

/** Large enough that making it costs more than sending it, small enough to hold for each client. */
export const pieceBytes = 240 * 1024;

export function inOnePiece(bytes: Buffer): Pieces {
  return { next: () => ({ done: true, value: bytes }) };
}

/** Yields full pieces. Each slice is a step. */
export function* writeSlices<T>(
  writer: PieceWriter,
  slices: Iterable<readonly T[]>,
  write: (item: T) => void,
): Generator<Buffer | undefined, void, void> {
  for (const slice of slices) {
    for (const item of slice) {
      write(item);
      if (writer.length >= pieceBytes) yield writer.take();
    }
    yield undefined;
  }
}

export class PieceWriter {
  length = 0;
  #bytes = Buffer.allocUnsafeSlow(firstBytes);

  /** Valid until the next write. */
  take(): Buffer {
    const piece = this.#bytes.subarray(0, this.length);
    this.length = 0;
    return piece;
  }

  /** Reports whether to keep the buffer for the next list. */
  isSmall(): boolean {
    return this.#bytes.length <= keptBytes;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = value;
  }

  again(start: number, length: number): void {
    this.#reserve(length);
    this.#bytes.copyWithin(this.length, start, start + length);
    this.length += length;
  }

  text(text: string): void {
    // In UTF-8, one UTF-16 unit takes three bytes at most.
    this.#reserve(text.length * 3);
    this.length += this.#bytes.write(text, this.length);
  }

  /** Writes the text if all its characters are marked; otherwise returns false. */
  textOf(text: string, marked: Uint8Array): boolean {
    const { length } = text;
    this.#reserve(length);
    const bytes = this.#bytes;
    const start = this.length;
    for (let index = 0; index < length; index += 1) {
      const unit = text.charCodeAt(index);
      if (marked[unit] !== 1) return false;
      bytes[start + index] = unit;
    }
    this.length = start + length;
    return true;
  }

  decimal(whole: number): void {
    if (whole > largestSmall) return this.#largeDecimal(whole);
    this.#reserve(longestSmall);
    let rest = whole | 0;
    let at = this.length + digitsOf(rest);
    this.length = at;
    const bytes = this.#bytes;
    do {
      const quotient = (rest / 10) | 0;
      at -= 1;
      bytes[at] = zero + rest - quotient * 10;
      rest = quotient;
    } while (rest !== 0);
  }

  /** @param small up to 2^31: 9993 is 9.993, 15000 is 15. */
  thousandths(small: number): void {
    const whole = (small / 1000) | 0;
    this.decimal(whole);
    const rest = small - whole * 1000;
    if (rest === 0) return;
    this.#reserve(4);
    const bytes = this.#bytes;
    const tenths = (rest / 100) | 0;
    const hundredths = ((rest - tenths * 100) / 10) | 0;
    const last = rest - tenths * 100 - hundredths * 10;
    bytes[this.length] = point;
    bytes[this.length + 1] = zero + tenths;
    bytes[this.length + 2] = zero + hundredths;
    bytes[this.length + 3] = zero + last;
    this.length += last !== 0 ? 4 : hundredths !== 0 ? 3 : 2;
  }

  /** @param seconds since midnight: 3661 is 01:01:01. */
  timeOfDay(seconds: number): void {
    this.#reserve(8);
    const minutes = (seconds / 60) | 0;
    const hours = (minutes / 60) | 0;
    this.#twoDigits(this.length, hours);
    this.#bytes[this.length + 2] = colon;
    this.#twoDigits(this.length + 3, minutes - hours * 60);
    this.#bytes[this.length + 5] = colon;
    this.#twoDigits(this.length + 6, seconds - minutes * 60);
    this.length += 8;
  }

  #twoDigits(at: number, whole: number): void {
    const tens = (whole / 10) | 0;
    this.#bytes[at] = zero + tens;
    this.#bytes[at + 1] = zero + whole - tens * 10;
  }

  #largeDecimal(whole: number): void {
    if (!Number.isSafeInteger(whole)) return this.text(BigInt(whole).toString());
    const high = Math.floor(whole / 1e9);
    const low = whole - high * 1e9;
    this.decimal(high);
    for (let unit = 1e8; unit > low && unit > 1; unit /= 10) this.byte(zero);
    this.decimal(low);
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.length + bytes));
    larger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = larger;
  }
}

/** Enough for a single object; doubles up to the size of a piece. */
const firstBytes = 4 * 1024;
/** Larger ones come from single objects. */
const keptBytes = 1024 * 1024;
const zero = 0x30;
const point = 0x2e;
const colon = 0x3a;
const largestSmall = 0x7fff_ffff;
const longestSmall = 10;

function digitsOf(small: number): number {
  if (small < 1e5) return small < 100 ? (small < 10 ? 1 : 2) : small < 1e3 ? 3 : small < 1e4 ? 4 : 5;
  return small < 1e7 ? (small < 1e6 ? 6 : 7) : small < 1e8 ? 8 : small < 1e9 ? 9 : 10;
}
