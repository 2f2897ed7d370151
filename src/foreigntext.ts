/** Text that others wrote, or that may repeat what they wrote, as logs, /status and errors may show it: without our secrets, and without control characters. */
import { createRedactor, partLength, redactedMark } from './redactor.ts';

/** Characters of a foreign text that a message repeats, unless it says otherwise. */
const defaultLimit = 1_024;

/** Credentials of ours that are remembered, those before a rotation included. */
const secretLimit = 8;

const own = createRedactor(secretLimit);
/** Compared first: each scrape brings it. */
let latest: string | undefined;

/** Makes every text of this thread leave out what an Authorization header (`Bearer ...`, `Basic ...`) proves us by. Cheap when it is known. */
export function keepSecret(authorization: string | undefined): void {
  if (authorization === undefined || authorization === latest || own.knows(authorization)) return;
  latest = authorization;
  own.add(authorization, secretsOf(authorization));
}

/** What else to do with a text. */
export interface ForeignTextOptions {
  /** Characters that are left of it. */
  readonly limit?: number;
  /** Of others, such as the token that a TokenReview is about. */
  readonly secrets?: readonly string[];
  /** Whether to write a space for what is not printable ASCII, and no dots where it was cut: for quotations at the end of a sentence. */
  readonly plain?: boolean;
}

/**
 * Returns a text without secrets, then with control characters escaped, then cut, in this order: half a secret could not be told from other text.
 * Redacts whole secrets and parts of 16 characters or more, as they are and in base64, percent-encoded, as JSON or in hexadecimal.
 */
export function foreignText(
  text: string,
  { limit = defaultLimit, secrets = [], plain = false }: ForeignTextOptions = {},
): string {
  // Of what is longer, nothing behind this gets into the message; a secret may begin before the cut and end behind it.
  const read = text.slice(0, limit + secretReach);
  const others = createRedactor(secrets.length);
  for (const secret of secrets) others.add(secret, [secret]);
  const redacted = others.redact(own.redact(read));
  const isWhole = read.length === text.length;
  // The last characters may begin a secret; they get into the message only where another one before them was redacted.
  const sure = isWhole || redacted.endsWith(redactedMark) ? redacted : redacted.slice(0, 1 - partLength);
  const clean = plain ? sure.replaceAll(/[^\x21-\x7e]+/g, ' ').trim() : escapeControls(sure);
  if (isWhole && clean.length <= limit) return clean;
  return plain ? clean.slice(0, limit) : `${clean.slice(0, Math.max(0, limit - dots.length))}${dots}`;
}

/** Bytes of a message that an excerpt is made from: more than it shows, since they may be spaces or a secret that has to be recognised. */
const excerptBytes = 4_096;

/** Returns the beginning of a message of any length, as foreignText does. */
export function excerpt(message: Buffer | string, options: ForeignTextOptions = {}): string {
  const encoding = options.plain === true ? 'latin1' : 'utf8';
  const text =
    typeof message === 'string' ? message.slice(0, excerptBytes) : message.toString(encoding, 0, excerptBytes);
  return foreignText(text.trim(), options);
}

/** Stands for what was cut. */
const dots = '...';

/** Characters behind the limit that are looked at; a secret that goes on behind them is found by its beginning. */
const secretReach = 64;

/** Returns a copy of a value that is to be JSON, all of whose texts are whole, but without secrets and control characters. */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return escapeControls(own.redact(value));
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutSecrets(each)]));
}

/** C0, DEL, C1, line and paragraph separators, and what turns the direction of text, which hides what a terminal shows. */
const controls = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Returns a text whose control characters are written as `\x1b` or `\u2028`. */
export function escapeControls(text: string): string {
  return text.replaceAll(controls, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Returns what of an Authorization header is secret. */
function secretsOf(authorization: string): readonly string[] {
  const space = authorization.indexOf(' ');
  const credentials = authorization.slice(space + 1).trim();
  if (authorization.slice(0, space).toLowerCase() !== 'basic') return [credentials];
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  return [credentials, pair, pair.slice(pair.indexOf(':') + 1)];
}
