/** Parses a response's head (RFC 9112) strictly: what no kubelet has a reason to send is an error. */

/** The bytes are not one HTTP/1.1 response to our request. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
}

/** The parts of a response that callers need before its body. */
export interface ResponseInfo {
  readonly status: number;
  readonly contentType: string;
  /** The Date header, by the node's clock. */
  readonly dateMs: number | undefined;
}

/** Reused for equal bytes. */
export interface ResponseHead {
  readonly info: ResponseInfo;
  /** Used headers, in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

export function responseHead(status: number, headers: ReadonlyMap<string, string>): ResponseHead {
  const contentType = headers.get('content-type') ?? '';
  return { headers, info: { status, contentType, dateMs: dateOf(headers.get('date') ?? '') } };
}

const latestDateMs = Date.UTC(9999);

/**
 * Parses a Date header into milliseconds since the epoch; undefined before 1970, which Linux never shows. Samples may
 * be ahead of their Date.
 */
export function dateOf(header: string): number | undefined {
  const dateMs = Date.parse(header);
  return dateMs >= 0 && dateMs < latestDateMs ? dateMs : undefined;
}

export const httpVersion = 'HTTP/1.1 ';

/** Parses the status line. @throws HttpError */
export function statusOf(line: string): number {
  const status = /^HTTP\/1\.1 ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/.exec(line)?.[1];
  if (status === undefined) throw notHttp();
  return Number(status);
}

export function notHttp(): HttpError {
  return new HttpError('no HTTP/1.1');
}

/** Adds a used header. @throws HttpError */
export function addHeader(headers: Map<string, string>, line: string): void {
  const [name, value] = parseHeader(line);
  if (!usedHeaders.has(name)) return;
  if (headers.has(name)) throw new HttpError(`${name} twice`);
  headers.set(name, withoutBlanks(value));
}

/** Checks a line behind the body. @throws HttpError */
export function checkTrailer(line: string): void {
  const [name] = parseHeader(line);
  if (framingHeaders.has(name)) throw new HttpError(`${name} behind the body`);
}

function parseHeader(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon).toLowerCase();
  const value = line.slice(colon + 1);
  if (colon === -1 || !token.test(name) || !fieldValue.test(value)) throw new HttpError('a malformed header');
  return [name, value];
}

/** RFC 9110, 5.6.2. Patterns for foreign bytes have one repetition, so they cannot backtrack. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Without control characters. A folded line has no valid name. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

const framingHeaders: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** Ambiguous if repeated. */
const usedHeaders: ReadonlySet<string> = new Set([
  ...framingHeaders,
  'connection',
  'content-encoding',
  'content-type',
  'date',
]);

/** String.trim would also take a no-break space. */
function withoutBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start += 1;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end -= 1;
  return value.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

export type Framing =
  | { readonly kind: 'none' | 'chunked' | 'until-close' }
  | { readonly kind: 'sized'; readonly bytes: number };

/** Below 2 ** 53. */
const lengthDigits = 15;

const bodiless: ReadonlySet<number> = new Set([204, 304]);

/** Returns the body's framing. @throws HttpError if it is ambiguous. */
export function framingOf({ info: { status }, headers }: ResponseHead): Framing {
  const length = headers.get('content-length');
  const encoding = headers.get('transfer-encoding');
  if (encoding !== undefined) {
    // Two framings make two responses of one (request smuggling).
    if (length !== undefined) throw new HttpError('content-length together with transfer-encoding');
    if (encoding.toLowerCase() !== 'chunked') throw new HttpError('a transfer-encoding other than chunked');
    if (bodiless.has(status)) throw new HttpError(`a body with status ${status}`);
    return { kind: 'chunked' };
  }
  if (length === undefined) return { kind: bodiless.has(status) ? 'none' : 'until-close' };
  if (!/^\d+$/.test(length) || length.length > lengthDigits) throw new HttpError('a malformed content-length');
  const bytes = Number(length);
  if (bytes === 0) return { kind: 'none' };
  if (bodiless.has(status)) throw new HttpError(`a body with status ${status}`);
  return { kind: 'sized', bytes };
}

const closing = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;

export function closesConnection({ headers }: ResponseHead): boolean {
  return closing.test(headers.get('connection') ?? '');
}
