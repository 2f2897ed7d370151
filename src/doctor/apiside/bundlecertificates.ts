/** Checks the certificates in a caBundle by themselves. */
import type { X509Certificate } from 'node:crypto';
import { describeError } from '../../logging.ts';
import { parseTrustBundle } from '../../tls/trustbundle.ts';
import type { Finding } from '../finding.ts';
import { dateOf, expiryWarningMs, subjectOf } from './expiry.ts';
import { mendVerification } from './otherwriter.ts';
import type { RegisteredVersion } from './registration.ts';

export function* checkBundle(version: RegisteredVersion, nowMs: number): Iterable<Finding> {
  const { name, bundle } = version;
  const remedy = mendVerification(version);
  const object = `APIService ${name}`;
  let certificates: readonly X509Certificate[];
  try {
    ({ certificates } = parseTrustBundle(bundle, 'caBundle'));
  } catch (error) {
    yield {
      code: 'bundle-unreadable',
      severity: 'error',
      object,
      problem: 'caBundle holds no certificate that can be read: kube-apiserver answers 500 or 503',
      evidence: describeError(error),
      remedy,
    };
    return;
  }
  const expired = certificates.filter(({ validToDate }) => validToDate.getTime() <= nowMs);
  for (const certificate of certificates) {
    const leftMs = certificate.validToDate.getTime() - nowMs;
    if (leftMs > expiryWarningMs) continue;
    const isExpired = leftMs <= 0;
    const isLast = expired.length === certificates.length;
    yield {
      code: isExpired ? 'bundle-certificate-expired' : 'bundle-certificate-expires',
      severity: isExpired && isLast ? 'error' : 'warning',
      object,
      problem: `a certificate in caBundle ${isExpired ? 'has expired' : 'expires'}: ${dateOf(certificate)}`,
      evidence: subjectOf(certificate),
      remedy,
    };
  }
}
