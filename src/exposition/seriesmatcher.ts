/**
 * Remembers which series the samples of one sender's last body were of, so that of the next one only the numbers have to be read. A sample is
 * recognised where it has the length of the one that was there before, and the same bytes where those say which series it is; others are looked at.
 * What comes and goes in between shifts the others: they are found again a little further on.
 */
import { takePlainNumbers } from './plainnumbers.ts';
import type { Sample, SampleSink } from './sample.ts';

/**
 * Numbers kept per sample: its first three bytes, which say that it is a metric and how long it is; how many bytes it has; flags, where in the sample its
 * identity starts, and how far before that its detail ends (0 where it has none); the series.
 */
const entrySize = 4;
const threeBytes = 0xff_ffff;
/** With which the three are read. */
const intBytes = 4;
const isUntimed = 1;
const isUnwanted = 2;
const flagBits = 2;
const offsetMask = 0x3fff;
const detailShift = 16;
/** Of what is kept of a detail's distance. */
const detailLimitBytes = (1 << 15) - 1;
/** How many samples that have gone may lie between two that are still there; those of a whole pod do. */
const lookAhead = 16;
/** Numbers kept per series: where its words start, and of how many bytes the identity is. */
const seriesSize = 2;
/** Of a series that nobody wants, the end of its identity is compared: nothing is made of its numbers. Of a cgroup's path this is most of an ID or UID. */
const unwantedBytes = 24;
/** Of thousands of senders, room that nobody needs adds up. */
const firstWords = 128;
/** Words of identities (8 bytes each) that are kept of one sender; what is beyond is looked at each time. */
const wordLimit = 1024 * 1024;
const firstSeries = 32;

/**
 * Says which series a sample is of: all that stands before its numbers, or the value of one label, all of which is compared. `detail` is a label that
 * some families have before it: its value is compared with the one that the family's samples had.
 */
export type Identity = 'all labels' | { readonly label: string; readonly detail: string };

/** A sample as it stands in its body, with the tag and the length before its message; where it is in the view's memory, and what says of which series it is. */
export interface Remembered {
  readonly start: number;
  readonly size: number;
  readonly identity: { readonly start: number; readonly length: number };
  /** The value of the detail; undefined where the sample has none. */
  readonly detail: Range | undefined;
  readonly isTimed: boolean;
  readonly isWanted: boolean;
}

interface Range {
  readonly start: number;
  readonly end: number;
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
  /** The detail of each family as a word; NaN where no sample of it had one. */
  readonly #details: Float64Array;
  #family = 0;
  #entries: Int32Array;
  /** Of the sample that is expected next. */
  #at = 0;
  /** What will be remembered of the family, from the first sample on that was not where it was expected. */
  #next: number[] | undefined;

  /** @param families how many are asked for. */
  constructor(identity: Identity, families: number) {
    this.identity = identity;
    this.#families = Array.from({ length: families }, () => new Int32Array());
    this.#details = new Float64Array(families).fill(Number.NaN);
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
    const detail = this.#details[this.#family]!;
    let at = from;
    let place = this.#at;
    while (place < entries.length) {
      const stop = at + entries[place + 1]!;
      if (stop > limit || (view.getInt32(at, true) & threeBytes) !== entries[place]) break;
      const flags = entries[place + 2]!;
      const series = entries[place + 3]!;
      if (!isSameSample(known, words, series, view, at, flags, detail)) break;
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
      if (!isSameSample(this.#series, this.#words, series, view, at, flags, this.#details[this.#family]!)) continue;
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
  note(series: number, view: DataView, { start, size, identity, detail, isTimed, isWanted }: Remembered): void {
    this.#diverge();
    if (series * seriesSize >= this.#series.length) this.#grow(series);
    const length = isWanted ? identity.length : Math.min(identity.length, unwantedBytes);
    const at = identity.start + identity.length - length;
    if (this.#lengthOf(series) < 0) {
      if (this.#wordsUsed + wordsOf(length) > wordLimit) {
        this.pass();
        return;
      }
      this.#keepIdentity(series, view, at, length);
    }
    const detailBytes = detail === undefined ? 0 : this.#detailBytes(view, start, detail, at);
    // One series by two identities would not be found again under both, and must not be read beyond the message's end.
    const isSame = this.#lengthOf(series) === length && isIdentity(this.#series, this.#words, series, view, at);
    if (!isSame || detailBytes === notKept || at - start > offsetMask) {
      this.pass();
      return;
    }
    const flags = (isTimed ? 0 : isUntimed) | (isWanted ? 0 : isUnwanted);
    const packed = (detailBytes << detailShift) | ((at - start) << flagBits) | flags;
    this.#next?.push(view.getInt32(start, true) & threeBytes, size, packed, series);
  }

  /** How far the detail ends before the identity, if it is the family's; else `notKept`. */
  #detailBytes(view: DataView, sampleStart: number, { start, end }: Range, identityStart: number): number {
    const bytes = identityStart - end;
    // The word that ends with the value holds its length, too, so that none is taken for the end of a longer one.
    if (end - start > wordBytes - headBytes || end - wordBytes < sampleStart) return notKept;
    if (bytes <= 0 || bytes > detailLimitBytes) return notKept;
    const word = view.getFloat64(end - wordBytes, true);
    const known = this.#details[this.#family]!;
    if (Number.isNaN(known)) this.#details[this.#family] = word;
    return word === this.#details[this.#family] ? bytes : notKept;
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

  #keepIdentity(series: number, view: DataView, at: number, length: number): void {
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

/** Before a label's value, and of its identity: they hold its length, so that none is taken for a longer one. */
export const headBytes = 2;

/** Instead of how far a detail is: it is none that can be compared. */
const notKept = -1;

/** Whether it is a sample of the series, by its identity and, where it has one, its detail. */
function isSameSample(
  known: Int32Array,
  words: Float64Array,
  series: number,
  view: DataView,
  start: number,
  packed: number,
  detail: number,
): boolean {
  const at = start + ((packed >> flagBits) & offsetMask);
  const detailBytes = packed >> detailShift;
  if (detailBytes !== 0 && view.getFloat64(at - detailBytes - wordBytes, true) !== detail) return false;
  return isIdentity(known, words, series, view, at);
}

/** Word by word, where the last one overlaps the one before. */
function isIdentity(known: Int32Array, words: Float64Array, series: number, view: DataView, at: number): boolean {
  const first = series * seriesSize;
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
