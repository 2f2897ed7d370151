/** Puts the pieces of a body together in one buffer that grows. */

/** Where bodies are put together, one after the other: V8 collects all garbage the sooner the more buffers are made. */
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

  /** Good until the next body. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}
