/** Stores rows' identities in words. Words are doubles: eight bytes compare as fast as four, and no text is NaN. */
import { shortWord, shortWordBytes } from './scratch.ts';

export const wordBytes = 8;

/** Per sender; rows beyond it do not match. */
const wordLimit = 1024 * 1024;

/** Small at first: there are thousands of senders. */
const firstWords = 128;
const firstRows = 32;

/** Start of its words, bytes of the identity (-1 without one). */
const extentSize = 2;

export class RowIdentities {
  words = new Float64Array(firstWords);
  extents: Int32Array = new Int32Array(firstRows * extentSize).fill(-1);
  #used = 0;

  get rows(): number {
    return this.extents.length / extentSize;
  }

  /** Stores or compares the identity. Returns false if they differ, or without memory: the sample must not match. */
  store(row: number, view: DataView, at: number, length: number): boolean {
    if (row * extentSize >= this.extents.length) this.#grow(row);
    const stored = this.#lengthOf(row);
    if (stored >= 0) return stored === length && isIdentity(this.extents, this.words, row, view, at);
    const count = wordsOf(length);
    if (this.#used + count > wordLimit) return false;
    this.#reserve(this.#used + count);
    let word = this.#used;
    this.extents[row * extentSize] = word;
    this.extents[row * extentSize + 1] = length;
    this.#used += count;
    if (length < wordBytes) {
      this.words[word] = shortWordAt(view, at, length);
      return true;
    }
    const last = at + length - wordBytes;
    for (let next = at; next < last; next += wordBytes, word += 1) this.words[word] = view.getFloat64(next, true);
    this.words[word] = view.getFloat64(last, true);
    return true;
  }

  renumber(kept: readonly number[]): void {
    const words = new Float64Array(this.#used);
    const extents = new Int32Array(kept.length * extentSize).fill(-1);
    let used = 0;
    for (let row = 0; row < kept.length; row += 1) {
      const length = this.#lengthOf(kept[row]!);
      if (length < 0) continue;
      const count = wordsOf(length);
      const start = this.extents[kept[row]! * extentSize]!;
      for (let word = 0; word < count; word += 1) words[used + word] = this.words[start + word]!;
      extents[row * extentSize] = used;
      extents[row * extentSize + 1] = length;
      used += count;
    }
    this.words = words.slice(0, Math.max(used, 1));
    this.extents = extents;
    this.#used = used;
  }

  #lengthOf(row: number): number {
    return this.extents[row * extentSize + 1] ?? -1;
  }

  #grow(row: number): void {
    const larger = new Int32Array(withSpare(row + 1) * extentSize).fill(-1);
    larger.set(this.extents);
    this.extents = larger;
  }

  #reserve(words: number): void {
    if (words <= this.words.length) return;
    const larger = new Float64Array(withSpare(words));
    larger.set(this.words.subarray(0, this.#used));
    this.words = larger;
  }
}

/**
 * Reports whether the bytes are the row's identity; the last word overlaps the previous one. Hot: `| 0` spares V8 the
 * overflow check of each addition, a third of it. Literals, as names would make it too long to be inlined.
 */
export function isIdentity(extents: Int32Array, words: Float64Array, row: number, view: DataView, at: number): boolean {
  const first = row << 1;
  const length = extents[first | 1]! | 0;
  let word = extents[first]! | 0;
  if (length < 8) return shortWordAt(view, at, length) === words[word];
  const last = (at + length - 8) | 0;
  let next = at | 0;
  for (const fourth = (last - 24) | 0; next < fourth; next = (next + 32) | 0) {
    if (
      view.getFloat64(next, true) !== words[word] ||
      view.getFloat64((next + 8) | 0, true) !== words[(word + 1) | 0] ||
      view.getFloat64((next + 16) | 0, true) !== words[(word + 2) | 0] ||
      view.getFloat64((next + 24) | 0, true) !== words[(word + 3) | 0]
    ) {
      return false;
    }
    word = (word + 4) | 0;
  }
  for (; next < last; next = (next + 8) | 0) {
    if (view.getFloat64(next, true) !== words[word]) return false;
    word = (word + 1) | 0;
  }
  return view.getFloat64(last, true) === words[word];
}

function shortWordAt(view: DataView, at: number, length: number): number {
  shortWordBytes.fill(0);
  for (let byte = 0; byte < length; byte += 1) shortWordBytes[byte] = view.getUint8(at + byte);
  return shortWord[0]!;
}

function withSpare(count: number): number {
  return count + (count >> 2);
}

function wordsOf(lengthBytes: number): number {
  return Math.max(1, Math.ceil(lengthBytes / wordBytes));
}
