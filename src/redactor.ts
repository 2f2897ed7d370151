/** Finds secrets in text, whole or in part, plain or encoded. */

/** The shortest redacted part. Shorter ones disclose too little and occur in other text by chance. */
export const partLength = 16;
/** Shorter secrets occur in any text, so they are not redacted. */
const shortestSecret = 6;
/** Characters that are indexed; tokens have about 1,000. */
const secretLimit = 16 * 1024;
/** Every shortest part contains a whole block at a multiple of this. */
const blockLength = partLength / 2;
/** Compared for one block; a block with more is repetitive. */
const occurrenceLimit = 32;

/** Replaces a secret. */
export const redactedMark = '<redacted>';

export interface Redactor {
  /** Reports whether the key is known, and makes it the newest. */
  renew(key: string): boolean;
  /** Beyond the limit the oldest key is dropped. */
  add(key: string, secrets: readonly string[]): void;
  redact(text: string): string;
}

/** Limits the number of keys. */
export function createRedactor(limit: number): Redactor {
  const known = new Map<string, readonly string[]>();
  /** Built for the first text; most credentials never meet one. */
  let forms: Forms | undefined;
  return { renew, add, redact };

  function renew(key: string): boolean {
    const secrets = known.get(key);
    if (secrets === undefined) return false;
    known.delete(key);
    known.set(key, secrets);
    return true;
  }

  function add(key: string, secrets: readonly string[]): void {
    known.set(key, secrets);
    forms = undefined;
    const [oldest] = known.keys();
    if (known.size > limit && oldest !== undefined) known.delete(oldest);
  }

  function redact(text: string): string {
    if (text.length < shortestSecret || known.size === 0) return text;
    forms ??= new Forms([...known.values()].flat());
    return without(text, forms.find(text));
  }
}

interface TextRange {
  readonly start: number;
  readonly end: number;
}

class Forms {
  /** Found only as a whole. */
  readonly #short = new Set<string>();
  /** Blocks of the others, at multiples of the block's length. */
  readonly #blocks = new Map<string, Occurrence[]>();

  constructor(secrets: readonly string[]) {
    for (const form of new Set(secrets.flatMap(formsOf))) {
      if (form.length < partLength) this.#short.add(form);
      else this.#index(form);
    }
  }

  #index(form: string): void {
    for (let at = 0; at + blockLength <= form.length; at += blockLength) {
      const block = form.slice(at, at + blockLength);
      const occurrences = this.#blocks.get(block);
      if (occurrences === undefined) this.#blocks.set(block, [{ form, at }]);
      else if (occurrences.length < occurrenceLimit) occurrences.push({ form, at });
    }
  }

  /** Returns the ranges that are a secret or a part of one. */
  find(text: string): TextRange[] {
    const ranges: TextRange[] = [];
    for (const form of this.#short) {
      for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + form.length))
        ranges.push({ start: at, end: at + form.length });
    }
    for (let at = 0; at + blockLength <= text.length; at += 1) {
      const occurrences = this.#blocks.get(text.slice(at, at + blockLength));
      if (occurrences === undefined) continue;
      const found = longest(occurrences.map((occurrence) => around(text, at, occurrence)));
      if (found.end - found.start < partLength) continue;
      ranges.push(found);
      at = Math.max(at, found.end - blockLength);
    }
    return ranges;
  }
}

interface Occurrence {
  readonly form: string;
  readonly at: number;
}

function around(text: string, start: number, { form, at }: Occurrence): TextRange {
  let before = 0;
  while (before < start && before < at && text[start - before - 1] === form[at - before - 1]) before += 1;
  let length = 0;
  while (start + length < text.length && at + length < form.length && text[start + length] === form[at + length])
    length += 1;
  return { start: start - before, end: start + length };
}

function longest(ranges: readonly TextRange[]): TextRange {
  return ranges.reduce((best, range) => (range.end - range.start > best.end - best.start ? range : best));
}

function formsOf(whole: string): readonly string[] {
  if (whole.length < shortestSecret) return [];
  const secret = whole.slice(0, secretLimit);
  const bytes = Buffer.from(secret, 'utf8');
  return [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...base64Forms(bytes, 'base64'),
    ...base64Forms(bytes, 'base64url'),
  ].filter((form) => form.length >= shortestSecret);
}

/** Returns base64 at each of the three offsets among other bytes, without the characters that neighbouring bytes affect. */
function base64Forms(bytes: Buffer, encoding: 'base64' | 'base64url'): readonly string[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString(encoding)
      .replaceAll('=', '');
    const isWhole = (shift + bytes.length) % 3 === 0;
    return text.slice(shift === 0 ? 0 : shift + 1, isWhole ? undefined : -1);
  });
}

function without(text: string, ranges: TextRange[]): string {
  if (ranges.length === 0) return text;
  ranges.sort((a, b) => a.start - b.start);
  let clean = '';
  let at = 0;
  for (const { start, end } of ranges) {
    // Overlapping ranges are one secret.
    if (start >= at) clean += `${text.slice(at, start)}${redactedMark}`;
    at = Math.max(at, end);
  }
  return clean + text.slice(at);
}
