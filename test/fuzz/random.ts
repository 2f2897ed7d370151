/** Random numbers that a seed determines, and what is chosen by them. */

export class Random {
  #state: number;

  /** The same seeds yield the same numbers. */
  constructor(...seeds: readonly (number | string)[]) {
    // FNV-1a over the seeds.
    this.#state = 0x811c9dc5;
    for (const character of seeds.join('/')) {
      this.#state = Math.imul(this.#state ^ character.charCodeAt(0), 0x01000193);
    }
  }

  /** Returns a number from 0 to 2 ** 32 - 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** Returns a whole number below the limit; 0 for a limit of 0. */
  below(limit: number): number {
    return limit === 0 ? 0 : this.next() % limit;
  }

  /** Returns a whole number below the limit, small ones more often. */
  small(limit: number): number {
    return this.below(this.below(limit) + 1);
  }

  /** Reports true once in so many times. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** Returns one of them. */
  of<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined && choices.length === 0) throw new Error('nothing to choose from');
    return choice as T;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at += 1) bytes[at] = this.next() & 0xff;
    return bytes;
  }

  /** Cuts into pieces that share its memory: mostly a few, sometimes of one byte. */
  cut(bytes: Buffer): Buffer[] {
    if (this.once(3)) return [bytes];
    const longest = this.of([1, 7, 100, 5_000, bytes.length]);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      // Few bytes at a time cost a call each.
      const length = pieces.length > 2_000 ? bytes.length : 1 + this.below(longest);
      pieces.push(bytes.subarray(at, at + length));
      at += length;
    }
    return pieces;
  }
}
