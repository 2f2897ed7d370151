/** Translates cipher suites from Go's names to OpenSSL's. */

/** Suites of TLS 1.2; those of 1.3 (TLS_AES, TLS_CHACHA20) have one name. */
const opensslNames: ReadonlyMap<string, string> = new Map([
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256', 'ECDHE-ECDSA-AES128-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 'ECDHE-RSA-AES128-SHA256'],
  ['TLS_RSA_WITH_AES_128_CBC_SHA', 'AES128-SHA'],
  ['TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA'],
  ['TLS_RSA_WITH_AES_128_CBC_SHA256', 'AES128-SHA256'],
  ['TLS_RSA_WITH_AES_128_GCM_SHA256', 'AES128-GCM-SHA256'],
  ['TLS_RSA_WITH_AES_256_GCM_SHA384', 'AES256-GCM-SHA384'],
]);

/** Go's (crypto/tls, defaultCipherSuites), in order: forward secrecy, no CBC with SHA-256. */
const defaultSuites: readonly string[] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
];

const tls13: ReadonlySet<string> = new Set(defaultSuites.slice(0, 3));

/** Go's suites that OpenSSL is built without: accepted, but never negotiated. */
const unavailable: ReadonlySet<string> = new Set([
  'TLS_RSA_WITH_RC4_128_SHA',
  'TLS_ECDHE_ECDSA_WITH_RC4_128_SHA',
  'TLS_ECDHE_RSA_WITH_RC4_128_SHA',
  'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA',
]);

/** Go's tls.InsecureCipherSuites: without forward secrecy, or CBC with SHA-256. */
const insecure = /^TLS_RSA_|_CBC_SHA256$/;

/**
 * Returns OpenSSL's list for --tls-cipher-suites, by default Go's. TLS 1.3 is always on, as in Go.
 * @throws Error with all unknown suites.
 */
export function cipherList(given: readonly string[]): string {
  const suites = given.length === 0 ? defaultSuites : given;
  const unknown = suites.filter((suite) => !isKnown(suite));
  if (unknown.length > 0) {
    const known = [...opensslNames.keys(), ...unavailable, ...tls13];
    throw new Error(`--tls-cipher-suites: unknown ${unknown.join(', ')}; known are ${known.join(', ')}`);
  }
  const served = suites.filter((suite) => !unavailable.has(suite));
  // OpenSSL takes no empty list.
  return (served.length === 0 ? [...tls13] : served).map((suite) => opensslNames.get(suite) ?? suite).join(':');
}

function isKnown(suite: string): boolean {
  return tls13.has(suite) || opensslNames.has(suite) || unavailable.has(suite);
}

/** Returns k8s.io/apiserver's warnings, and what is lost without unavailable suites. */
export function cipherWarnings(given: readonly string[]): readonly string[] {
  return given.flatMap((suite) => {
    if (unavailable.has(suite)) {
      return [
        `the insecure cipher ${suite} is never used: OpenSSL has no RC4 and no 3DES; clients without another fail`,
      ];
    }
    return insecure.test(suite) ? [`use of the insecure cipher ${suite}`] : [];
  });
}
