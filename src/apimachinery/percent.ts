/** Decodes percent-encoding as Go does: to any bytes, then as UTF-8. */

/**
 * Returns undefined where a % lacks two hex digits. Bytes that are not UTF-8 become U+FFFD. @param text as Node
 * provides it: each byte of the URL is a Latin-1 character.
 */
export function percentDecode(text: string): string | undefined {
  if (!/[%\u0080-\uffff]/.test(text)) return text;
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  const bytes = text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
