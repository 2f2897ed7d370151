/** Reads the user of a client certificate, unverified: see certificatechain.ts. */
import { createHash, type X509Certificate } from 'node:crypto';
import type { UserInfo } from './user.ts';

/**
 * Returns undefined without a common name.
 * @throws Error for several UIDs.
 */
export function userFromCertificate(certificate: X509Certificate): UserInfo | undefined {
  const subject = subjectOf(certificate);
  // The last one, as in Go.
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

/** Returns an empty text without one. */
export function commonNameOf(certificate: X509Certificate): string {
  return subjectOf(certificate)('CN').at(-1) ?? '';
}

const kubernetesUid = '1.3.6.1.4.1.57683.2';

/** Avoids the text form, which has escapes. */
function subjectOf(certificate: X509Certificate): (attribute: string) => readonly string[] {
  // Node types the values as strings, but repeated attributes come as an array.
  const attributes = new Map<string, unknown>(Object.entries(certificate.toLegacyObject().subject));
  return (attribute) => [attributes.get(attribute) ?? []].flat().map(String);
}
