/** Text inside messages as Go and k8s.io/apiserver write it, so that error texts are Kubernetes' own. */

/**
 * Characters (UTF-16 units) that a message repeats of what a client sent. Names and label values have 253 at most. Quoting costs time per
 * character, and a client must not choose how much.
 */
export const excerptLimit = 1024;

/** Returns a text of any length as a message may repeat it: cut at the limit, with "..." in place of the rest. */
export function excerpt(text: string): string {
  return text.length <= excerptLimit ? text : `${text.slice(0, excerptLimit)}...`;
}

/** Formats an excerpt of the text as %q does: in double quotes, what cannot be printed escaped. */
export function quote(text: string): string {
  const short = excerpt(text);
  if (plain.test(short)) return `"${short}"`;
  let quoted = '';
  for (const character of short.toWellFormed()) quoted += escape(character);
  return `"${quoted}"`;
}

/** Printable ASCII without the two characters that are escaped. */
const plain = /^[ !#-[\]-~]*$/;

/** Letters, marks, numbers, punctuation, symbols and the ASCII space, as in Go's unicode.IsPrint. */
const printable = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
]);

function escape(character: string): string {
  const known = escapes.get(character);
  if (known !== undefined) return known;
  if (printable.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x20 || code === 0x7f) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x1_0000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** A browser must not take a message for a page; only what Go's replacer in k8s.io/apiserver escapes. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
