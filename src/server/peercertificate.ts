/** The certificate that a client shows on its connection, taken out of OpenSSL once where it cannot change: each time costs a twentieth of a GET. */
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
    // Over TLS 1.2 a client may show another one later, by renegotiation. Over 1.3 its server would have to ask for it (RFC 8446, 4.6.2), which Node's never does.
    if (socket.getProtocol() === 'TLSv1.3') kept.set(connection, { certificate });
    return certificate;
  };
}
