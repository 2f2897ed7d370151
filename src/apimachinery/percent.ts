/** Percent-encoding as Go decodes it: to bytes, whatever they are, which are then read as UTF-8. */

/**
 * @param text as Node hands it over: each byte that was sent a character of Latin-1, whether or not it needed an escape.
 * @returns undefined where a % is not followed by two hex digits. Bytes that are not UTF-8 become U+FFFD, so that nothing is dropped silently.
 */
export function percentDecode(text: string): string | undefined {
  if (!/[%\u0080-\uffff]/.test(text)) return text;
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  const bytes = text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
