/** Reads the user that a client certificate names, which certificatechain.ts has to verify. */
import { createHash, type X509Certificate } from 'node:crypto';
import type { UserInfo } from './user.ts';

/**
 * Undefined without a common name.
 * @throws Error for several UIDs.
 */
export function userFromCertificate(certificate: X509Certificate): UserInfo | undefined {
  const subject = subjectOf(certificate);
  // As in Go, the last one counts.
  const name = subject('CN').at(-1) ?? '';
  if (name === '') return undefined;
  const [uid = '', ...otherUids] = subject(kubernetesUid);
  if (otherUids.length > 0) throw new Error('the certificate names more than one UID');
  const fingerprint = createHash('sha256').update(certificate.raw).digest('hex');
  return {
    name,
    uid,
    groups: subject('O'),
    extra: new Map([['authentication.kubernetes.io/credential-id', [`X509SHA256=${fingerprint}`]]]),
  };
}

/** Empty without one. */
export function commonNameOf(certificate: X509Certificate): string {
  return subjectOf(certificate)('CN').at(-1) ?? '';
}

const kubernetesUid = '1.3.6.1.4.1.57683.2';

/** The subject's text form has escapes and would have to be parsed. */
function subjectOf(certificate: X509Certificate): (attribute: string) => readonly string[] {
  // Node types the values as single strings, but repeated attributes come as an array.
  const attributes = new Map<string, unknown>(Object.entries(certificate.toLegacyObject().subject));
  return (attribute) => [attributes.get(attribute) ?? []].flat().map(String);
}
