/**
 * Remembers which series the samples of one sender's last body were of, so that of the next one only the numbers have to be read. A sample is
 * recognised where it has the length of the one that was there before, and the same bytes where those say which series it is; others are looked at.
 * What comes and goes in between shifts the others: they are found again a little further on.
 */

/** Numbers kept per sample: length of its message, where in it the identity starts (in the bits above these flags), the series. */
const entrySize = 3;
const isUntimed = 1;
const isUnwanted = 2;
const flagBits = 2;
/** How many samples that have gone may lie between two that are still there; those of a whole pod do. */
const lookAhead = 16;
/** Numbers kept per series: where its words start, how many bytes the identity has, and what stands before these. */
const seriesSize = 3;
/** Of thousands of senders, room that nobody needs adds up. */
const firstWords = 128;
const firstSeries = 32;

/**
 * What says which series a sample is of: all that stands before its numbers, or the value of one label. Of that the length and the end are compared,
 * which have to be enough to tell one from another.
 */
export type Identity = 'all labels' | { readonly label: string; readonly endBytes: number };

/** A message, and where in it is what says of which series it is. */
export interface Remembered {
  readonly start: number;
  readonly length: number;
  /** From the message's start on. */
  readonly identityAt: number;
  readonly identityLength: number;
  readonly isTimed: boolean;
  readonly isWanted: boolean;
}

export class Recall {
  readonly identity: Identity;
  /** Whether the body that is being read has samples that were not recognised, or lacks some that were there. */
  changed = false;
  /** Whether the sample that was found last has a time, and whether anybody wants its numbers. */
  isTimed = true;
  isWanted = true;
  /** Whether all its samples would be recognised in another body like it. */
  complete = true;
  readonly #families: Int32Array[];
  /** The identities, each from a word of its own on. Words are doubles, since eight bytes are compared as fast as four; what is text is never NaN. */
  #words = new Float64Array(firstWords);
  /** The same memory. */
  #bytes = new Uint8Array(this.#words.buffer);
  #wordsUsed = 0;
  /** A length of -1 is of a series without an identity. */
  #series: Int32Array = new Int32Array(firstSeries * seriesSize).fill(-1);
  readonly #endBytes: number;
  #family = 0;
  #entries: Int32Array;
  /** Of the sample that is expected next. */
  #at = 0;
  /** What will be remembered of the family, from the first sample on that was not where it was expected. */
  #next: number[] | undefined;

  /** @param families how many are asked for. */
  constructor(identity: Identity, families: number) {
    this.identity = identity;
    this.#endBytes = identity === 'all labels' ? Infinity : identity.endBytes;
    this.#families = Array.from({ length: families }, () => new Int32Array());
    this.#entries = this.#families[0] ?? new Int32Array();
  }

