/** Quotes text in messages as Go and k8s.io/apiserver do, so that error texts are Kubernetes' own. */

/**
 * UTF-16 units of a client's text that a message repeats. Names and label values have at most 253. Quoting costs time per character, and a client must
 * not choose how much.
 */
export const excerptLimit = 1024;

/** Returns a text of any length as a message may repeat it: cut at the limit, with "..." in place of the rest. */
export function excerpt(text: string): string {
  return text.length <= excerptLimit ? text : `${text.slice(0, excerptLimit)}...`;
}

/** Formats an excerpt of the text as %q does: in double quotes, with escapes for what cannot be printed. */
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

/** Escapes what Go's replacer in k8s.io/apiserver escapes, so that a browser does not take a message for a page. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
