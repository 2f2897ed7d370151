/** Caches what was read from a connection's certificate: Node takes a tenth of a millisecond to read names. */
import type { X509Certificate } from 'node:crypto';

/** Entries live as long as their connection. Errors of `read` are not cached. */
export function perConnection<T>(
  read: (certificate: X509Certificate) => T,
): (certificate: X509Certificate, connection: object) => T {
  const byConnection = new WeakMap<object, { readonly raw: Buffer; readonly value: T }>();
  return (certificate, connection) => {
    const cached = byConnection.get(connection);
    // A connection may present another certificate.
    if (cached?.raw.equals(certificate.raw) === true) return cached.value;
    const value = read(certificate);
    byConnection.set(connection, { raw: certificate.raw, value });
    return value;
  };
}
