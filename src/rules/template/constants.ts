/** Go's constants: quoted strings, characters and whole numbers. */
import { TemplateError } from './error.ts';

/** Returns the text of a quoted or raw string. @throws TemplateError */
export function unquoteString(source: string, line: number): string {
  const body = source.slice(1, -1);
  if (source.startsWith('`')) return body.replaceAll('\r', '');
  return unescape(body, '"', line);
}

/** Returns the code point of a character constant. @throws TemplateError */
export function unquoteCharacter(source: string, line: number): bigint {
  const text = unescape(source.slice(1, -1), "'", line, true);
  const characters = Array.from(text);
  if (characters.length !== 1) throw new TemplateError(`malformed character constant: ${source}`, line);
  return BigInt(characters[0]?.codePointAt(0) ?? 0);
}

const simpleEscapes: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
]);

/** Digits that follow the letter of an escape. */
const hexDigits: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

function unescape(body: string, quote: string, line: number, isCharacter = false): string {
  let text = '';
  for (let at = 0; at < body.length; ) {
    const character = body[at] ?? '';
    if (character !== '\\') {
      text += character;
      at += 1;
      continue;
    }
    const letter = body[at + 1] ?? '';
    const simple = letter === quote ? quote : simpleEscapes.get(letter);
    if (simple !== undefined) {
      text += simple;
      at += 2;
      continue;
    }
    const { code, length } = numericEscape(body.slice(at + 1, at + 10), line);
    // A byte above ASCII is half a character; a character constant has no bytes.
    const isByte = letter === 'x' || /[0-7]/.test(letter);
    if (isByte && code > 0x7f && !isCharacter) {
      throw new TemplateError(`\\${letter}: bytes above \\x7f are not supported; write the character`, line);
    }
    text += String.fromCodePoint(code);
    at += 1 + length;
  }
  return text;
}

/** @param rest behind the backslash. */
function numericEscape(rest: string, line: number): { readonly code: number; readonly length: number } {
  const letter = rest[0] ?? '';
  const digits = hexDigits.get(letter);
  const source = digits === undefined ? rest.slice(0, 3) : rest.slice(1, 1 + digits);
  const isValid =
    digits === undefined ? /^[0-7]{3}$/.test(source) : source.length === digits && /^[\da-fA-F]+$/.test(source);
  const code = isValid ? Number.parseInt(source, digits === undefined ? 8 : 16) : -1;
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  const isTooLarge = code > (digits === undefined ? 0xff : 0x10ffff);
  if (!isValid || isSurrogate || isTooLarge) throw new TemplateError(`invalid escape \\${letter}`, line);
  return { code, length: digits === undefined ? 3 : 1 + digits };
}

const wholeNumber = /^[-+]?(?:0[xX](?:_?[\da-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?\d)*)$/;
const maximum = 2n ** 63n - 1n;

/** Returns a whole number of 64 bits. @throws TemplateError, also for fractions and imaginary numbers. */
export function parseNumber(source: string, line: number): bigint {
  if (!wholeNumber.test(source)) {
    const isOther = /^[-+]?[.\d][\d_a-fA-FxXpP.+-]*i?$/.test(source) && /[.eEpPi]/.test(source);
    throw new TemplateError(
      isOther ? `${source}: only whole numbers are supported` : `illegal number syntax: "${source}"`,
      line,
    );
  }
  const isNegative = source.startsWith('-');
  const digits = source.replace(/^[-+]/, '').replaceAll('_', '').toLowerCase();
  // BigInt knows 0x, 0b and 0o; in Go, a leading 0 is octal, too.
  const magnitude = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = isNegative ? -magnitude : magnitude;
  if (value > maximum || value < -maximum - 1n) throw new TemplateError(`${source} overflows int`, line);
  return value;
}
