/** Percent-encoding as Go decodes it: to bytes, whatever they are, which are then read as UTF-8. */

/** Undefined where a % is not followed by two hex digits. Bytes that are not UTF-8 become U+FFFD, so that nothing is dropped silently. */
export function percentDecode(text: string): string | undefined {
  if (!text.includes('%')) return text;
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  // Whatever stands beside the escapes may be more than one byte, too.
  const bytes = Buffer.from(text).toString('latin1');
  const decoded = bytes.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(decoded, 'latin1').toString('utf8');
}
