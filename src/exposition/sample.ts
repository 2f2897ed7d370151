/** One sample of a family that was asked for, as both formats present it; the same object for every sample of a body. */

/** The most labels that a sample may have; cAdvisor's widest series has ten. */
const labelLimit = 64;

/** Bytes of a label's value that is read: a cgroup's path has 4,096 at most, each of which may have been replaced by three. */
const labelValueLimitBytes = 3 * 4_096;

/** Offsets kept per label: name start, name end, value start, value end. */
const offsetsPerLabel = 4;

/** A sample without its labels. */
export interface Numbers {
  /** Index of the family in the list of wanted names. */
  readonly family: number;
  /** Any double, also NaN and the infinities. */
  readonly value: number;
  /** Milliseconds since the epoch; NaN where the sample has no time. */
  readonly timestampMs: number;
}

/** Who takes the samples of a body. */
export interface SampleSink {
  /**
   * Takes a sample with its labels; it is the reader's own and holds until the call returns. Returns a number, from 0 on, under which samples of the
   * same series may come to `add` from now on, also those of the sender's later bodies; or `unremembered`.
   */
  visit(sample: Sample): number;
  /** Takes a sample of a series that was visited before; it has family and numbers, but no labels. */
  add(series: number, sample: Numbers): void;
  /** Whether anybody wants the numbers of a series. Of others, which is all that is known of them then, `add` is only told that they are there. */
  isWanted(series: number): boolean;
}

/** What `visit` returns where the next sample of the series has to be looked at again. */
export const unremembered = -1;

/** What a reader learned about the body beside the samples. */
export interface Seen {
  /** True if the body has a family that was not asked for, so the sender did not filter. */
  readonly unwanted: boolean;
}

/** A body that does not follow its format, or ends too early. */
export class ExpositionError extends Error {
  /** Where in the body reading stopped. */
  readonly offset: number;
  /** What is wrong there. */
  readonly problem: string;

  constructor(problem: string, offset: number) {
    super(`${problem} at byte ${offset}`);
    this.problem = problem;
    this.name = 'ExpositionError';
    this.offset = offset;
  }
}

/** Hot: filled once per wanted line. Labels are ranges of the body until somebody asks for one. */
export class Sample implements Numbers {
  family = 0;
  // A double from the start, or V8 would have to make another object of it.
  value = Number.NaN;
  timestampMs = Number.NaN;

  #body: Buffer = Buffer.alloc(0);
  readonly #offsets = new Int32Array(labelLimit * offsetsPerLabel);
  readonly #escaped = new Uint8Array(labelLimit);
  #labels = 0;

  /** The label's value, '' where the sample does not have it: to Prometheus these are the same. */
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

  /** Whether the label has this value, of ASCII characters that need no escape; of others it may be false though it has. */
  has(name: string, value: string): boolean {
    const label = this.#find(name);
    if (label === -1) return value === '';
    const at = label * offsetsPerLabel;
    return this.#escaped[label] === 0 && isAt(this.#body, this.#offsets[at + 2]!, this.#offsets[at + 3]!, value);
  }

  /** For the readers: forgets the sample before. */
  begin(body: Buffer, family: number): void {
    this.#body = body;
    this.family = family;
    this.value = 0;
    this.timestampMs = Number.NaN;
    this.#labels = 0;
  }

  /** For the readers: notes a label by its ranges in the body; an escaped value is unescaped when it is asked for. */
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

  /** For the readers: where in the body the label's value is; undefined where the sample does not have it. */
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

/** True if the range holds exactly these ASCII characters. Names share their beginnings, so the end is compared first. */
export function isAt(body: Buffer, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let index = text.length - 1; index >= 0; index -= 1) {
    if (body[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** The format knows three escapes; what follows another backslash is kept with it, as Prometheus itself does. */
function unescape(value: string): string {
  return value.replaceAll(/\\([\\n"])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}
