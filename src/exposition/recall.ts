/**
 * Remembers which series the samples of one sender's last body were of, so that of the next one only the numbers have to be read. A sample is
 * recognised where it has the length of the one that was there before, and the same bytes where those say which series it is; others are looked at.
 * What comes and goes in between shifts the others: they are found again a little further on.
 */
import { takePlainNumbers } from './plainnumbers.ts';
import type { Sample, SampleSink } from './sample.ts';

/**
 * Numbers kept per sample: its first three bytes, which say that it is a metric and how long it is; how many bytes it has; where in them those of its
 * identity start that are compared (in the bits above the flags); the series.
 */
const entrySize = 4;
const threeBytes = 0xff_ffff;
/** With which the three are read. */
const intBytes = 4;
const isUntimed = 1;
const isUnwanted = 2;
const flagBits = 2;
/** How many samples that have gone may lie between two that are still there; those of a whole pod do. */
const lookAhead = 16;
/** Numbers kept per series: where its words start, and of how many bytes of the identity; what stands before the identity, and how far before these bytes. */
const seriesSize = 4;
const noHead = -1;
/** Of thousands of senders, room that nobody needs adds up. */
const firstWords = 128;
const firstSeries = 32;

/**
 * What says which series a sample is of: all that stands before its numbers, or the value of one label. Of that the length and the end are compared,
 * which have to be enough to tell one from another.
 */
export type Identity = 'all labels' | { readonly label: string; readonly endBytes: number };

/** A sample as it stands in its body, with the tag and the length before its message; where it is in the view's memory, and what says of which series it is. */
export interface Remembered {
  readonly start: number;
  readonly size: number;
  readonly identity: { readonly start: number; readonly length: number };
  readonly isTimed: boolean;
  readonly isWanted: boolean;
}

export class Recall {
  readonly identity: Identity;
  /** Whether the body that is being read has samples that were not recognised, or lacks some that were there. */
  changed = false;
  /** Whether all its samples would be recognised in another body like it. */
  complete = true;
  readonly #families: Int32Array[];
  /** The identities, each from a word of its own on. Words are doubles, since eight bytes are compared as fast as four; what is text is never NaN. */
  #words = new Float64Array(firstWords);
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

