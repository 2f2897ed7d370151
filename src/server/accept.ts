/** Reads the Accept header as goautoneg, the library of k8s.io/apiserver, does: leniently, and with its order of preference. */

export interface Clause {
  /** The parts of a media type, perhaps `*`. */
  readonly type: string;
  readonly subtype: string;
  /** 0 does not mean never here. */
  readonly quality: number;
  readonly parameters: ReadonlyMap<string, string>;
}

/** More than any client sends; what comes after them is not looked at, so that sorting them cannot take long. */
const clauseLimit = 100;

/**
 * Characters of a header with a list that are read: some fifty times what browsers send. The rest is ignored, as if it were not there, because
 * headers may have 1 MiB and reading a list costs time per element.
 */
export const listHeaderLimit = 16_384;

/** Returns the elements of a header with a comma-separated list, as far as it is read. */
export function elementsOf(header: string): string[] {
  return header.slice(0, listHeaderLimit).split(',');
}

/** Whether one of the media types stands in the header as it is, whatever its parameters say. */
export function namesMediaType(header: string, mediaTypes: readonly string[]): boolean {
  return elementsOf(header).some((range) => mediaTypes.includes(trim(range.split(';', 1)[0] ?? '')));
}

/** The clauses of a header, the best first. */
export function parseAccept(header: string): readonly Clause[] {
  const clauses: Clause[] = [];
  for (const text of elementsOf(header).slice(0, clauseLimit)) {
    const clause = parseClause(text);
    if (clause !== undefined) insert(clauses, clause);
  }
  return clauses;
}

/** Spaces at both ends mean nothing, and neither does an empty part behind a / or = too many. */
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

/** Go reads what is no number as 0, and does not forgive spaces. */
function parseQuality(text: string): number {
  return /^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[-+]?[0-9]+)?$/i.test(text) ? Number(text) : 0;
}

/** Only spaces: a tab is part of a name. Not a regular expression, which would take long for very many of them. */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === ' ') start += 1;
  while (end > start && text[end - 1] === ' ') end -= 1;
  return text.slice(start, end);
}

/** Go's order has circles, so the way of sorting matters: one by one, each moved up while it is better than the one before it. */
function insert(clauses: Clause[], clause: Clause): void {
  let at = clauses.length;
  for (; at > 0; at -= 1) {
    const before = clauses[at - 1];
    if (before === undefined || !isBetter(clause, before)) break;
    clauses[at] = before;
  }
  clauses[at] = clause;
}

function isBetter(one: Clause, other: Clause): boolean {
  if (one.quality > other.quality) return true;
  if (one.type !== '*' && other.type === '*') return true;
  return one.subtype !== '*' && other.subtype === '*';
}
