/** TLS key exchanges: from the numbers and names of Go's crypto/tls to OpenSSL's names. */

const curves: readonly (readonly [number: string, name: string, openssl: string])[] = [
  ['23', 'CurveP256', 'P-256'],
  ['24', 'CurveP384', 'P-384'],
  ['25', 'CurveP521', 'P-521'],
  ['29', 'X25519', 'X25519'],
  ['4587', 'SecP256r1MLKEM768', 'SecP256r1MLKEM768'],
  ['4588', 'X25519MLKEM768', 'X25519MLKEM768'],
  ['4589', 'SecP384r1MLKEM1024', 'SecP384r1MLKEM1024'],
];

const opensslNames: ReadonlyMap<string, string> = new Map(
  curves.flatMap((spellings) => spellings.map((spelling) => [spelling, spellings[2]] as const)),
);

/** Returns what is wrong with --tls-curve-preferences, in k8s.io/component-base's words. */
export function curvesProblem(preferences: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const preference of preferences) {
    const name = opensslNames.get(preference);
    if (name === undefined) {
      const known = curves.map(([number, goName]) => `${number} (${goName})`).join(', ');
      return `curve preference ${preference} is not supported; supported are ${known}`;
    }
    if (seen.has(name)) return `duplicate curve preference ${preference}`;
    seen.add(name);
  }
  return undefined;
}

/** Returns OpenSSL's list for valid preferences, or undefined for Node's defaults. */
export function curveList(preferences: readonly string[]): string | undefined {
  if (preferences.length === 0) return undefined;
  return preferences.map((preference) => opensslNames.get(preference) ?? preference).join(':');
}
