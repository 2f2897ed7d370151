/** Makes text from outside safe for logs, /status and errors: without our secrets and control characters. */
import { createRedactor, partLength, redactedMark } from './redactor.ts';

/** Characters of a foreign text that a message repeats by default. */
const defaultLimit = 1_024;

/** Our credentials that are redacted, including those before a rotation. */
const secretLimit = 8;

const own = createRedactor(secretLimit);
/** The latest header; compared first, because every scrape passes it. */
let latest: string | undefined;

/** Redacts the credentials of an Authorization header (`Bearer ...`, `Basic ...`) from every text of this thread. Cheap for a known header. */
export function keepSecret(authorization: string | undefined): void {
  if (authorization === undefined || authorization === latest || own.knows(authorization)) return;
  latest = authorization;
  own.add(authorization, secretsOf(authorization));
}

export interface ForeignTextOptions {
  /** Characters of the result. */
  readonly limit?: number;
  /** Secrets of others, such as the token of a TokenReview. */
  readonly secrets?: readonly string[];
  /** Whether to replace all but printable ASCII by spaces, and to cut without dots: for quotations at the end of a sentence. */
  readonly plain?: boolean;
}

/**
 * Returns a text without secrets, with control characters escaped, cut to its limit. Secrets are redacted first: half a secret would not be recognised.
 * Redacts whole secrets and parts of at least 16 characters: plain, in base64, percent-encoded, as JSON, or in hexadecimal.
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

/** Bytes of a message that an excerpt is made from: more than it shows, since they may be spaces or a secret to redact. */
const excerptBytes = 4_096;

/** Returns the beginning of a message of any length, as foreignText does. */
export function excerpt(message: Buffer | string, options: ForeignTextOptions = {}): string {
  const encoding = options.plain === true ? 'latin1' : 'utf8';
  const text =
    typeof message === 'string' ? message.slice(0, excerptBytes) : message.toString(encoding, 0, excerptBytes);
  return foreignText(text.trim(), options);
}

const dots = '...';

/** Characters behind the limit that are searched; a longer secret is found by its beginning. */
const secretReach = 64;

/** Returns a copy of a JSON value whose texts have no secrets and no control characters. Nothing is cut. */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return escapeControls(own.redact(value));
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutSecrets(each)]));
}

/** C0, DEL, C1, line and paragraph separators, and bidirectional controls, which make a terminal hide text. */
const controls = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Returns a text whose control characters are written as `\x1b` or `\u2028`. */
export function escapeControls(text: string): string {
  return text.replaceAll(controls, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Returns the secrets in an Authorization header. */
function secretsOf(authorization: string): readonly string[] {
  const space = authorization.indexOf(' ');
  const credentials = authorization.slice(space + 1).trim();
  if (authorization.slice(0, space).toLowerCase() !== 'basic') return [credentials];
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  return [credentials, pair, pair.slice(pair.indexOf(':') + 1)];
}
