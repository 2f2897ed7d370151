/** Parses Accept as goautoneg, the library of k8s.io/apiserver: leniently, in its order of preference. */

export interface Clause {
  readonly type: string;
  readonly subtype: string;
  /** 0 does not exclude the type. */
  readonly quality: number;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Parsed clauses: insertion takes quadratic time. */
const clauseLimit = 100;

/** Parsed characters, fifty times what browsers send: headers may have 1 MiB. */
export const listHeaderLimit = 16_384;

export function elementsOf(header: string): string[] {
  return header.slice(0, listHeaderLimit).split(',');
}

/** Reports whether the header has one of the media types literally. */
export function namesMediaType(header: string, mediaTypes: readonly string[]): boolean {
  return elementsOf(header).some((range) => mediaTypes.includes(trim(range.split(';', 1)[0] ?? '')));
}

/** Returns the clauses, the best first. */
export function parseAccept(header: string): readonly Clause[] {
  const clauses: Clause[] = [];
  for (const text of elementsOf(header).slice(0, clauseLimit)) {
    const clause = parseClause(text);
    if (clause !== undefined) insert(clauses, clause);
  }
  return clauses;
}

/** Ignores spaces, and an empty part after a superfluous / or =. */
function parseClause(text: string): Clause | undefined {
  const [range = '', ...rest] = trim(text).split(';');
  const [type = '', subtype = '', ...more] = range.split('/');
  const isBare = subtype === '' && more.length === 0;
  if (isBare ? trim(type) !== '*' : more.join('/') !== '') return undefined;
  const parameters = new Map<string, string>();
  let quality = 1;
  for (const each of rest) {
    const [name = '', value = '', ...others] = each.split('=');
    if ((value === '' && others.length === 0) || others.join('=') !== '') continue;
    if (trim(name) === 'q') quality = parseQuality(value);
    else parameters.set(trim(name), trim(value));
  }
  return { type: trim(type), subtype: isBare ? '*' : trim(subtype), quality, parameters };
}

/** Returns 0 for anything but a number, as Go. */
function parseQuality(text: string): number {
  return /^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[-+]?[0-9]+)?$/i.test(text) ? Number(text) : 0;
}

/** Removes spaces but not tabs, as Go. A regular expression would take quadratic time. */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === ' ') start += 1;
  while (end > start && text[end - 1] === ' ') end -= 1;
  return text.slice(start, end);
}

/** Go's order is not transitive, so the sorting algorithm matters. */
function insert(clauses: Clause[], clause: Clause): void {
  let at = clauses.length;
  for (; at > 0; at -= 1) {
    const previous = clauses[at - 1];
    if (previous === undefined || !isBetter(clause, previous)) break;
    clauses[at] = previous;
  }
  clauses[at] = clause;
}

function isBetter(one: Clause, other: Clause): boolean {
  if (one.quality > other.quality) return true;
  if (one.type !== '*' && other.type === '*') return true;
  return one.subtype !== '*' && other.subtype === '*';
}
