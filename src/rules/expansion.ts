/** Go's Regexp.Expand: $1, ${1}, ${name} and $$ in the name of a metric. */
import type { Pattern } from './pattern.ts';

/** A piece of text, or a reference to a group by number or name. */
type Piece = { readonly text: string } | { readonly group: string; readonly isBraced: boolean };

/** Splits as Go does: a name without braces takes all letters, digits and underscores that follow. */
function pieces(as: string): readonly Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const { 0: whole, 1: braced, 2: bare, index } of as.matchAll(reference)) {
    if (index > end) found.push({ text: as.slice(end, index) });
    end = index + whole.length;
    const group = braced ?? bare;
    found.push(group === undefined ? { text: '$' } : { group, isBraced: braced !== undefined });
  }
  if (end < as.length) found.push({ text: as.slice(end) });
  return found;
}

/** A dollar sign that begins no reference stays as it is. */
const reference = /\$(?:\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+)|\$)/gu;

/** Returns the number of a group; undefined for one that the pattern does not have. */
function numberOf(group: string, pattern: Pattern): number | undefined {
  // In Go, a number has no leading zeros and less than ten digits, or it is a name.
  const number = /^(?:0|[1-9]\d{0,8})$/.test(group) ? Number(group) : pattern.names.get(group);
  return number === undefined || number > pattern.groups ? undefined : number;
}

/** @param match as `Pattern.match` returned it. */
export function expand(as: string, pattern: Pattern, match: readonly (string | undefined)[]): string {
  return pieces(as)
    .map((piece) => ('text' in piece ? piece.text : (match[numberOf(piece.group, pattern) ?? -1] ?? '')))
    .join('');
}

/** Returns a function that reports whether there may be a match that makes a text: any text may stand for a reference. */
export function expansionTest(as: string): (text: string) => boolean {
  const literals = [''];
  for (const piece of pieces(as)) {
    if ('text' in piece) literals.push((literals.pop() ?? '') + piece.text);
    else literals.push('');
  }
  const [first = '', ...others] = literals;
  const last = others.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (!text.startsWith(first)) return false;
    let at = first.length;
    for (const literal of others) {
      const found = text.indexOf(literal, at);
      if (found < 0) return false;
      at = found + literal.length;
    }
    return text.length >= at + last.length && text.endsWith(last);
  };
}

/** Returns the first reference to a group that the pattern does not have, with what was probably meant. */
export function unknownReference(
  as: string,
  pattern: Pattern,
): { readonly group: string; readonly meant?: string } | undefined {
  for (const piece of pieces(as)) {
    if ('text' in piece || numberOf(piece.group, pattern) !== undefined) continue;
    const { group } = piece;
    const known = [...Array.from({ length: pattern.groups + 1 }, (_, index) => String(index)), ...pattern.names.keys()];
    const start = piece.isBraced
      ? undefined
      : known.filter((name) => group.startsWith(name)).toSorted((a, b) => b.length - a.length)[0];
    return start === undefined ? { group } : { group, meant: `\${${start}}${group.slice(start.length)}` };
  }
  return undefined;
}
