/** The envelope of every Kubernetes object: metadata, Status, and JSON and time written as Go writes them. */

export interface TypeMeta {
  readonly kind: string;
  readonly apiVersion: string;
}

/** Metadata of a list; ours has none, as everything is returned at once and nothing has a version. */
export type ListMeta = Readonly<Record<string, never>>;

/** Metadata of an object: no more than what metrics and partial objects carry. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string | undefined;
  /** RFC 3339, as from formatTime. */
  readonly creationTimestamp?: string | undefined;
  readonly labels?: ReadonlyMap<string, string> | undefined;
}

/** What a client gets in place of the object it asked for. */
export interface Status extends TypeMeta {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: ListMeta;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason: string;
  readonly details?: StatusDetails | undefined;
  /** The HTTP status code. */
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

/** Compact is for programs and ends with a newline; pretty is for people, two spaces, and ends without one. */
export type JsonForm = 'compact' | 'pretty';

/**
 * JSON as Go's encoding/json writes it: <, >, & and the line separators escaped, keys of an object in their own order,
 * keys of a Map sorted, fields without a value left out.
 */
export function encodeJson(value: unknown, form: JsonForm = 'compact'): Buffer {
  const output = new Output();
  write(output, value, form === 'compact' ? '' : '\n');
  if (form === 'compact') output.put('\n');
  return output.end();
}

/**
 * Text of encodeJson in its compact form without the newline at its end, or as a part of something that is indented.
 * @param newline a line break and the indentation of the value's own line, or the empty string to write all on one line.
 */
export function jsonText(value: unknown, newline: string): string {
  let text = '';
  write({ put: (more) => (text += more) }, value, newline);
  return text;
}

/**
 * Time as metav1.Time writes it: UTC, seconds, the rest cut off.
 * @param ms milliseconds since the epoch; times that RFC 3339 cannot tell become the first or last that it can,
 * so that one machine's broken clock cannot break everybody's list.
 */
export function formatTime(ms: number): string {
  const iso = new Date(wireSeconds(ms) * 1000).toISOString();
  return `${iso.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}Z`;
}

/** The same time as a number: whole seconds since the epoch. */
export function wireSeconds(ms: number): number {
  return Number.isNaN(ms) ? 0 : Math.trunc(Math.min(Math.max(ms, 0), lastMs) / 1000);
}

const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59);

/**
 * Not JSON.stringify, because labels are Maps: an object would move a label called "10" behind one called "9".
 * @param newline a line break and the indentation of the value's own line, or the empty string to write all on one line.
 */
function write(output: Sink, value: unknown, newline: string): void {
  if (typeof value === 'string') output.put(quoteJson(value));
  else if (typeof value !== 'object' || value === null) output.put(JSON.stringify(value));
  else if (Array.isArray(value)) writeArray(output, value, newline);
  else writeObject(output, value, newline);
}

function writeArray(output: Sink, items: readonly unknown[], newline: string): void {
  const inner = indent(newline);
  let before = '[';
  for (const item of items) {
    output.put(before + inner);
    write(output, item, inner);
    before = ',';
  }
  output.put(before === '[' ? '[]' : `${newline}]`);
}

function writeObject(output: Sink, object: object, newline: string): void {
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

interface Sink {
  put(text: string): void;
}

/** Turns text into bytes piece by piece, so that a long list never is one text made of millions of small ones. */
class Output implements Sink {
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

/** Text that needs no escaping, as nearly all names, labels, quantities and times. */
const plain = /^[ !#-%'-;=?-[\]-~]*$/;

/** A string as encodeJson writes it. */
export function quoteJson(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
