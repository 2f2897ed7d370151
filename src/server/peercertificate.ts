/**
 * The certificate that a client shows on its connection, taken out of OpenSSL once: each time costs a twentieth of a GET. It cannot change: TLS 1.2 would need
 * a renegotiation, which the server refuses (tlscontext.ts), and in TLS 1.3 its server would have to ask for it (RFC 8446, 4.6.2), which Node's never does.
 */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** @param connection the same object for all requests of one connection. */
export type PeerCertificate = (socket: TLSSocket, connection: object) => X509Certificate | undefined;

export function createPeerCertificate(): PeerCertificate {
  const kept = new WeakMap<object, { readonly certificate: X509Certificate | undefined }>();
  return (socket, connection) => {
    const held = kept.get(connection);
    if (held !== undefined) return held.certificate;
    const certificate = socket.getPeerX509Certificate();
    kept.set(connection, { certificate });
    return certificate;
  };
}
