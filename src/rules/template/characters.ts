/** Go's character classes, as text/template's lexer uses them. */

export function isSpace(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\n';
}

const alphanumeric = /^[\p{L}\p{Nd}_]$/u;

export function isAlphanumeric(character: string): boolean {
  return alphanumeric.test(character);
}

/** Printable ASCII. */
const printable = /^[ -~]$/;

export function isPrintableAscii(character: string): boolean {
  return printable.test(character);
}
