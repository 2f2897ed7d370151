/** Client certificates: whether one comes from a given set of CAs, and whom it names. */
import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import type { TrustBundle } from '../tls/trust.ts';
import type { UserInfo } from './user.ts';

export type Verdict =
  /** Good until the first certificate of its chain expires, in milliseconds since the epoch. */
  { readonly kind: 'trusted'; readonly untilMs: number } | { readonly kind: 'untrusted'; readonly reason: string };

/** Real chains have none or one; what a client sends beyond these is not looked at. */
const intermediateLimit = 8;
/** Signatures to check for one certificate, as in Go: a client must not make us check one for each way through its chain. */
const signatureCheckLimit = 100;

const clientAuth = '1.3.6.1.5.5.7.3.2';
const anyUsage = '2.5.29.37.0';

/**
 * Says whether a client certificate leads to one of these CAs. The TLS layer cannot say that: it knows one set of CAs, and we have two
 * with different meanings. Node shows neither path lengths nor name constraints of CAs, so those are not looked at.
 * @param leaf as the client sent it, its issuerCertificate being what else it sent.
 * @param nowMs milliseconds since the epoch.
 */
export function verifyClientCertificate(leaf: X509Certificate, trust: TrustBundle, nowMs: number): Verdict {
  const problem = problemOf(leaf, nowMs);
  if (problem !== undefined) return { kind: 'untrusted', reason: `the certificate ${problem}` };
  // An operator may trust one certificate and no CA.
  if (trust.certificates.some((certificate) => certificate.raw.equals(leaf.raw))) {
    return { kind: 'trusted', untilMs: leaf.validToDate.getTime() };
  }
  const search: Search = {
    anchors: trust.certificates.filter((certificate) => canIssue(certificate, nowMs)),
    intermediates: sentWith(leaf).filter((certificate) => canIssue(certificate, nowMs)),
    checksLeft: signatureCheckLimit,
  };
  const untilMs = chainEndMs(leaf, search, []);
  if (untilMs === undefined) return { kind: 'untrusted', reason: 'the certificate is signed by none of the CAs' };
  return { kind: 'trusted', untilMs };
}

interface Search {
  readonly anchors: readonly X509Certificate[];
  readonly intermediates: readonly X509Certificate[];
  checksLeft: number;
}

/** When the first certificate of a chain to an anchor expires; undefined where there is no chain. */
function chainEndMs(
  certificate: X509Certificate,
  search: Search,
  path: readonly X509Certificate[],
): number | undefined {
  const ownEndMs = certificate.validToDate.getTime();
  const anchor = search.anchors.find((candidate) => isIssuedBy(certificate, candidate, search));
  if (anchor !== undefined) return Math.min(ownEndMs, anchor.validToDate.getTime());
  for (const intermediate of search.intermediates) {
    if (path.includes(intermediate) || !isIssuedBy(certificate, intermediate, search)) continue;
    const restEndMs = chainEndMs(intermediate, search, [...path, intermediate]);
    if (restEndMs !== undefined) return Math.min(ownEndMs, restEndMs);
  }
  return undefined;
}

/** Names and key identifiers first, because they cost nothing. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate, search: Search): boolean {
  if (!certificate.checkIssued(issuer) || search.checksLeft === 0) return false;
  search.checksLeft -= 1;
  return hasSignatureOf(certificate, issuer.publicKey);
}

/** A key of another kind than the signature's makes node throw. */
function hasSignatureOf(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.verify(key);
  } catch {
    return false;
  }
}

function canIssue(certificate: X509Certificate, nowMs: number): boolean {
  return certificate.ca && problemOf(certificate, nowMs) === undefined;
}

/** What makes any certificate of a chain useless for us; a CA that is limited to other usages cannot vouch for clients. */
function problemOf({ validFromDate, validToDate, keyUsage }: X509Certificate, nowMs: number): string | undefined {
  if (nowMs < validFromDate.getTime()) return `is not valid before ${validFromDate.toISOString()}`;
  if (nowMs > validToDate.getTime()) return `expired at ${validToDate.toISOString()}`;
  // Node calls the extended key usages so; undefined where there is no such extension, and then everything is allowed.
  if (keyUsage === undefined || keyUsage.includes(clientAuth) || keyUsage.includes(anyUsage)) return undefined;
  return 'is not for client authentication';
}

/** Whatever certificates the client sent with its own, whether or not they have to do with each other. */
function sentWith(leaf: X509Certificate): readonly X509Certificate[] {
  const sent: X509Certificate[] = [];
  for (
    let at = leaf.issuerCertificate;
    at !== undefined && sent.length < intermediateLimit;
    at = at.issuerCertificate
  ) {
    sent.push(at);
  }
  return sent;
}

/** Whom a certificate names; undefined without a common name. Its name is worth nothing until it was verified. */
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

/** The last common name, which is what a front proxy is allowed by; empty without one. */
export function commonNameOf(certificate: X509Certificate): string {
  return subjectOf(certificate)('CN').at(-1) ?? '';
}

const kubernetesUid = '1.3.6.1.4.1.57683.2';

/** Attributes of the subject by name; the text form of the subject would have to be parsed and has escapes. */
function subjectOf(certificate: X509Certificate): (attribute: string) => readonly string[] {
  // Node types the values as single strings, but repeated attributes come as an array.
  const attributes = new Map<string, unknown>(Object.entries(certificate.toLegacyObject().subject));
  return (attribute) => [attributes.get(attribute) ?? []].flat().map(String);
}
