/** Makes a self-signed serving certificate: EC P-256, valid for one year. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import {
  alternativeNames,
  attributes,
  basicConstraints,
  commonNameLimit,
  forServers,
  keyIdOf,
  keyUsage,
  type NameAttributes,
  subjectKeyIdentifier,
  writeCertificate,
} from './certificatewriter.ts';
import type { KeyPair } from './keypair.ts';

const dayMs = 24 * 60 * 60_000;
const lifetimeMs = 365 * dayMs;
/** Tolerates clients whose clocks are behind. */
const backdateMs = 5 * 60_000;

/**
 * @param names at least one; the first is also the common name.
 * @param nowMs since the epoch.
 */
export function createSelfSigned(names: readonly string[], nowMs: number): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // Clients look at subjectAltName, which has all names.
  const subject: NameAttributes = [[attributes.commonName, names[0]?.slice(0, commonNameLimit) ?? '']];
  const der = writeCertificate(
    {
      subject,
      issuer: subject,
      fromMs: nowMs - backdateMs,
      untilMs: nowMs + lifetimeMs,
      publicKey,
      extensions: [
        basicConstraints(false),
        keyUsage('digitalSignature'),
        forServers(),
        alternativeNames(names),
        subjectKeyIdentifier(keyIdOf(publicKey)),
      ],
    },
    privateKey,
  );
  return {
    cert: new X509Certificate(der).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
