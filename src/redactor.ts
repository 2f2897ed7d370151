/** Finds secrets in text, whole or in part, also where they are encoded. */

/** Characters of a part of a secret that is redacted; shorter parts give too little away, and are in other text by chance. */
export const partLength = 16;
/** Shorter secrets are not redacted: they would be found in any text. */
const shortestSecret = 6;
/** Characters of a secret that are looked for; tokens have about 1,000. */
const secretLimit = 16 * 1024;
/** Every part has a whole block at a multiple of its length. */
const blockLength = partLength / 2;
/** Places of one block that are looked at; a block that is there more often repeats itself. */
const placesLimit = 32;

/** Stands for what was left out. */
export const redactedMark = '<redacted>';

export interface Redactor {
  /** Reports whether secrets were added under this key. */
  knows(key: string): boolean;
  /** Beyond the limit the oldest key is forgotten. */
  add(key: string, secrets: readonly string[]): void;
  redact(text: string): string;
}

/** @param limit keys that are known at most. */
export function createRedactor(limit: number): Redactor {
  const known = new Map<string, readonly string[]>();
  /** Made when there is a text to look at, which for most credentials never happens. */
  let forms: Forms | undefined;
  return { knows: (key) => known.has(key), add, redact };

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

interface Range {
  readonly start: number;
  readonly end: number;
}

/** All ways to write some secrets. */
class Forms {
  /** Those that are found as a whole only. */
  readonly #short = new Set<string>();
  /** Where blocks of the others are, at multiples of their length. */
  readonly #blocks = new Map<string, Place[]>();

  constructor(secrets: readonly string[]) {
    for (const form of new Set(secrets.flatMap(formsOf))) {
      if (form.length < partLength) this.#short.add(form);
      else this.#index(form);
    }
  }

  #index(form: string): void {
    for (let at = 0; at + blockLength <= form.length; at += blockLength) {
      const block = form.slice(at, at + blockLength);
      const places = this.#blocks.get(block);
      if (places === undefined) this.#blocks.set(block, [{ form, at }]);
      else if (places.length < placesLimit) places.push({ form, at });
    }
  }

  /** Returns where the text repeats a secret or a part of it. */
  find(text: string): Range[] {
    const ranges: Range[] = [];
    for (const form of this.#short) {
      for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + form.length))
        ranges.push({ start: at, end: at + form.length });
    }
    for (let at = 0; at + blockLength <= text.length; at += 1) {
      const places = this.#blocks.get(text.slice(at, at + blockLength));
      if (places === undefined) continue;
      const found = longest(places.map((place) => around(text, at, place)));
      if (found.end - found.start < partLength) continue;
      ranges.push(found);
      at = Math.max(at, found.end - blockLength);
    }
    return ranges;
  }
}

interface Place {
  readonly form: string;
  readonly at: number;
}

/** Returns how far the text before and behind `start` is the same as the form around its place. */
function around(text: string, start: number, { form, at }: Place): Range {
  let before = 0;
  while (before < start && before < at && text[start - before - 1] === form[at - before - 1]) before += 1;
  let length = 0;
  while (start + length < text.length && at + length < form.length && text[start + length] === form[at + length])
    length += 1;
  return { start: start - before, end: start + length };
}

function longest(ranges: readonly Range[]): Range {
  return ranges.reduce((best, range) => (range.end - range.start > best.end - best.start ? range : best));
}

/** Returns the ways in which a secret may be written. */
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

/** Returns base64 of a secret at each of the three places that it can have among other bytes; characters that its neighbours have a part in are left out. */
function base64Forms(bytes: Buffer, encoding: 'base64' | 'base64url'): readonly string[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString(encoding)
      .replaceAll('=', '');
    const isWhole = (shift + bytes.length) % 3 === 0;
    return text.slice(shift === 0 ? 0 : shift + 1, isWhole ? undefined : -1);
  });
}

function without(text: string, ranges: Range[]): string {
  if (ranges.length === 0) return text;
  ranges.sort((a, b) => a.start - b.start);
  let clean = '';
  let at = 0;
  for (const { start, end } of ranges) {
    // What overlaps is one secret.
    if (start >= at) clean += `${text.slice(at, start)}${redactedMark}`;
    at = Math.max(at, end);
  }
  return clean + text.slice(at);
}
