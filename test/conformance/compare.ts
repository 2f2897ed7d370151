/** Says where two observations differ, one line for each place. */

const shownLines = 12;
const shownLength = 300;

/** Empty when equal. The order of an object's keys counts: it is the order of what was written. */
export function differencesBetween(expected: unknown, actual: unknown): string[] {
  const lines: string[] = [];
  walk(expected, actual, '', lines);
  if (lines.length <= shownLines) return lines;
  return [...lines.slice(0, shownLines), `and ${lines.length - shownLines} more`];
}

function walk(expected: unknown, actual: unknown, at: string, lines: string[]): void {
  if (Object.is(expected, actual)) return;
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const length = Math.max(expected.length, actual.length);
    for (let i = 0; i < length; i += 1) walk(expected[i], actual[i], `${at}[${i}]`, lines);
    return;
  }
  if (!isRecord(expected) || !isRecord(actual)) {
    lines.push(`${at || 'it'}: ${shown(expected)} -> ${shown(actual)}`);
    return;
  }
  const before = lines.length;
  for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    walk(expected[key], actual[key], at === '' ? key : `${at}.${key}`, lines);
  }
  const [was, is] = [Object.keys(expected).join(), Object.keys(actual).join()];
  if (lines.length === before && was !== is) lines.push(`${at}: keys ${was} -> ${is}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > shownLength ? `${text.slice(0, shownLength)}...` : text;
}
