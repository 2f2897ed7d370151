/** Makes text from outside safe for logs, /status and errors. */
import { createRedactor, partLength, redactedMark } from './redactor.ts';

/** Characters. */
const defaultLimit = 1_024;

/** Including those before a rotation. Those unused for longest are dropped first: tokens for kubelets change every 7 min. */
const secretLimit = 16;

const own = createRedactor(secretLimit);
/** Compared first, because every scrape passes it. */
let latest: string | undefined;

/** Redacts the credentials of an Authorization header from every text of this thread. Cheap for a known header; call it at each use. */
export function keepSecret(authorization: string | undefined): void {
  if (authorization === undefined || authorization === latest) return;
  latest = authorization;
  if (!own.renew(authorization)) own.add(authorization, secretsOf(authorization));
}

export interface ForeignTextOptions {
  /** Characters. */
  readonly limit?: number;
  /** Secrets of others, such as the token of a TokenReview. */
  readonly secrets?: readonly string[];
  /** Replaces all but printable ASCII by spaces, and cuts without dots: for quotations at the end of a sentence. */
  readonly plain?: boolean;
}

/**
 * Returns a text cut to its limit, control characters escaped, without secrets. These are redacted first: half a secret
 * would not be recognised. Finds whole secrets and parts of at least 16 characters: plain, base64, percent-encoded,
 * JSON, hexadecimal.
 */
export function foreignText(
  text: string,
  { limit = defaultLimit, secrets = [], plain = false }: ForeignTextOptions = {},
): string {
  // No later character gets into the message. A secret may begin before the limit and end behind it.
  const read = text.slice(0, limit + secretReach);
  const others = createRedactor(secrets.length);
  for (const secret of secrets) others.add(secret, [secret]);
  const redacted = others.redact(own.redact(read));
  const isWhole = read.length === text.length;
  // The last characters may begin a secret. They get into the message only if a secret before them was redacted.
  const sure = isWhole || redacted.endsWith(redactedMark) ? redacted : redacted.slice(0, 1 - partLength);
  const clean = plain ? sure.replaceAll(/[^\x21-\x7e]+/g, ' ').trim() : escapeControls(sure);
  if (isWhole && clean.length <= limit) return clean;
  return plain ? clean.slice(0, limit) : `${clean.slice(0, Math.max(0, limit - dots.length))}${dots}`;
}

/** More than an excerpt shows: they may be spaces or a secret to redact. */
const excerptBytes = 4_096;

/** Returns the beginning of a message, as foreignText does. */
export function excerpt(message: Buffer | string, options: ForeignTextOptions = {}): string {
  const encoding = options.plain === true ? 'latin1' : 'utf8';
  const text =
    typeof message === 'string' ? message.slice(0, excerptBytes) : message.toString(encoding, 0, excerptBytes);
  return foreignText(text.trim(), options);
}

const dots = '...';

/** Characters searched behind the limit; a longer secret is found by its beginning. */
const secretReach = 64;

/** Copies a JSON value without secrets and control characters; cuts nothing. */
export function withoutSecrets(value: string): string;
export function withoutSecrets(value: unknown): unknown;
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return escapeControls(own.redact(value));
  if (Array.isArray(value)) return value.map((each: unknown) => withoutSecrets(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutSecrets(each)]));
}

/** C0, DEL, C1, line and paragraph separators, and bidirectional controls, which make a terminal hide text. */
const controls = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Writes control characters as `\x1b` or `\u2028`. */
export function escapeControls(text: string): string {
  return text.replaceAll(controls, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Those of `controls` that JSON.stringify leaves as they are. A raw line feed is only between values. */
const unescapedControls = /[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu;

/** Returns JSON that a terminal shows as it is: control characters, also in keys, are written as `\u009b`. @param indent as of JSON.stringify. */
export function terminalJson(value: object, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replaceAll(
    unescapedControls,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function secretsOf(authorization: string): readonly string[] {
  const space = authorization.indexOf(' ');
  const credentials = authorization.slice(space + 1).trim();
  if (authorization.slice(0, space).toLowerCase() !== 'basic') return [credentials];
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  return [credentials, pair, pair.slice(pair.indexOf(':') + 1)];
}
