/**
 * Reads header lines as they came in. Node's own `headers` joins repeated ones with a comma, so that a user whose one group is named
 * `x, system:masters` would be taken for an administrator.
 */

/** Returns the values of all lines of one name, in order and undivided. A stranger's request may have thousands of lines, so most are told by their length. */
export function headerLines(rawHeaders: readonly string[], name: string): string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (let at = nextLine(rawHeaders, wanted, 0); at !== -1; at = nextLine(rawHeaders, wanted, at + 2)) {
    values.push(decode(rawHeaders[at + 1] ?? ''));
  }
  return values;
}

/** Returns the value of the first line of a name; undefined where there is none. */
export function firstHeaderLine(rawHeaders: readonly string[], name: string): string | undefined {
  const at = nextLine(rawHeaders, name.toLowerCase(), 0);
  return at === -1 ? undefined : decode(rawHeaders[at + 1] ?? '');
}

/** Returns all lines whose name starts with the prefix: the rest of the name in lower case, and the value. */
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

/** Reports whether the name of a line starts with the prefix. */
export function hasHeaderWithPrefix(rawHeaders: readonly string[], prefix: string): boolean {
  const wanted = prefix.toLowerCase();
  return rawHeaders.some((name, at) => at % 2 === 0 && startsWith(name, wanted));
}

function startsWith(name: string, wanted: string): boolean {
  return name.length >= wanted.length && name.slice(0, wanted.length).toLowerCase() === wanted;
}

/** Node gives names and values in turn. Returns where the next line of a name is, from a place on; -1 where there is none. */
function nextLine(rawHeaders: readonly string[], wanted: string, from: number): number {
  for (let at = from; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === wanted.length && (name === wanted || name.toLowerCase() === wanted)) return at;
  }
  return -1;
}

/** Node takes each byte for a character of Latin-1, but names in Kubernetes are UTF-8. */
function decode(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8');
}
