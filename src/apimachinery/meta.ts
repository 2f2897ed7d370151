/** Metadata and Status of Kubernetes objects; JSON and time as Go writes them. */

export interface TypeMeta {
  readonly kind: string;
  readonly apiVersion: string;
}

/** Empty for a whole list: ours have no resource version. In the order of Kubernetes' struct. */
export interface ListMeta {
  /** The token of the next page. */
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly creationTimestamp?: string | undefined;
  readonly labels?: ReadonlyMap<string, string> | undefined;
  readonly annotations?: ReadonlyMap<string, string> | undefined;
}

export interface Status extends TypeMeta {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: ListMeta;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason: string;
  readonly details?: StatusDetails | undefined;
  readonly code: number;
}

export interface StatusDetails {
  readonly name?: string | undefined;
  readonly group?: string | undefined;
  readonly kind?: string | undefined;
  readonly causes?: readonly StatusCause[] | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

export interface StatusCause {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly field?: string | undefined;
}

/** Compact ends with a newline. Pretty has two spaces of indentation, and no newline at its end. */
export type JsonForm = 'compact' | 'pretty';

/**
 * Writes JSON as Go's encoding/json: <, >, & and line separators are escaped, keys of a Map sorted, keys of an object
 * kept in order, undefined fields omitted.
 */
export function encodeJson(value: unknown, form: JsonForm = 'compact'): Buffer {
  const output = new Output();
  write(output, value, form === 'compact' ? '' : '\n');
  if (form === 'compact') output.put('\n');
  return output.end();
}

/**
 * Returns encodeJson's text without the newline at its end.
 * @param newline a line break and the indentation of the value's line; empty for the compact form.
 */
export function jsonText(value: unknown, newline: string): string {
  let text = '';
  write({ put: (more) => (text += more) }, value, newline);
  return text;
}

/** Returns a time as metav1.Time: UTC, whole seconds, rounded down. Limited to RFC 3339, so that a broken clock cannot break every client's list. */
export function formatTime(ms: number): string {
  const iso = new Date(wireSeconds(ms) * 1000).toISOString();
  return `${iso.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}Z`;
}

/** Returns formatTime's seconds since the epoch. */
export function wireSeconds(ms: number): number {
  return Number.isNaN(ms) ? 0 : Math.trunc(Math.min(Math.max(ms, 0), lastMs) / 1000);
}

const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59);

/** Replaces JSON.stringify, which cannot write Maps of labels: an object would move "10" behind "9". */
function write(output: TextOutput, value: unknown, newline: string): void {
  if (typeof value === 'string') output.put(quoteJson(value));
  else if (typeof value !== 'object' || value === null) output.put(JSON.stringify(value));
  else if (Array.isArray(value)) writeArray(output, value, newline);
  else writeObject(output, value, newline);
}

function writeArray(output: TextOutput, items: readonly unknown[], newline: string): void {
  const inner = indent(newline);
  let before = '[';
  for (const item of items) {
    output.put(before + inner);
    write(output, item, inner);
    before = ',';
  }
  output.put(before === '[' ? '[]' : `${newline}]`);
}

function writeObject(output: TextOutput, object: object, newline: string): void {
  const inner = indent(newline);
  const colon = newline === '' ? ':' : ': ';
  let before = '{';
  for (const key of keysOf(object)) {
    const member: unknown = object instanceof Map ? object.get(key) : Reflect.get(object, key);
    if (member === undefined) continue;
    output.put(before + inner + quoteJson(key) + colon);
    write(output, member, inner);
    before = ',';
  }
  output.put(before === '{' ? '{}' : `${newline}}`);
}

/** Sorts as Go sorts bytes, since label keys are ASCII. */
function keysOf(object: object): readonly string[] {
  if (!(object instanceof Map)) return Object.keys(object);
  const keys: string[] = [...object.keys()];
  return keys.sort();
}

function indent(newline: string): string {
  return newline === '' ? '' : `${newline}  `;
}

interface TextOutput {
  put(text: string): void;
}

/** Makes bytes in chunks, so that a long list is never one string of millions of parts. */
class Output implements TextOutput {
  readonly #chunks: Buffer[] = [];
  #text = '';

  put(text: string): void {
    this.#text += text;
    if (this.#text.length > chunkLength) this.#flush();
  }

  end(): Buffer {
    this.#flush();
    return Buffer.concat(this.#chunks);
  }

  #flush(): void {
    this.#chunks.push(Buffer.from(this.#text));
    this.#text = '';
  }
}

const chunkLength = 65_536;

/** Nothing to escape: nearly all names, labels, quantities and times. */
const plain = /^[ !#-%'-;=?-[\]-~]*$/;

/** Writes as encodeJson. */
export function quoteJson(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
