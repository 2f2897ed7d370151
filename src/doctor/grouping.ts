/** Groups findings: 300 nodes with one cause are one line. */

/** More names make no line clearer. */
const shownNames = 3;

/** Returns e.g. `Node a`, or `300 Nodes: a, b, c and 297 others`. */
export function objectOf(kind: string, names: readonly string[]): string {
  const [first, ...others] = names;
  if (first === undefined) return `${kind}s`;
  return others.length === 0 ? `${kind} ${first}` : `${names.length} ${kind}s: ${listed(names)}`;
}

/** Returns the first names, and how many others there are. */
export function listed(names: readonly string[]): string {
  const sorted = names.toSorted();
  const rest = sorted.length - shownNames;
  const shown = sorted.slice(0, shownNames).join(', ');
  return rest > 0 ? `${shown} and ${rest} ${rest === 1 ? 'other' : 'others'}` : shown;
}
