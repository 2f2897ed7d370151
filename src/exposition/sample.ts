/** One sample of a requested family, as both formats present it. */
import type { Borrowed } from '../sample/borrowed.ts';

/** cAdvisor's widest series has ten labels. */
const labelLimit = 64;

/** Bytes of a value: a cgroup's path has at most 4,096, each of which may have been replaced by three. */
const labelValueLimitBytes = 3 * 4_096;

/** Offsets kept per label: name start, name end, value start, value end. */
const offsetsPerLabel = 4;

/** A sample without its labels. */
export interface UnlabeledSample {
  /** Index of the family in the list of requested names. */
  readonly family: number;
  /** Any double, also NaN and the infinities. */
  readonly value: number;
  /** Milliseconds since the epoch; NaN if the sample has no time. */
  readonly timestampMs: number;
}

/** Receives the samples of a body. Readers pass the same object for every sample. */
export interface SampleSink {
  /**
   * Receives a sample with its labels. Returns its row, from 0 on, or `noRow`. Later samples of the row may come to `add`, also in the sender's later bodies.
   */
  visit(sample: Borrowed<Sample>): number;
  /** Receives a sample of a row that `visit` has returned. */
  add(row: number, sample: Borrowed<UnlabeledSample>): void;
  /** Reports whether the sink needs this row's values. Otherwise readers skip them and call `add` with 0 to mark the series as present. */
  needsValue(row: number): boolean;
}

/** The row of a sample that has to be visited in every body. */
export const noRow = -1;

/** What a reader reports of a body beside its samples. */
export interface BodySummary {
  /** Whether the body has a family that was not requested: the sender did not filter. */
  readonly hasOtherFamilies: boolean;
}

/** A body does not follow its format, or ends too early. */
export class ExpositionError extends Error {
  /** Where in the body reading stopped, in bytes. */
  readonly offset: number;
  /** The message without the offset. */
  readonly problem: string;

  constructor(problem: string, offset: number) {
    super(`${problem} at byte ${offset}`);
    this.problem = problem;
    this.name = 'ExpositionError';
    this.offset = offset;
  }
}

/** Labels stay ranges of the body until they are read. */
export class Sample implements UnlabeledSample {
  family = 0;
  // A double from the start: V8 would change the object's shape for it.
  value = Number.NaN;
  timestampMs = Number.NaN;

  #body: Buffer = Buffer.alloc(0);
  readonly #offsets = new Int32Array(labelLimit * offsetsPerLabel);
  readonly #escaped = new Uint8Array(labelLimit);
  #labels = 0;

  /**
   * Returns the label's value; '' if the sample does not have it, which is the same to Prometheus.
   * @throws ExpositionError if it is longer than any value that is needed.
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

  /** Reports whether the label has this value, which is ASCII without characters to escape. */
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

  /** Adds a label by its ranges in the body. An escaped value is unescaped when it is read. */
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

  /** Returns where in the body the label's value is; undefined if the sample does not have it. */
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

/** Reports whether the range holds exactly these ASCII characters. Names share their beginnings, so it compares from the end. */
export function isAt(body: Buffer, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let index = text.length - 1; index >= 0; index -= 1) {
    if (body[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** Resolves the format's three escapes. Another backslash is kept, as by Prometheus. */
function unescape(value: string): string {
  return value.replaceAll(/\\([\\n"])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}
