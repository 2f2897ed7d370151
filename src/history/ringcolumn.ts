/** Numbers of 16 bits by index, in one byte each as long as all of them fit: nearly all times and windows do. */

/** All are 0 at first. */
export class RingColumn {
  #numbers: Uint8Array | Uint16Array;
  /** What is added to a stored number other than 0. */
  #offset: number;
  /** The greatest number that can be stored. */
  #greatest = 255;

  /** @param offset 0 and the numbers from `offset + 1` to `offset + 255` fit into one byte. */
  constructor(length: number, offset: number) {
    this.#numbers = new Uint8Array(length);
    this.#offset = offset;
  }

  get length(): number {
    return this.#numbers.length;
  }

  get(at: number): number {
    const stored = this.#numbers[at]!;
    return stored === 0 ? 0 : stored + this.#offset;
  }

  /** @param value a whole number from 0 to 65,535 */
  set(at: number, value: number): void {
    const stored = value - this.#offset;
    if (stored > 0 && stored <= this.#greatest) {
      this.#numbers[at] = stored;
      return;
    }
    if (value !== 0) this.#widen();
    this.#numbers[at] = value;
  }

  /** Fills `into` with the numbers from an index on. */
  read(first: number, into: Uint16Array): void {
    for (let index = 0; index < into.length; index += 1) into[index] = this.get(first + index);
  }

  write(first: number, values: Uint16Array): void {
    for (let index = 0; index < values.length; index += 1) this.set(first + index, values[index]!);
  }

  /** Copies numbers of another column that was made with the same offset. */
  copy(from: RingColumn, first: number, count: number, to: number): void {
    if (from.#offset === this.#offset && from.#greatest <= this.#greatest) {
      this.#numbers.set(from.#numbers.subarray(first, first + count), to);
      return;
    }
    for (let index = 0; index < count; index += 1) this.set(to + index, from.get(first + index));
  }

  #widen(): void {
    const wide = new Uint16Array(this.length);
    this.read(0, wide);
    this.#numbers = wide;
    this.#offset = 0;
    this.#greatest = 65_535;
  }
}
