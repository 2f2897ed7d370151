/**
 * Reads header lines as they arrived. Node's `headers` joins lines by commas: a user in one group named `x,
 * system:masters` would become an administrator.
 */

/** Returns all values. Compares lengths first: a request may have thousands of lines. */
export function headerLines(rawHeaders: readonly string[], name: string): string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (let at = nextLine(rawHeaders, wanted, 0); at !== -1; at = nextLine(rawHeaders, wanted, at + 2)) {
    values.push(decode(rawHeaders[at + 1] ?? ''));
  }
  return values;
}

/** Returns the first line's value. */
export function firstHeaderLine(rawHeaders: readonly string[], name: string): string | undefined {
  const at = nextLine(rawHeaders, name.toLowerCase(), 0);
  return at === -1 ? undefined : decode(rawHeaders[at + 1] ?? '');
}

/** Returns the rest of each name in lower case, and its value. */
export function headerLinesWithPrefix(rawHeaders: readonly string[], prefix: string): [rest: string, value: string][] {
  const wanted = prefix.toLowerCase();
  const found: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (!startsWith(name, wanted)) continue;
    found.push([name.slice(wanted.length).toLowerCase(), decode(rawHeaders[at + 1] ?? '')]);
  }
  return found;
}

export function hasHeaderWithPrefix(rawHeaders: readonly string[], prefix: string): boolean {
  const wanted = prefix.toLowerCase();
  return rawHeaders.some((name, at) => at % 2 === 0 && startsWith(name, wanted));
}

function startsWith(name: string, wanted: string): boolean {
  return name.length >= wanted.length && name.slice(0, wanted.length).toLowerCase() === wanted;
}

function nextLine(rawHeaders: readonly string[], wanted: string, from: number): number {
  for (let at = from; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === wanted.length && (name === wanted || name.toLowerCase() === wanted)) return at;
  }
  return -1;
}

/** Node reads Latin-1; names in Kubernetes are UTF-8. */
function decode(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8');
}
