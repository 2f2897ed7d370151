/** Metadata and Status of Kubernetes objects; JSON and time as Go writes them. */

export interface TypeMeta {
  readonly kind: string;
  readonly apiVersion: string;
}

/** Metadata of a list. Ours is empty: lists are returned whole and have no resource version. */
export type ListMeta = Readonly<Record<string, never>>;

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly creationTimestamp?: string | undefined;
  readonly labels?: ReadonlyMap<string, string> | undefined;
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

/** Compact ends with a newline. Pretty is indented by two spaces and ends without one. */
export type JsonForm = 'compact' | 'pretty';

/**
 * Returns JSON as Go's encoding/json writes it: <, >, & and line separators are escaped, keys of a Map are sorted, keys of an object keep their order,
 * undefined fields are omitted.
 */
export function encodeJson(value: unknown, form: JsonForm = 'compact'): Buffer {
  const output = new Output();
  write(output, value, form === 'compact' ? '' : '\n');
  if (form === 'compact') output.put('\n');
  return output.end();
}

/**
 * Returns encodeJson's text without the newline at its end.
 * @param newline a line break and the indentation of the value's own line, or the empty string for the compact form.
 */
export function jsonText(value: unknown, newline: string): string {
  let text = '';
  write({ put: (more) => (text += more) }, value, newline);
  return text;
}

/**
 * Returns a time as metav1.Time writes it: UTC, whole seconds, rounded down.
 * @param ms milliseconds since the epoch. Times outside of RFC 3339 become the first or the last that it can express, so that one machine's broken clock
 * cannot break every client's list.
 */
export function formatTime(ms: number): string {
  const iso = new Date(wireSeconds(ms) * 1000).toISOString();
  return `${iso.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}Z`;
}

/** Returns the same time as whole seconds since the epoch. */
export function wireSeconds(ms: number): number {
  return Number.isNaN(ms) ? 0 : Math.trunc(Math.min(Math.max(ms, 0), lastMs) / 1000);
}

const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59);

/**
 * JSON.stringify cannot write labels, which are Maps: an object would move a label called "10" behind one called "9".
 * @param newline a line break and the indentation of the value's own line, or the empty string for the compact form.
 */
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

/** Kubernetes' label keys are ASCII, so the order of UTF-16 units is Go's order of bytes. */
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

/** Turns text into bytes in chunks, so that a long list is never one string of millions of parts. */
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

/** Text without characters to escape: nearly all names, labels, quantities and times. */
const plain = /^[ !#-%'-;=?-[\]-~]*$/;

/** Returns a string as encodeJson writes it. */
export function quoteJson(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
