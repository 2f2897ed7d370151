/** Accepts a server only by the certificate that it keeps in its --cert-dir or --tls-cert-file. */
import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';

/**
 * Returns a `checkServerIdentity` that accepts this certificate and those that it signed, whatever their names:
 * credentials go to no other server. In a pod, the file holds the root of the server's process, whose key signs only
 * its own certificates.
 */
export function onlyThis(certificate: X509Certificate): (host: string, peer: PeerCertificate) => Error | undefined {
  return (_host, { raw }) => {
    const peer = new X509Certificate(raw);
    if (peer.fingerprint256 === certificate.fingerprint256 || hasSigned(certificate, peer)) return undefined;
    return new Error('the server at this port has another certificate');
  };
}

function hasSigned(issuer: X509Certificate, peer: X509Certificate): boolean {
  return issuer.ca && peer.checkIssued(issuer) && peer.verify(issuer.publicKey);
}
