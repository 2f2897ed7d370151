/** Returns a 64-bit integer; undefined where Go's strconv.ParseInt (base 10) fails. */
export function parseInt64(text: string): bigint | undefined {
  const match = /^([+-]?)0*([0-9]{1,19})$/.exec(text);
  if (match === null) return undefined;
  const magnitude = BigInt(match[2] ?? '');
  const value = match[1] === '-' ? -magnitude : magnitude;
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
