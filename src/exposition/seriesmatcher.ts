/**
 * Matches series by position: a sample is the series at the same position in the sender's previous body if length and
 * identity bytes are equal. Only its numbers are read then.
 */
import * as metric from './metric.ts';
import * as identities from './rowidentities.ts';
import { noSampleMs, type Sample, type SampleSink, type SampleTable } from './sample.ts';
import { type ByteRange, type Identity, labelHeadBytes, type SamplePosition } from './sampleposition.ts';

/**
 * Per expected sample: first three bytes (tag and length); size; flags, offset of its identity, and bytes back to its
 * detail's end (0 without one), packed; row.
 */
const entrySize = 4;
const threeBytes = 0xff_ffff;
const intBytes = 4;
const isUntimed = 1;
const needsNoValue = 2;
const flagBits = 2;
const offsetMask = 0x3fff;
const detailShift = 16;
const detailLimitBytes = (1 << 15) - 1;
/** Tried for one sample: a pod's may be gone. */
const lookAhead = 16;
/** Compared at the identity's end if the row needs no value: most of an ID or UID. */
const valuelessIdentityBytes = 24;

const notComparable = -1;
/** Local copies, for the hot loop: imported bindings are loaded from their module at each use. */
const { isIdentity, wordBytes } = identities;
const { isTime, isValueHead, timeOf } = metric;
const { valueBytes, doubleBytes, timeBytes } = metric.numberBytes;
const unseen = noSampleMs;

const noNumbers = new Float64Array();
const noTable: SampleTable = { width: 0, values: noNumbers, times: noNumbers };

export class SeriesMatcher {
  readonly identity: Identity;
  /** Whether the body has unmatched or missing samples. */
  changed = false;
  /** Whether another such body would match whole. */
  complete = true;
  readonly #families: Int32Array[];
  readonly #identities = new identities.RowIdentities();
  /** As a word; NaN before the first. */
  readonly #details: Float64Array;
  #family = 0;
  #entries: Int32Array;
  #at = 0;
  /** Undefined while all match in order. */
  #next: number[] | undefined;

  constructor(identity: Identity, families: number) {
    this.identity = identity;
    this.#families = Array.from({ length: families }, () => new Int32Array());
    this.#details = new Float64Array(families).fill(Number.NaN);
    this.#entries = this.#families[0] ?? new Int32Array();
  }

