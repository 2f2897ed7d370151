/**
 * Reads a client's certificate from OpenSSL once per connection: a read costs a twentieth of a GET. It cannot change: TLS 1.2 needs a renegotiation, which
 * the server refuses (tlscontext.ts), and TLS 1.3 a request of the server (RFC 8446, 4.6.2), which Node never makes.
 */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** @param connection the same object for all requests of one connection. */
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
