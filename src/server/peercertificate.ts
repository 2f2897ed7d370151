/**
 * Reads a client's certificate from OpenSSL once per connection, for a twentieth of a GET. It cannot change: the
 * server refuses renegotiation (tlscontext.ts), and Node requests no certificate later (RFC 8446, 4.6.2).
 */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** @param connection by `connectionKey`. */
export type PeerCertificate = (socket: TLSSocket, connection: object) => X509Certificate | undefined;

export function createPeerCertificate(): PeerCertificate {
  const cache = new WeakMap<object, { readonly certificate: X509Certificate | undefined }>();
  return (socket, connection) => {
    const cached = cache.get(connection);
    if (cached !== undefined) return cached.certificate;
    const certificate = socket.getPeerX509Certificate();
    cache.set(connection, { certificate });
    return certificate;
  };
}
