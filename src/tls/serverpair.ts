/** Makes a server's key, EC P-256, and its certificate, which the key itself or a root of ours signs. */
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import {
  alternativeNames,
  attributes,
  basicConstraints,
  type CertificateDraft,
  commonNameLimit,
  forServers,
  keyIdOf,
  keyUsage,
  subjectKeyIdentifier,
} from './certificatewriter.ts';
import type { KeyPair } from './keypair.ts';

export type ServerDraft = Omit<CertificateDraft, 'issuer'>;

export interface ServerNames extends Pick<CertificateDraft, 'fromMs' | 'untilMs'> {
  /** The first is also the common name. Clients look at subjectAltName, which has all names. */
  readonly names: readonly string[];
}

/** @param sign returns the certificate in DER; it gets the new private key, too. */
export function createServerPair(
  { names, fromMs, untilMs }: ServerNames,
  sign: (draft: ServerDraft, privateKey: KeyObject) => Buffer,
): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const draft: ServerDraft = {
    subject: [[attributes.commonName, names[0]?.slice(0, commonNameLimit) ?? '']],
    fromMs,
    untilMs,
    publicKey,
    extensions: [
      basicConstraints(false),
      keyUsage('digitalSignature'),
      forServers(),
      alternativeNames(names),
      subjectKeyIdentifier(keyIdOf(publicKey)),
    ],
  };
  return {
    cert: new X509Certificate(sign(draft, privateKey)).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
