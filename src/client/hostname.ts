/** Verifies that a certificate is for a host. */
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/** Returns an error unless a subject alternative name matches the host. Like Go, ignores the common name. */
export function checkHostname(host: string, certificate: PeerCertificate): Error | undefined {
  return checkServerIdentity(host, { ...certificate, subject: { ...certificate.subject, CN: '' } });
}
