/**
 * Rejects serving certificates that no Go client accepts, kube-apiserver above all: rules of crypto/tls
 * (verifyServerCertificate) and crypto/x509 (parser.go, verify.go) that need no knowledge of the client's roots.
 */
import type { X509Certificate } from 'node:crypto';
import { Asn1Error } from './asn1.ts';
import { type CertificateFields, fieldsOf } from './certificatefields.ts';
import { constraintProblem } from './certificatenames.ts';

const serverAuth = '1.3.6.1.5.5.7.3.1';
const anyUsage = '2.5.29.37.0';

/** Certificates of a path, the leaf included, that are looked at. */
const pathLimit = 10;

/**
 * Checks a file's certificates, the server's own first, then its intermediates. Times do not count: see
 * `validityProblem`.
 * @param source names the file in errors.
 * @throws Error with the reason, such as "... refuse it: it has no subject alternative name ...".
 */
export function checkGoAccepts(certificates: readonly X509Certificate[], source: string): void {
  for (const [index, certificate] of certificates.entries()) {
    const problem = problemOf(certificate) ?? (index === 0 ? leafProblem(certificate) : undefined);
    if (problem !== undefined) throw refused(index, certificates.length, source, problem);
  }
  const problem = pathProblem(certificates);
  if (problem !== undefined) throw refused(0, certificates.length, source, problem);
}

function refused(index: number, count: number, source: string, problem: string): Error {
  const what = count === 1 ? `the certificate in ${source}` : `certificate ${index + 1} of ${count} in ${source}`;
  return new Error(`${what} ${problem}; kube-apiserver and other Go clients would refuse it`);
}

/** Go parses all sent certificates and rejects the handshake for one that it cannot read. */
function problemOf(certificate: X509Certificate): string | undefined {
  const { validFromDate, validToDate } = certificate;
  try {
    const { key } = fieldsOf(certificate);
    if (key.problem !== undefined) return key.problem;
  } catch (error) {
    if (error instanceof Asn1Error) return error.message;
    throw error;
  }
  // Also false for times that cannot be read.
  return validFromDate.getTime() <= validToDate.getTime() ? undefined : 'is valid at no time';
}

function leafProblem(certificate: X509Certificate): string | undefined {
  const fields = fieldsOf(certificate);
  const { unknownCritical, signature, names, subject, issuer } = fields;
  if (unknownCritical !== undefined) return `has a critical extension that is not understood (${unknownCritical})`;
  // As in Go, a certificate in the client's bundle is trusted, whatever signed it. That can be a self-signed one.
  if (subject !== issuer && signature.problem !== undefined) return signature.problem;
  if (!allowsServers(fields)) return 'is not for server authentication (extended key usage)';
  if (names === undefined || names.dns.length + names.ips.length === 0) {
    return 'has no DNS name or address as a subject alternative name, and common names do not count';
  }
  return undefined;
}

function allowsServers({ extendedKeyUsages: usages }: CertificateFields): boolean {
  return usages.length === 0 || usages.includes(serverAuth) || usages.includes(anyUsage);
}

/** Follows the leaf's issuers in the file, by signature. The rest of the path is the client's. */
function pathProblem(certificates: readonly X509Certificate[]): string | undefined {
  const [leaf] = certificates;
  if (leaf === undefined) return undefined;
  const path = [leaf];
  for (let at: X509Certificate | undefined = leaf; at !== undefined && path.length < pathLimit; ) {
    const child: X509Certificate = at;
    at = certificates.find((issuer) => !path.includes(issuer) && hasSigned(issuer, child));
    if (at === undefined) break;
    const problem = issuerProblem(fieldsOf(at), path.length - 1);
    if (problem !== undefined) return `is signed by a certificate in the same file that ${problem}`;
    path.push(at);
  }
  return constraintProblem(path.map(fieldsOf));
}

function hasSigned(issuer: X509Certificate, child: X509Certificate): boolean {
  if (fieldsOf(issuer).subject !== fieldsOf(child).issuer) return false;
  try {
    return child.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** @param below the number of intermediates between it and the leaf. */
function issuerProblem(fields: CertificateFields, below: number): string | undefined {
  const { basicConstraints, version, forbidsSigning, unknownCritical } = fields;
  const { ca, pathLength } = basicConstraints ?? { ca: version < 3, pathLength: undefined };
  if (!ca) return 'is no CA';
  if (forbidsSigning) return 'must not sign certificates (key usage)';
  if (pathLength !== undefined && below > pathLength) {
    return `may have ${pathLength} intermediates below it and has ${below}`;
  }
  if (unknownCritical !== undefined) return `has a critical extension that is not understood (${unknownCritical})`;
  return allowsServers(fields) ? undefined : 'is not for server authentication (extended key usage)';
}

/**
 * Returns why clients would refuse the certificate at this time; undefined if they would not.
 * @param nowMs milliseconds since the epoch.
 */
export function validityProblem({ validFromDate, validToDate }: X509Certificate, nowMs: number): string | undefined {
  if (nowMs < validFromDate.getTime()) return `is not valid before ${validFromDate.toISOString()}`;
  return nowMs <= validToDate.getTime() ? undefined : `has expired at ${validToDate.toISOString()}`;
}