  /**
   * Hands samples on for as long as each is the one that comes next if nothing has changed, and returns where these end. Hot, and small enough for V8 to
   * have all that it calls in one piece of code.
   * @param view of the memory that the positions count in.
   * @param sample whose family is known; gets the numbers.
   */
  takeExpected(view: DataView, from: number, limit: number, sample: Sample, sink: SampleSink): number {
    if (this.#next !== undefined) return from;
    const entries = this.#entries;
    const known = this.#series;
    const words = this.#words;
    let at = from;
    let place = this.#at;
    while (place < entries.length) {
      const stop = at + entries[place + 1]!;
      if (stop > limit || (view.getInt32(at, true) & threeBytes) !== entries[place]) break;
      const flags = entries[place + 2]!;
      const series = entries[place + 3]!;
      if (!isIdentity(known, words, series, view, at + (flags >> flagBits))) break;
      if (!takeNumbers(view, stop, flags, sample)) break;
      sink.add(series, sample);
      at = stop;
      place += entrySize;
    }
    this.#at = place;
    return at;
  }

  /** Hands one sample on, also where others have gone from before it or have come; returns its size, 0 where it is none that is remembered, or not whole. */
  takeOne(view: DataView, at: number, limit: number, sample: Sample, sink: SampleSink): number {
    if (limit - at < intBytes) return 0;
    const entries = this.#entries;
    const last = Math.min(entries.length, this.#at + lookAhead * entrySize);
    const head = view.getInt32(at, true) & threeBytes;
    for (let place = this.#at; place < last; place += entrySize) {
      if (entries[place] !== head) continue;
      const size = entries[place + 1]!;
      if (size > limit - at) return 0;
      const flags = entries[place + 2]!;
      const series = entries[place + 3]!;
      if (!isIdentity(this.#series, this.#words, series, view, at + (flags >> flagBits))) continue;
      if (!takeNumbers(view, at + size, flags, sample)) return 0;
      if (place > this.#at) this.#diverge();
      this.#next?.push(entries[place]!, size, flags, series);
      this.#at = place + entrySize;
      sink.add(series, sample);
      return size;
    }
    return 0;
  }

  /** Remembers a sample that was not found, in the place where it is. */
  note(series: number, view: DataView, { start, size, identity, isTimed, isWanted }: Remembered): void {
    this.#diverge();
    if (series * seriesSize >= this.#series.length) this.#grow(series);
    const length = Math.min(identity.length, this.#endBytes);
    const before = identity.length - length;
    const at = identity.start + before;
    if (this.#lengthOf(series) < 0) this.#keepIdentity(series, view, at, length, before);
    // One series by two identities would not be found again under both, and must not be read beyond the message's end.
    const isSame = this.#lengthOf(series) === length && this.#series[series * seriesSize + 3] === before + headBytes;
    if (!isSame || !isIdentity(this.#series, this.#words, series, view, at)) {
      this.pass();
      return;
    }
    const flags = (isTimed ? 0 : isUntimed) | (isWanted ? 0 : isUnwanted);
    this.#next?.push(view.getInt32(start, true) & threeBytes, size, ((at - start) << flagBits) | flags, series);
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
      const count = wordsOf(length);
      const from = series * seriesSize;
      const start = this.#series[from]!;
      for (let word = 0; word < count; word += 1) words[used + word] = this.#words[start + word]!;
      const at = place * seriesSize;
      renumberedSeries[at] = used;
      for (let number = 1; number < seriesSize; number += 1)
        renumberedSeries[at + number] = this.#series[from + number]!;
      used += count;
    }
    const places = new Int32Array(this.#series.length / seriesSize).fill(-1);
    for (let place = 0; place < kept.length; place += 1) places[kept[place]!] = place;
    this.#families.forEach((entries, family) => {
      this.#families[family] = renumbered(entries, places);
    });
    this.#words = words.slice(0, Math.max(used, 1));
    this.#wordsUsed = used;
    this.#series = renumberedSeries;
  }

  #diverge(): void {
    this.changed = true;
    this.#next ??= listOf(this.#entries, this.#at);
  }

  #lengthOf(series: number): number {
    return this.#series[series * seriesSize + 1] ?? -1;
  }

  #grow(series: number): void {
    const larger = new Int32Array(withRoom(series + 1) * seriesSize).fill(-1);
    larger.set(this.#series);
    this.#series = larger;
  }

  /** @param before how many bytes of the identity are before those that are compared. */
  #keepIdentity(series: number, view: DataView, at: number, length: number, before: number): void {
    const count = wordsOf(length);
    if (this.#wordsUsed + count > this.#words.length) {
      const larger = new Float64Array(withRoom(this.#wordsUsed + count));
      larger.set(this.#words.subarray(0, this.#wordsUsed));
      this.#words = larger;
    }
    let word = this.#wordsUsed;
    const first = series * seriesSize;
    this.#series[first] = word;
    this.#series[first + 1] = length;
    this.#series[first + 2] = this.identity === 'all labels' ? noHead : view.getUint16(at - before - headBytes);
    this.#series[first + 3] = before + headBytes;
    this.#wordsUsed += count;
    if (length < wordBytes) {
      this.#words[word] = shortWord(view, at, length);
      return;
    }
    const last = at + length - wordBytes;
    for (let next = at; next < last; next += wordBytes, word += 1) this.#words[word] = view.getFloat64(next, true);
    this.#words[word] = view.getFloat64(last, true);
  }
}

const wordBytes = 8;

/** Of a label's value: they hold its length, so that of two with the same end one cannot be longer. */
const headBytes = 2;

/** Word by word, where the last one overlaps the one before. */
function isIdentity(known: Int32Array, words: Float64Array, series: number, view: DataView, at: number): boolean {
  const first = series * seriesSize;
  const head = known[first + 2]!;
  if (head !== noHead && view.getUint16(at - known[first + 3]!) !== head) return false;
  let word = known[first]!;
  const length = known[first + 1]!;
  if (length < wordBytes) return shortWord(view, at, length) === words[word];
  const last = at + length - wordBytes;
  for (let next = at; next < last; next += wordBytes, word += 1) {
    if (view.getFloat64(next, true) !== words[word]) return false;
  }
  return view.getFloat64(last, true) === words[word];
}

/** Fewer bytes than a word has, as a word. */
function shortWord(view: DataView, at: number, length: number): number {
  shortBytes.fill(0);
  for (let byte = 0; byte < length; byte += 1) shortBytes[byte] = view.getUint8(at + byte);
  return shortWords[0]!;
}

const shortWords = new Float64Array(1);
const shortBytes = new Uint8Array(shortWords.buffer);

/** False where the numbers of a sample that ends here are not where they were. Of one that nobody wants, there are none. */
function takeNumbers(view: DataView, stop: number, flags: number, sample: Sample): boolean {
  if ((flags & isUnwanted) === 0) return takePlainNumbers(view, stop, (flags & isUntimed) === 0, sample);
  sample.value = 0;
  sample.timestampMs = Number.NaN;
  return true;
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
    const place = places[entries[at + 3]!] ?? -1;
    if (place !== -1) next.push(entries[at]!, entries[at + 1]!, entries[at + 2]!, place);
  }
  return new Int32Array(next);
}
