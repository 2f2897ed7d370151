/**
 * Parses numbers as Number(text) does, without a string where the arithmetic is exact. Hot: once or twice per requested
 * line.
 */
import { ExpositionError } from './sample.ts';

const zero = 0x30;
const plus = 0x2b;
const minus = 0x2d;
const point = 0x2e;
const upperE = 0x45;
const lowerE = 0x65;

/** All that a double holds exactly. */
const exactPowersOfTen: readonly number[] = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
];

/**
 * Parses a decimal with optional sign, fraction and exponent, or a word: nan, or inf or infinity with an optional sign,
 * in any case. @throws ExpositionError
 */
export function parseNumber(body: Buffer, start: number, end: number): number {
  const signed = start < end && (body[start] === minus || body[start] === plus);
  let at = signed ? start + 1 : start;
  let mantissa = 0;
  let digits = 0;
  let exponent = 0;
  for (; isDigit(body, at, end); at += 1, digits += 1) mantissa = mantissa * 10 + (body[at]! - zero);
  if (at < end && body[at] === point) {
    at += 1;
    for (; isDigit(body, at, end); at += 1, digits += 1, exponent -= 1) mantissa = mantissa * 10 + (body[at]! - zero);
  }
  if (digits === 0) return parseWord(body, start, end);
  if (at < end && (body[at] === lowerE || body[at] === upperE)) {
    at += 1;
    const down = at < end && body[at] === minus;
    if (down || (at < end && body[at] === plus)) at += 1;
    if (!isDigit(body, at, end)) throw notANumber(start);
    let shift = 0;
    for (; isDigit(body, at, end); at += 1) shift = shift * 10 + (body[at]! - zero);
    exponent += down ? -shift : shift;
  }
  if (at !== end) throw notANumber(start);

  // Both operands are exact, so one operation rounds correctly (Clinger 1990).
  const size = Math.abs(exponent);
  if (mantissa > Number.MAX_SAFE_INTEGER || size >= exactPowersOfTen.length) {
    return Number(body.toString('latin1', start, end));
  }
  const power = exactPowersOfTen[size]!;
  const magnitude = exponent < 0 ? mantissa / power : mantissa * power;
  return signed && body[start] === minus ? -magnitude : magnitude;
}

function isDigit(body: Buffer, at: number, end: number): boolean {
  if (at >= end) return false;
  const byte = body[at]!;
  return byte >= zero && byte <= zero + 9;
}

/** Characters of `-infinity`. A line of megabytes must not become a string. */
const longestWord = 9;

/** As Go's strconv.ParseFloat, with which Prometheus and metrics-server read: Rust writes `inf`, Java `Infinity`. */
function parseWord(body: Buffer, start: number, end: number): number {
  switch (end - start > longestWord ? '' : body.toString('latin1', start, end).toLowerCase()) {
    case 'nan':
      return Number.NaN;
    case 'inf':
    case '+inf':
    case 'infinity':
    case '+infinity':
      return Number.POSITIVE_INFINITY;
    case '-inf':
    case '-infinity':
      return Number.NEGATIVE_INFINITY;
    default:
      throw notANumber(start);
  }
}

function notANumber(start: number): ExpositionError {
  return new ExpositionError('not a number', start);
}
