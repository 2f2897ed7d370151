/** One sample, in either format. */
import type { Borrowed } from '../sample/borrowed.ts';

/** cAdvisor's widest series has ten labels. */
const labelLimit = 64;

/** A cgroup's path has at most 4,096 bytes, each of which may have become three. */
const labelValueLimitBytes = 3 * 4_096;

/** Name start, name end, value start, value end. */
const offsetsPerLabel = 4;

/** A sample without its labels. */
export interface UnlabeledSample {
  readonly family: number;
  /** Any double, also NaN and the infinities. */
  readonly value: number;
  /** Since the epoch; NaN without a time. */
  readonly timestampMs: number;
}

/** The time of a place in a table without a sample; no sample can have it. */
export const noSampleMs = -Infinity;

/** Numbers of one body, which the fast path writes itself. */
export interface SampleTable {
  /** Columns of a row. */
  readonly width: number;
  /** Row by row. */
  readonly values: Float64Array;
  readonly times: Float64Array;
}

/** Receives samples in one reused object. */
export interface SampleSink {
  /** If given, the fast path writes a sample here if its place is empty, and passes it to `add` otherwise. */
  readonly numbers?: SampleTable;
  /** Columns of `numbers` by family; samples of families without one are passed to `add`. */
  readonly columns?: readonly number[];
  /** Returns the row, from 0 on, or `noRow`. Its later samples may come to `add`, also in later bodies. */
  visit(sample: Borrowed<Sample>): number;
  add(row: number, sample: Borrowed<UnlabeledSample>): void;
  /** If false, readers call `add` with 0 to mark the series as present. */
  needsValue(row: number): boolean;
  /**
   * Reports whether the sink has read a message itself, before its labels are parsed.
   * @param start of the message in the view; so is `stop`.
   */
  recognise?(view: DataView, start: number, stop: number, family: number): boolean;
}

/** Visit it in every body. */
export const noRow = -1;

/** A reader's report about a body, beside its samples. */
export interface BodySummary {
  /** Whether the sender did not filter. */
  readonly hasOtherFamilies: boolean;
}

/** A body does not follow its format, or ends too early. */
export class ExpositionError extends Error {
  /** Bytes of the body before it. */
  readonly offset: number;
  readonly problem: string;

  constructor(problem: string, offset: number) {
    super(`${problem} at byte ${offset}`);
    this.problem = problem;
    this.name = 'ExpositionError';
    this.offset = offset;
  }
}

/** Labels stay ranges until read. */
export class Sample implements UnlabeledSample {
  family = 0;
  // A double from the start: else V8 changes the object's shape.
  value = Number.NaN;
  timestampMs = Number.NaN;

  #body: Buffer = Buffer.alloc(0);
  readonly #offsets = new Int32Array(labelLimit * offsetsPerLabel);
  readonly #escaped = new Uint8Array(labelLimit);
  #labels = 0;

  /**
   * Returns '' for a missing label, as Prometheus treats it.
   * @throws ExpositionError if the value is too long.
   */
  label(name: string): string {
    const label = this.#find(name);
    if (label === -1) return '';
    const at = label * offsetsPerLabel;
    const [start = 0, end = 0] = [this.#offsets[at + 2], this.#offsets[at + 3]];
    if (end - start > labelValueLimitBytes) {
      throw new ExpositionError(`a label of more than ${labelValueLimitBytes} bytes`, start);
    }
    const value = this.#body.toString('utf8', start, end);
    return this.#escaped[label] === 0 ? value : unescape(value);
  }

  /** The value is ASCII without characters to escape. */
  has(name: string, value: string): boolean {
    const label = this.#find(name);
    if (label === -1) return value === '';
    const at = label * offsetsPerLabel;
    return this.#escaped[label] === 0 && isAt(this.#body, this.#offsets[at + 2]!, this.#offsets[at + 3]!, value);
  }

  begin(body: Buffer, family: number): void {
    this.#body = body;
    this.family = family;
    this.value = 0;
    this.timestampMs = Number.NaN;
    this.#labels = 0;
  }

  /** Escaped values are unescaped when read. */
  addLabel(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number, escaped: boolean): void {
    if (this.#labels === labelLimit) throw new ExpositionError(`more than ${labelLimit} labels`, nameStart);
    const at = this.#labels * offsetsPerLabel;
    this.#offsets[at] = nameStart;
    this.#offsets[at + 1] = nameEnd;
    this.#offsets[at + 2] = valueStart;
    this.#offsets[at + 3] = valueEnd;
    this.#escaped[this.#labels] = escaped ? 1 : 0;
    this.#labels += 1;
  }

  rangeOf(name: string): { readonly start: number; readonly end: number } | undefined {
    const label = this.#find(name);
    if (label === -1) return undefined;
    const at = label * offsetsPerLabel;
    return { start: this.#offsets[at + 2]!, end: this.#offsets[at + 3]! };
  }

  #find(name: string): number {
    for (let label = 0; label < this.#labels; label += 1) {
      const at = label * offsetsPerLabel;
      if (isAt(this.#body, this.#offsets[at]!, this.#offsets[at + 1]!, name)) return label;
    }
    return -1;
  }
}

/** Reports whether the range holds these ASCII characters; from the end, as names share their beginnings. */
export function isAt(body: Buffer, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let index = text.length - 1; index >= 0; index -= 1) {
    if (body[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** Keeps other backslashes, as Prometheus. */
function unescape(value: string): string {
  return value.replaceAll(/\\([\\n"])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}
