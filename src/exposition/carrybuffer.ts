/** Keeps a message or line cut by a chunk's end. */
import type { Borrowed } from '../sample/borrowed.ts';

const empty = Buffer.alloc(0);

/** Doubles: chunks may have one byte each. */
export class CarryBuffer {
  bytes: Buffer = empty;
  length = 0;

  append(chunk: Borrowed<Buffer>, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.bytes.length));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    chunk.copy(this.bytes, this.length, start, end);
    this.length = length;
  }

  discard(count: number): void {
    if (count === this.length) {
      this.length = 0;
      return;
    }
    this.bytes.copyWithin(0, count, this.length);
    this.length -= count;
  }
}
