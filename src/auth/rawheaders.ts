/**
 * Reads header lines as they came in. Node's own `headers` joins repeated ones with a comma, so that a user whose one group is named
 * `x, system:masters` would be taken for an administrator.
 */

/** The values of all lines of one name, in order and undivided. */
export function headerLines(rawHeaders: readonly string[], name: string): string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (const [found, value] of lines(rawHeaders)) if (found.toLowerCase() === wanted) values.push(decode(value));
  return values;
}

/** All lines whose name starts with the prefix: the rest of the name in lower case, and the value. */
export function headerLinesWithPrefix(rawHeaders: readonly string[], prefix: string): [rest: string, value: string][] {
  const wanted = prefix.toLowerCase();
  const found: [string, string][] = [];
  for (const [name, value] of lines(rawHeaders)) {
    const lower = name.toLowerCase();
    if (lower.startsWith(wanted)) found.push([lower.slice(wanted.length), decode(value)]);
  }
  return found;
}

/** Node gives names and values in turn. */
function* lines(rawHeaders: readonly string[]): Generator<[string, string]> {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) yield [rawHeaders[at] ?? '', rawHeaders[at + 1] ?? ''];
}

/** Node takes each byte for a character of Latin-1, but names in Kubernetes are UTF-8. */
function decode(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8');
}