  hasSamplesOf(family: number): boolean {
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
   * Passes expected samples to the sink; returns their end.
   * @param view of the memory of all positions.
   * @param sample with its family; receives the numbers.
   */
  takeExpected(view: DataView, from: number, limit: number, sample: Sample, sink: SampleSink): number {
    if (this.#next !== undefined) return from;
    return this.#take(this.#at, this.#entries.length, view, from, limit, sample, sink);
  }

  /** Passes one sample, also after gone or new ones. Returns its size; 0 if it does not match or is not whole. */
  takeOne(view: DataView, at: number, limit: number, sample: Sample, sink: SampleSink): number {
    if (limit - at < intBytes) return 0;
    const entries = this.#entries;
    const first = this.#at;
    const last = Math.min(entries.length, first + lookAhead * entrySize);
    const head = view.getInt32(at, true) & threeBytes;
    for (let entry = first; entry < last; entry += entrySize) {
      if (entries[entry] !== head) continue;
      const size = entries[entry + 1]!;
      if (size > limit - at) return 0;
      if (this.#take(entry, entry + entrySize, view, at, limit, sample, sink) === at) {
        this.#at = first;
        continue;
      }
      if (entry > first) this.#diverge(first);
      this.#next?.push(entries[entry]!, size, entries[entry + 2]!, entries[entry + 3]!);
      return size;
    }
    return 0;
  }

  /** Returns the size of the sample if it begins as the expected one; otherwise 0. */
  sizeAt(view: DataView, at: number, limit: number): number {
    if (limit - at < intBytes || this.#at >= this.#entries.length) return 0;
    const isExpected = (view.getInt32(at, true) & threeBytes) === this.#entries[this.#at];
    return isExpected ? this.#entries[this.#at + 1]! : 0;
  }

  /**
   * Passes samples while they are those of these entries; returns their end. Hot: it calls only what V8 inlines. Where
   * the sink has a table, it writes numbers itself: a call per sample would take a tenth of decoding more.
   */
  #take(
    first: number,
    last: number,
    view: DataView,
    from: number,
    limit: number,
    sample: Sample,
    sink: SampleSink,
  ): number {
    const entries = this.#entries;
    const { extents, words } = this.#identities;
    const detail = this.#details[this.#family]!;
    const column = sink.columns?.[this.#family] ?? 0;
    const { values, times, width } = (sink.columns?.[this.#family] === undefined ? undefined : sink.numbers) ?? noTable;
    let at = from | 0;
    let entry = first | 0;
    for (; entry < last; entry = (entry + entrySize) | 0) {
      const stop = (at + entries[(entry + 1) | 0]!) | 0;
      if (stop > limit || (view.getInt32(at, true) & threeBytes) !== entries[entry]) break;
      const packed = entries[(entry + 2) | 0]!;
      const row = entries[(entry + 3) | 0]!;
      const identityAt = (at + ((packed >> flagBits) & offsetMask)) | 0;
      if (!isIdentity(extents, words, row, view, identityAt)) break;
      const detailBytes = packed >> detailShift;
      if (detailBytes !== 0 && view.getFloat64((identityAt - detailBytes - wordBytes) | 0, true) !== detail) break;
      let value = 0;
      let timestampMs = Number.NaN;
      if ((packed & needsNoValue) === 0) {
        let valueStop = stop;
        if ((packed & isUntimed) === 0) {
          valueStop = (stop - timeBytes) | 0;
          const start = view.getInt32(valueStop, true);
          const end = view.getInt32((stop - intBytes) | 0, true);
          if (!isTime(start, end)) break;
          timestampMs = timeOf(start, end);
        }
        if (!isValueHead(view.getInt32((valueStop - valueBytes) | 0, true))) break;
        value = view.getFloat64((valueStop - doubleBytes) | 0, true);
      }
      const place = (row * width + column) | 0;
      if (place < times.length && times[place] === unseen) {
        values[place] = value;
        times[place] = timestampMs;
      } else {
        sample.value = value;
        sample.timestampMs = timestampMs;
        sink.add(row, sample);
        // The table's arrays may be others now.
        this.#at = entry + entrySize;
        return stop;
      }
      at = stop;
    }
    this.#at = entry;
    return at;
  }

  add(
    row: number,
    view: DataView,
    { start, size, identity, detail, isTimed }: SamplePosition,
    needsValue: boolean,
  ): void {
    this.#diverge();
    const length = needsValue ? identity.length : Math.min(identity.length, valuelessIdentityBytes);
    const at = identity.start + identity.length - length;
    const isStored = this.#identities.store(row, view, at, length);
    const detailBytes = detail === undefined ? 0 : this.#detailDistance(view, start, detail, at);
    if (!isStored || detailBytes === notComparable || at - start > offsetMask) {
      this.addUnmatchable();
      return;
    }
    const flags = (isTimed ? 0 : isUntimed) | (needsValue ? 0 : needsNoValue);
    const packed = (detailBytes << detailShift) | ((at - start) << flagBits) | flags;
    this.#next?.push(view.getInt32(start, true) & threeBytes, size, packed, row);
  }

  addUnmatchable(): void {
    this.changed = true;
    this.complete = false;
  }

  endFamily(): void {
    if (this.#at < this.#entries.length) this.#diverge();
    if (this.#next === undefined) return;
    this.#families[this.#family] = new Int32Array(this.#next);
    this.#next = undefined;
  }

  /** Keeps these rows; a row's index becomes its number. */
  renumber(kept: readonly number[]): void {
    const rows = new Int32Array(this.#identities.rows).fill(-1);
    for (let row = 0; row < kept.length; row += 1) rows[kept[row]!] = row;
    this.#families.forEach((entries, family) => {
      this.#families[family] = renumbered(entries, rows);
    });
    this.#identities.renumber(kept);
  }

  #detailDistance(view: DataView, sampleStart: number, { start, end }: ByteRange, identityStart: number): number {
    const bytes = identityStart - end;
    // The word includes the length, so no longer value matches.
    if (end - start > wordBytes - labelHeadBytes || end - wordBytes < sampleStart) return notComparable;
    if (bytes <= 0 || bytes > detailLimitBytes) return notComparable;
    const word = view.getFloat64(end - wordBytes, true);
    const known = this.#details[this.#family]!;
    if (Number.isNaN(known)) this.#details[this.#family] = word;
    return word === this.#details[this.#family] ? bytes : notComparable;
  }

  /** @param matched end of the entries that have matched. */
  #diverge(matched = this.#at): void {
    this.changed = true;
    this.#next ??= listOf(this.#entries, matched);
  }
}

/** Several times faster than the iterator. */
function listOf(numbers: Int32Array, count: number): number[] {
  const list: number[] = [];
  for (let at = 0; at < count; at += 1) list.push(numbers[at]!);
  return list;
}

/** @param rows new numbers; -1 if gone. */
function renumbered(entries: Int32Array, rows: Int32Array): Int32Array {
  const next: number[] = [];
  for (let at = 0; at < entries.length; at += entrySize) {
    const row = rows[entries[at + 3]!] ?? -1;
    if (row !== -1) next.push(entries[at]!, entries[at + 1]!, entries[at + 2]!, row);
  }
  return new Int32Array(next);
}
