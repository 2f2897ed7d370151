/** An answer without what may differ between two servers: times, ids, framing, the order of containers. Nothing else is lost. */
import { gunzipSync } from 'node:zlib';
import { parse as parseYaml } from 'yaml';
import type { Answer } from './client.ts';
import { decodeKubernetes, protobufMagic } from './protobuf.ts';

export interface Observation {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** How the body was written, so far as its contents do not say it. */
  readonly form:
    | 'empty'
    | 'text'
    | 'compact JSON'
    | 'indented JSON'
    | 'bare JSON'
    | 'unescaped JSON'
    | 'YAML'
    | 'protobuf';
  readonly body: unknown;
}

export interface NormaliseOptions {
  /** Compare the text as it is, times apart. */
  readonly verbatim?: boolean;
  /** Header names that are left out, beside those that always are. */
  readonly without?: readonly string[];
  /** Returns the part of the body that is compared. */
  readonly pick?: (body: unknown) => unknown;
}

/** About the connection and the framing, or different on every request. */
const ignoredHeaders = ['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length'];

export function normalise(answer: Answer, options: NormaliseOptions = {}): Observation {
  const { form, body } = bodyOf(answer, options);
  return {
    status: answer.status,
    headers: headersOf(answer, options.without ?? []),
    form,
    body: options.pick === undefined ? body : options.pick(body),
  };
}

function headersOf({ headers }: Answer, without: readonly string[]): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of [...headers.keys()].sort()) {
    if (ignoredHeaders.includes(name) || without.includes(name)) continue;
    kept[name] = valueOf(name, headers.get(name) ?? '');
  }
  return kept;
}

function valueOf(name: string, value: string): string {
  if (name === 'audit-id')
    return value.replace(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, '<uuid>');
  // Its value is made of the document, which has our name and versions in it; its shape is the contract.
  if (name === 'etag') return value.replace(/^"[0-9A-F]{128}"$/, '"<sha512>"');
  // Two lines are as good as one.
  if (name === 'vary') return value.split(/\n|, */).join(', ');
  if (name === 'expires') return String(Math.round((Date.parse(value) - Date.now()) / 86_400_000)).concat(' days');
  return value;
}

function bodyOf(answer: Answer, { verbatim = false }: NormaliseOptions): Pick<Observation, 'form' | 'body'> {
  const bytes = answer.headers.get('content-encoding') === 'gzip' ? gunzipSync(answer.body) : answer.body;
  if (bytes.length === 0) return { form: 'empty', body: '' };
  if (bytes.subarray(0, 4).equals(protobufMagic))
    return { form: 'protobuf', body: withoutTimes(decodeKubernetes(bytes)) };
  const text = bytes.toString();
  const mediaType = answer.headers.get('content-type') ?? '';
  if (verbatim) return { form: 'text', body: withoutTimesInText(text) };
  if (mediaType.startsWith('application/yaml')) return { form: 'YAML', body: withoutTimes(parseYaml(text)) };
  return jsonOf(text) ?? { form: 'text', body: text };
}

/** Undefined unless Go would have written the text exactly like that: then parsing it has lost nothing. */
export function jsonOf(text: string): Pick<Observation, 'form' | 'body'> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (goJson(value) === text) return { form: 'compact JSON', body: withoutTimes(value) };
  if (goJson(value).trimEnd() === text) return { form: 'bare JSON', body: withoutTimes(value) };
  if (JSON.stringify(value) === text) return { form: 'unescaped JSON', body: withoutTimes(value) };
  if (goJson(value, 2) === text) return { form: 'indented JSON', body: withoutTimes(value) };
  return undefined;
}

/** As encoding/json writes for the web: compact with a newline at its end, or indented and without one. */
function goJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return indent === undefined ? `${text}\n` : text;
}

const timeKeys = new Map([
  ['creationTimestamp', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/],
  ['timestamp', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/],
  // Kubelets' samples are multiples of 5 s apart; a busy server misses some.
  ['window', /^[1-5]?[05]s$/],
]);

/** Keys keep their order; containers get one; times that are well formed become one and the same. */
function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (typeof value !== 'object' || value === null) return value;
  const kept: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) kept[key] = cleaned(key, inner);
  return kept;
}

function cleaned(key: string, value: unknown): unknown {
  const shape = timeKeys.get(key);
  if (shape !== undefined && typeof value === 'string' && shape.test(value)) return `<${key}>`;
  // The port on which it was asked.
  if (key === 'serverAddress' && typeof value === 'string') return value.replace(/:\d+$/, ':<port>');
  if (key === 'containers' && Array.isArray(value)) {
    return value.map(withoutTimes).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  // The last cell of a row of a Table is the window.
  if (key === 'cells' && Array.isArray(value)) return value.map((cell) => cleaned('window', cell));
  return withoutTimes(value);
}

function withoutTimesInText(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '<time>')
    .replaceAll(/(window"?: ?"?)[1-5]?[05]s/g, '$1<window>');
}
