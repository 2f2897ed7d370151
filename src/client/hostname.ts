/** Verifies that a serving certificate is for a host. */
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/**
 * Returns an error where none of the subject alternative names is the host. Node falls back to the common name where there are none; Go does not, and
 * neither does this.
 */
export function checkHostname(host: string, certificate: PeerCertificate): Error | undefined {
  return checkServerIdentity(host, { ...certificate, subject: { ...certificate.subject, CN: '' } });
}
