/** Quotes text as Go and k8s.io/apiserver do, so that error texts are Kubernetes' own. */

/** UTF-16 units of a client's text in a message; names have at most 253. Quoting costs time, which a client must not choose. */
export const excerptLimit = 1024;

/** Cuts a text at the limit, with "..." in place of the rest. */
export function excerpt(text: string): string {
  return text.length <= excerptLimit ? text : `${text.slice(0, excerptLimit)}...`;
}

/** Formats an excerpt as %q does. */
export function quote(text: string): string {
  return quoteWhole(excerpt(text));
}

/** Formats as %q does, without a limit: for text that is limited elsewhere. */
export function quoteWhole(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  let quoted = '';
  for (const character of text.toWellFormed()) quoted += escape(character);
  return `"${quoted}"`;
}

/** Without the two characters that are escaped. */
const plain = /^[ !#-[\]-~]*$/;

/** As in Go's unicode.IsPrint. */
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

/** Escapes as k8s.io/apiserver does, so that a browser does not take a message for a page. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
