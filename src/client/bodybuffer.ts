/** Assembles bodies in one growing buffer: more buffers make V8 collect garbage sooner. */

export class BodyBuffer {
  #buffer = Buffer.alloc(0);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  add(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#buffer.length));
      this.bytes().copy(larger);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.#length);
    this.#length = length;
  }

  /** Valid until `clear`. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}