  /** Whether samples of the family are remembered. */
  remembers(family: number): boolean {
    return (this.#families[family]?.length ?? 0) > 0;
  }

  beginBody(): void {
    this.changed = false;
    this.complete = true;
  }

  beginFamily(family: number): void {
    this.#family = family;
    this.#entries = this.#families[family] ?? new Int32Array();
    this.#at = 0;
    this.#next = undefined;
  }

  /** The series of the message in this range, or -1. The view is of the memory that the positions count in. */
  find(view: DataView, start: number, length: number): number {
    const entries = this.#entries;
    const at = this.#at;
    if (at < entries.length && this.#isAt(at, view, start, length)) {
      if (this.#next !== undefined) this.#next.push(length, entries[at + 1]!, entries[at + 2]!);
      return this.#found(at);
    }
    return this.#findFurtherOn(view, start, length);
  }

  /** Remembers a sample that was not found, in the place where it is. */
  note(
    series: number,
    view: DataView,
    { start, length, identityAt, identityLength, isTimed, isWanted }: Remembered,
  ): void {
    this.#diverge();
    if (series * seriesSize >= this.#series.length) this.#grow(series);
    if (this.#lengthOf(series) < 0) this.#keepIdentity(series, view, start + identityAt, identityLength);
    // One series by two identities would not be found again under both, and must not be read beyond the message's end.
    if (this.#lengthOf(series) !== identityLength || !this.#isIdentity(series, view, start + identityAt)) {
      this.pass();
      return;
    }
    const flags = (isTimed ? 0 : isUntimed) | (isWanted ? 0 : isUnwanted);
    this.#next?.push(length, (identityAt << flagBits) | flags, series);
  }

  /** A sample that was not found and cannot be remembered. */
  pass(): void {
    this.changed = true;
    this.complete = false;
  }

  endFamily(): void {
    if (this.#at < this.#entries.length) this.#diverge();
    if (this.#next === undefined) return;
    this.#families[this.#family] = new Int32Array(this.#next);
    this.#next = undefined;
  }

  /**
   * Forgets all series but these, which get new numbers: their places in the list. What samples of others were remembered is forgotten, too.
   */
  renumber(kept: readonly number[]): void {
    const words = new Float64Array(this.#wordsUsed);
    const renumberedSeries = new Int32Array(kept.length * seriesSize).fill(-1);
    let used = 0;
    for (let place = 0; place < kept.length; place += 1) {
      const series = kept[place]!;
      const length = this.#lengthOf(series);
      if (length < 0) continue;
      const count = wordsOf(Math.min(length, this.#endBytes));
      const start = this.#series[series * seriesSize]!;
      for (let word = 0; word < count; word += 1) words[used + word] = this.#words[start + word]!;
      const at = place * seriesSize;
      renumberedSeries[at] = used;
      renumberedSeries[at + 1] = length;
      renumberedSeries[at + 2] = this.#series[series * seriesSize + 2]!;
      used += count;
    }
    const places = new Int32Array(this.#series.length / seriesSize).fill(-1);
    for (let place = 0; place < kept.length; place += 1) places[kept[place]!] = place;
    this.#families.forEach((entries, family) => {
      this.#families[family] = renumbered(entries, places);
    });
    this.#useWords(words.slice(0, Math.max(used, 1)));
    this.#wordsUsed = used;
    this.#series = renumberedSeries;
  }

  #findFurtherOn(view: DataView, start: number, length: number): number {
    const entries = this.#entries;
    const last = Math.min(entries.length, this.#at + lookAhead * entrySize);
    for (let at = this.#at + entrySize; at < last; at += entrySize) {
      if (!this.#isAt(at, view, start, length)) continue;
      this.#diverge();
      this.#next?.push(length, entries[at + 1]!, entries[at + 2]!);
      return this.#found(at);
    }
    return -1;
  }

  #found(at: number): number {
    const entries = this.#entries;
    const flags = entries[at + 1]!;
    this.#at = at + entrySize;
    this.isTimed = (flags & isUntimed) === 0;
    this.isWanted = (flags & isUnwanted) === 0;
    return entries[at + 2]!;
  }

  #diverge(): void {
    this.changed = true;
    this.#next ??= listOf(this.#entries, this.#at);
  }

  #isAt(at: number, view: DataView, start: number, length: number): boolean {
    const entries = this.#entries;
    if (entries[at] !== length) return false;
    return this.#isIdentity(entries[at + 2]!, view, start + (entries[at + 1]! >> flagBits));
  }

  #isIdentity(series: number, view: DataView, at: number): boolean {
    const known = this.#series;
    const first = series * seriesSize;
    const from = known[first]!;
    const length = known[first + 1]!;
    // With all labels, the message's length is that of the identity as well.
    if (this.#endBytes === Infinity) return this.#isSame(from, view, at, length);
    if (headOf(view, at) !== known[first + 2]) return false;
    if (length <= this.#endBytes) return this.#isSame(from, view, at, length);
    return this.#isSame(from, view, at + length - this.#endBytes, this.#endBytes);
  }

  #lengthOf(series: number): number {
    return this.#series[series * seriesSize + 1] ?? -1;
  }

  /** Word by word, where the last one overlaps the one before. */
  #isSame(from: number, view: DataView, at: number, length: number): boolean {
    const words = this.#words;
    if (length < wordBytes) return this.#isSameShort(from, view, at, length);
    let word = from;
    const last = at + length - wordBytes;
    for (let next = at; next < last; next += wordBytes, word += 1) {
      if (view.getFloat64(next, true) !== words[word]) return false;
    }
    return view.getFloat64(last, true) === words[word];
  }

  #grow(series: number): void {
    const larger = new Int32Array(withRoom(series + 1) * seriesSize).fill(-1);
    larger.set(this.#series);
    this.#series = larger;
  }

  #useWords(words: Float64Array<ArrayBuffer>): void {
    this.#words = words;
    this.#bytes = new Uint8Array(words.buffer);
  }

  #isSameShort(from: number, view: DataView, at: number, length: number): boolean {
    const bytes = this.#bytes;
    const first = from * wordBytes;
    for (let byte = 0; byte < length; byte += 1) if (view.getUint8(at + byte) !== bytes[first + byte]) return false;
    return true;
  }

  #keepIdentity(series: number, view: DataView, start: number, whole: number): void {
    const length = Math.min(whole, this.#endBytes);
    const at = start + whole - length;
    const count = wordsOf(length);
    if (this.#wordsUsed + count > this.#words.length) {
      const larger = new Float64Array(withRoom(this.#wordsUsed + count));
      larger.set(this.#words.subarray(0, this.#wordsUsed));
      this.#useWords(larger);
    }
    let word = this.#wordsUsed;
    const first = series * seriesSize;
    this.#series[first] = word;
    this.#series[first + 1] = whole;
    this.#series[first + 2] = headOf(view, start);
    this.#wordsUsed += count;
    if (length < wordBytes) {
      const first = word * wordBytes;
      for (let byte = 0; byte < length; byte += 1) this.#bytes[first + byte] = view.getUint8(at + byte);
      return;
    }
    const last = at + length - wordBytes;
    for (let next = at; next < last; next += wordBytes, word += 1) this.#words[word] = view.getFloat64(next, true);
    this.#words[word] = view.getFloat64(last, true);
  }
}

const wordBytes = 8;

/** The two bytes before a label's value hold its length. */
function headOf(view: DataView, at: number): number {
  return view.getUint16(at - 2);
}

/** A quarter more: what is kept for long seldom grows. */
function withRoom(count: number): number {
  return count + (count >> 2);
}

/** One at least, so that every identity has a word. */
function wordsOf(lengthBytes: number): number {
  return Math.max(1, Math.ceil(lengthBytes / wordBytes));
}

/** Several times faster than by its iterator. */
function listOf(numbers: Int32Array, count: number): number[] {
  const list: number[] = [];
  for (let at = 0; at < count; at += 1) list.push(numbers[at]!);
  return list;
}

/** @param places by what was the number of a series; -1 where it is forgotten. */
function renumbered(entries: Int32Array, places: Int32Array): Int32Array {
  const next: number[] = [];
  for (let at = 0; at < entries.length; at += entrySize) {
    const place = places[entries[at + 2]!] ?? -1;
    if (place !== -1) next.push(entries[at]!, entries[at + 1]!, place);
  }
  return new Int32Array(next);
}
