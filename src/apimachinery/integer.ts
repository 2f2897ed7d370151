/** Parses whole numbers as Go's strconv.ParseInt does in base 10. */

/** Returns a 64-bit integer, or undefined where ParseInt fails: spaces, fractions, underscores, out of range. */
export function parseInt64(text: string): bigint | undefined {
  const match = /^([+-]?)0*([0-9]{1,19})$/.exec(text);
  if (match === null) return undefined;
  const magnitude = BigInt(match[2] ?? '');
  const value = match[1] === '-' ? -magnitude : magnitude;
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
