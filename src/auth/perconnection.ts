/** Remembers what was read of a connection's certificate for as long as it shows the same one: Node takes a tenth of a millisecond to read names. */
import type { X509Certificate } from 'node:crypto';

/** @param read what is remembered is forgotten with the connection; what it throws is not remembered. */
export function perConnection<T>(
  read: (certificate: X509Certificate) => T,
): (certificate: X509Certificate, connection: object) => T {
  const byConnection = new WeakMap<object, { readonly raw: Buffer; readonly value: T }>();
  return (certificate, connection) => {
    const held = byConnection.get(connection);
    // Whom a certificate names never depends on the connection alone.
    if (held?.raw.equals(certificate.raw) === true) return held.value;
    const value = read(certificate);
    byConnection.set(connection, { raw: certificate.raw, value });
    return value;
  };
}
