/**
 * Recognises series by position: a series is the one at the same position of its family in the previous body if length
 * and a hash of its labels are equal. Only its numbers are read then. Two hashes of 32 bits with a seed of this process
 * take a tenth of the memory of the labels, which have 300 bytes; what a kubelet could gain by equal hashes it can
 * write anyway, and a tenant chooses neither UIDs nor container IDs.
 */
import { numberBytes, readTrailingValue } from '../../exposition/metric.ts';
import type { Sample } from '../../exposition/sample.ts';
import { trailing } from '../../exposition/scratch.ts';

/** Per series: length and whether it is timed; two hashes; row of its cgroup; hash of its part. */
const entrySize = 5;
/** Tried for one series: those of a pod may be gone. */
const lookAhead = 16;
const wordBytes = 4;
const { valueBytes, timeBytes } = numberBytes;

const seedA = Math.trunc(Math.random() * 2 ** 32) | 0;
const seedB = Math.trunc(Math.random() * 2 ** 32) | 0;
const oddA = 0x9e3779b1 | 0;
const oddB = 0x85ebca6b | 0;

/** Results of the last `hash`. */
let hashA = 0;
let hashB = 0;

/** A recognised series. */
export interface RecognisedSeries {
  /** In the previous body; `unwantedRow` if it does not count. */
  row: number;
  part: number;
  value: number;
  timestampMs: number;
}

export const unwantedRow = -1;

export class KnownSeries {
  readonly #families: Int32Array[];
  readonly #next: number[][];
  readonly #at: Int32Array;
  /** Where the message is that was just not recognised. */
  #view: DataView | undefined;
  #start = 0;
  #stop = 0;

  constructor(families: number) {
    this.#families = Array.from({ length: families }, () => new Int32Array());
    this.#next = Array.from({ length: families }, () => []);
    this.#at = new Int32Array(families);
  }

  beginBody(): void {
    this.#at.fill(0);
    for (const entries of this.#next) entries.length = 0;
  }

  /** Fast path: reports whether the message is a known series, and reads its numbers. Slow path: `note` after a visit. */
  recognise(view: DataView, start: number, stop: number, family: number, result: RecognisedSeries): boolean {
    const entries = this.#families[family]!;
    const first = this.#at[family]!;
    const last = Math.min(entries.length, first + lookAhead * entrySize);
    let hashed = -1;
    for (let entry = first; entry < last; entry += entrySize) {
      const shape = entries[entry]!;
      if (shape >> 1 !== stop - start) continue;
      const isTimed = (shape & 1) === 1;
      const end = stop - valueBytes - (isTimed ? timeBytes : 0);
      if (hashed !== end) hash(view, start, end);
      hashed = end;
      if (entries[entry + 1] !== hashA || entries[entry + 2] !== hashB) continue;
      if (!readTrailingValue(view, stop, isTimed, trailing)) break;
      result.row = entries[entry + 3]!;
      result.part = entries[entry + 4]!;
      result.value = trailing.value;
      result.timestampMs = trailing.timestampMs;
      this.#at[family] = entry + entrySize;
      this.#view = undefined;
      return true;
    }
    this.#view = view;
    this.#start = start;
    this.#stop = stop;
    return false;
  }

  /** Keeps a recognised series, by its row in this body. */
  keep(family: number, row: number): void {
    const entries = this.#families[family]!;
    const from = this.#at[family]! - entrySize;
    this.#next[family]!.push(entries[from]!, entries[from + 1]!, entries[from + 2]!, row, entries[from + 4]!);
  }

  /** Notes the series that was just not recognised. One that the fast path would read differently stays unknown. */
  note(family: number, row: number, part: number, { value, timestampMs }: Pick<Sample, 'value' | 'timestampMs'>): void {
    const view = this.#view;
    if (view === undefined) return;
    const isTimed = !Number.isNaN(timestampMs);
    const end = this.#stop - valueBytes - (isTimed ? timeBytes : 0);
    if (end - this.#start < wordBytes || !readTrailingValue(view, this.#stop, isTimed, trailing)) return;
    if (!Object.is(trailing.value, value) || !Object.is(trailing.timestampMs, timestampMs)) return;
    hash(view, this.#start, end);
    this.#next[family]!.push(((this.#stop - this.#start) << 1) | Number(isTimed), hashA, hashB, row, part);
  }

  endBody(): void {
    for (const [family, entries] of this.#next.entries()) this.#families[family] = new Int32Array(entries);
  }
}

/** At least four bytes; the last word overlaps the previous one. */
function hash(view: DataView, start: number, end: number): void {
  let a = seedA;
  let b = seedB;
  const last = (end - wordBytes) | 0;
  for (let at = start | 0; at < last; at = (at + wordBytes) | 0) {
    const word = view.getInt32(at, true);
    a = Math.imul(a ^ word, oddA);
    a ^= a >>> 15;
    b = Math.imul(b, oddB) ^ word;
  }
  const word = view.getInt32(last, true);
  hashA = Math.imul(a ^ word, oddA);
  hashB = Math.imul(b, oddB) ^ word;
}
