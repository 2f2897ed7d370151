/** Formats and parses durations as Go does: "9.993s", "1m30s", "1.5h". */

/**
 * Returns the text of Go's time.Duration: 9993 is "9.993s", 0.0015 is "1.5us" with a micro sign. Stays in Go's range,
 * so that one number cannot break a list; NaN becomes 0.
 */
export function formatDuration(ms: number): string {
  const ns = wireNanoseconds(ms);
  return ns < 0 ? `-${format(-ns)}` : format(ns);
}

/** Returns whole nanoseconds, limited likewise. */
export function wireNanoseconds(ms: number): number {
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(Math.round(ms * nsPerMs), -writableNs), writableNs);
}

/** Returns the milliseconds of 1m30s, 1.5h, 100ms, 0; undefined for what time.ParseDuration rejects, such as a missing unit. */
export function parseDuration(text: string): number | undefined {
  const sign = /^[-+]?/.exec(text)?.[0] ?? '';
  let rest = text.slice(sign.length);
  if (rest === '0') return 0;
  let ns = 0;
  do {
    const match = term.exec(rest);
    if (match === null) return undefined;
    const [all, whole = '', fraction = '', unit = ''] = match;
    ns += nanoseconds(whole, fraction, unit);
    rest = rest.slice(all.length);
  } while (rest !== '');
  if (ns >= limitNs) return undefined;
  return sign === '-' && ns > 0 ? -ns / nsPerMs : ns / nsPerMs;
}

const nsPerMs = 1e6;

/** Go counts in 63 bits, 292 years. */
const limitNs = 2 ** 63;

/** Whole hours, below the limit by more than the error of a double. */
const writableNs = 2_540_400 * 3600e9;

/** Go drops digits that 63 bits cannot hold, far below a nanosecond. */
const fractionDigits = 18;

/** Whole digits, decimals, unit; at least one digit. */
const term = /^(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/;

const nsPerUnit: ReadonlyMap<string, number> = new Map([
  ['ns', 1],
  ['us', 1e3],
  ['\u00b5s', 1e3],
  ['\u03bcs', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
  ['m', 60e9],
  ['h', 3600e9],
]);

function nanoseconds(whole: string, fraction: string, unit: string): number {
  const perUnit = nsPerUnit.get(unit) ?? 0;
  const kept = fraction.slice(0, fractionDigits);
  // In Go's order, so that the same digits are cut off.
  return Number(whole) * perUnit + Math.trunc(Number(kept) * (perUnit / 10 ** kept.length));
}

function format(ns: number): string {
  if (ns === 0) return '0s';
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${decimal(ns / 1e3)}\u00b5s`;
  if (ns < 1e9) return `${decimal(ns / 1e6)}ms`;
  const seconds = `${decimal((ns % 60e9) / 1e9)}s`;
  const minutes = Math.floor(ns / 60e9);
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

/** Avoids String()'s exponents of small numbers. */
function decimal(value: number): string {
  const text = value.toFixed(9);
  let end = text.length;
  while (text[end - 1] === '0') end -= 1;
  return text.slice(0, text[end - 1] === '.' ? end - 1 : end);
}
