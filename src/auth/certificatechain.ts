/**
 * Verifies client certificates by Go's rules (crypto/x509), from the trusted ones down: no client's key verifies
 * anything before a trusted key has verified its certificate. So clients choose neither the number of signature checks
 * nor their keys.
 */
import type { X509Certificate } from 'node:crypto';
import { Asn1Error } from '../tls/asn1.ts';
import { type CertificateFields, fieldsOf } from '../tls/certificatefields.ts';
import { constraintProblem } from '../tls/certificatenames.ts';
import { intermediateLimit, intermediateLimitBytes } from '../tls/sentcertificates.ts';
import type { TrustBundle } from '../tls/trustbundle.ts';

export type ChainResult =
  /** `untilMs` is the chain's first expiry, since the epoch. */
  | { readonly kind: 'trusted'; readonly untilMs: number }
  /** Without secrets. */
  | { readonly kind: 'untrusted'; readonly reason: string };

/** Per certificate, with trusted keys of at most 8,192 bits. Go allows 100. */
export const signatureCheckLimit = 32;
/** Per certificate: cross-signed CAs have many combinations. */
const chainLimit = 32;

const clientAuth = '1.3.6.1.5.5.7.3.2';
const anyUsage = '2.5.29.37.0';

interface ChainLink {
  readonly certificate: X509Certificate;
  readonly fields: CertificateFields;
  readonly isAnchor: boolean;
  /** They have signed this one. */
  readonly issuers: ChainLink[];
}

/** Returns a result for anything, never throws. */
export function verifyClientCertificate(leaf: X509Certificate, trust: TrustBundle, nowMs: number): ChainResult {
  try {
    return verify(leaf, trust, nowMs);
  } catch (error) {
    if (error instanceof Asn1Error) return untrusted(error.message);
    // OpenSSL throws for unreadable keys and signatures.
    return untrusted('cannot be read');
  }
}

function verify(leaf: X509Certificate, trust: TrustBundle, nowMs: number): ChainResult {
  const fields = fieldsOf(leaf);
  // Throws for a key that OpenSSL cannot read, such as a point off its curve; toLegacyObject() would end the process.
  void leaf.publicKey;
  const target: ChainLink = { certificate: leaf, fields, isAnchor: false, issuers: [] };
  const problem = fields.key.problem ?? problemOf(target, nowMs) ?? usageProblem([target]);
  if (problem !== undefined) return untrusted(problem);
  // As in Go, a certificate in the bundle is trusted, whatever signed it.
  if (trust.certificates.some(({ raw }) => raw.equals(leaf.raw))) return trusted([target]);
  if (fields.signature.problem !== undefined) return untrusted(fields.signature.problem);
  return new Search(target, anchorsOf(trust)).result(nowMs);
}

class Search {
  readonly #anchors: readonly ChainLink[];
  readonly #target: ChainLink;
  #checksLeft = signatureCheckLimit;

  constructor(target: ChainLink, anchors: readonly ChainLink[]) {
    this.#target = target;
    this.#anchors = anchors;
  }

  result(nowMs: number): ChainResult {
    this.#verifyBy(this.#anchors, [this.#target]);
    const direct = this.#firstValid(nowMs);
    if (typeof direct === 'object') return direct;
    const problem = this.#verifyIntermediates();
    const found = this.#firstValid(nowMs);
    if (typeof found === 'object') return found;
    return untrusted(found ?? direct ?? problem ?? 'is signed by an authority that is not trusted here');
  }

  /** Links candidates to trusted issuers, those with the key ID first. */
  #verifyBy(issuers: readonly ChainLink[], candidates: readonly ChainLink[]): readonly ChainLink[] {
    const verified = new Set<ChainLink>();
    for (const candidate of candidates) {
      const named = issuers.filter((issuer) => mayIssue(issuer.fields, candidate.fields) && issuer !== candidate);
      for (const issuer of named.toSorted((a, b) => keyIdRank(a, candidate) - keyIdRank(b, candidate))) {
        if (candidate.issuers.includes(issuer)) continue;
        if (this.#checksLeft === 0) return [...verified];
        this.#checksLeft -= 1;
        if (!hasSignatureOf(candidate, issuer)) continue;
        candidate.issuers.push(issuer);
        verified.add(candidate);
      }
    }
    return [...verified];
  }

  /** Spreads trust through the client's others; returns their first flaw. */
  #verifyIntermediates(): string | undefined {
    const { links, problem } = intermediatesOf(this.#target.certificate);
    let issuers = this.#anchors;
    const trustedLinks = new Set<ChainLink>();
    while (issuers.length > 0) {
      const fresh = this.#verifyBy(issuers, links).filter((link) => !trustedLinks.has(link));
      for (const link of fresh) trustedLinks.add(link);
      this.#verifyBy(fresh, [this.#target]);
      issuers = fresh;
    }
    return problem ?? (this.#checksLeft === 0 ? `needs more than ${signatureCheckLimit} signature checks` : undefined);
  }

  #firstValid(nowMs: number): ChainResult | string | undefined {
    let problem: string | undefined;
    let left = chainLimit;
    for (const chain of chainsFrom([this.#target])) {
      const found = chainProblem(chain, nowMs);
      if (found === undefined) return trusted(chain);
      problem ??= found;
      left -= 1;
      if (left === 0) break;
    }
    return problem;
  }
}

function* chainsFrom(chain: readonly ChainLink[]): Generator<readonly ChainLink[]> {
  for (const issuer of chain.at(-1)?.issuers ?? []) {
    if (issuer.isAnchor) yield [...chain, issuer];
    else if (!chain.includes(issuer)) yield* chainsFrom([...chain, issuer]);
  }
}

const anchorCache = new WeakMap<TrustBundle, readonly ChainLink[]>();

function anchorsOf(trust: TrustBundle): readonly ChainLink[] {
  const cached = anchorCache.get(trust);
  if (cached !== undefined) return cached;
  const anchors = trust.certificates.flatMap((certificate) => linkOf(certificate, true) ?? []);
  anchorCache.set(trust, anchors);
  return anchors;
}

function linkOf(certificate: X509Certificate, isAnchor: boolean): ChainLink | undefined {
  try {
    return { certificate, fields: fieldsOf(certificate), isAnchor, issuers: [] };
  } catch {
    return undefined;
  }
}

interface SentCertificates {
  readonly links: readonly ChainLink[];
  readonly problem: string | undefined;
}

function intermediatesOf(leaf: X509Certificate): SentCertificates {
  const links: ChainLink[] = [];
  let problem: string | undefined;
  let bytes = 0;
  let at = leaf.issuerCertificate;
  for (let count = 0; at !== undefined; count += 1, at = at.issuerCertificate) {
    bytes += at.raw.length;
    if (count >= intermediateLimit || bytes > intermediateLimitBytes) {
      return { links, problem: `came with more than ${intermediateLimit} others or ${intermediateLimitBytes} bytes` };
    }
    const link = linkOf(at, false);
    const flaw = link === undefined ? 'cannot be read' : (link.fields.key.problem ?? link.fields.signature.problem);
    if (link !== undefined && flaw === undefined) links.push(link);
    else problem ??= `came with an intermediate that ${flaw ?? 'cannot be read'}`;
  }
  return { links, problem };
}

/** Checks all but keys: Go's CheckSignatureFrom. */
function mayIssue(issuer: CertificateFields, child: CertificateFields): boolean {
  const { basicConstraints, version, key, forbidsSigning } = issuer;
  if (issuer.subject !== child.issuer) return false;
  if (basicConstraints === undefined ? version === 3 : !basicConstraints.ca) return false;
  return !forbidsSigning && key.problem === undefined && key.kind === child.signature.kind;
}

/** Ranks the same key ID before none, none before others. */
function keyIdRank({ fields: { subjectKeyId } }: ChainLink, { fields: { authorityKeyId } }: ChainLink): number {
  if (subjectKeyId === authorityKeyId) return 0;
  return subjectKeyId === '' || authorityKeyId === '' ? 1 : 2;
}

function hasSignatureOf({ certificate }: ChainLink, issuer: ChainLink): boolean {
  try {
    return certificate.verify(issuer.certificate.publicKey);
  } catch {
    return false;
  }
}

function chainProblem(chain: readonly ChainLink[], nowMs: number): string | undefined {
  for (const [at, link] of chain.entries()) {
    if (at === 0) continue;
    const problem = problemOf(link, nowMs) ?? issuerProblem(link, at - 1);
    if (problem !== undefined) return `is signed by a CA (${shown(link)}) that ${problem}`;
  }
  const fields = chain.map((link) => link.fields);
  return usageProblem(chain) ?? policyProblem(fields) ?? constraintProblem(fields);
}

function problemOf({ certificate, fields }: ChainLink, nowMs: number): string | undefined {
  const { validFromDate, validToDate } = certificate;
  if (fields.unknownCritical !== undefined) {
    return `has a critical extension that is not understood (${fields.unknownCritical})`;
  }
  if (!(nowMs >= validFromDate.getTime())) return `is not valid before ${timeOf(validFromDate)}`;
  if (!(nowMs <= validToDate.getTime())) return `expired at ${timeOf(validToDate)}`;
  return undefined;
}

function timeOf(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'an unreadable time' : date.toISOString();
}

/** @param below intermediates down to the leaf. */
function issuerProblem({ fields: { basicConstraints }, isAnchor }: ChainLink, below: number): string | undefined {
  if (!isAnchor && basicConstraints?.ca !== true) return 'is no CA';
  const { pathLength } = basicConstraints ?? {};
  return pathLength !== undefined && below > pathLength
    ? `may have ${pathLength} intermediates below it and has ${below}`
    : undefined;
}

/** As in Go, usages are nested: a CA with some vouches for no others. */
function usageProblem(chain: readonly ChainLink[]): string | undefined {
  for (const [at, link] of chain.entries()) {
    const { extendedKeyUsages: usages } = link.fields;
    if (usages.length === 0 || usages.includes(clientAuth) || usages.includes(anyUsage)) continue;
    const problem = 'is not for client authentication';
    return at === 0 ? problem : `is signed by a CA (${shown(link)}) that ${problem}`;
  }
  return undefined;
}

/**
 * Rejects chains in which a CA requires an explicit policy (RFC 5280, 6.1), since none is evaluated.
 * @param chain from the leaf to the anchor, whose policies do not count.
 */
function policyProblem(chain: readonly CertificateFields[]): string | undefined {
  let explicit = chain.length;
  for (let at = chain.length - 2; at >= 0; at -= 1) {
    const fields = chain[at];
    if (fields === undefined) break;
    if (at > 0 && fields.policies.mapsAny) return 'is signed by a CA that maps any policy';
    if (at > 0 && fields.subject !== fields.issuer && explicit > 0) explicit -= 1;
    explicit =
      at > 0 || fields.policies.requireExplicit === 0
        ? Math.min(explicit, fields.policies.requireExplicit ?? explicit)
        : explicit;
    if (explicit === 0) return 'is signed by a CA that demands certificate policies, which are not evaluated';
  }
  return explicit - 1 <= 0 ? 'is signed by a CA that demands certificate policies, which are not evaluated' : undefined;
}

function shown({ certificate }: ChainLink): string {
  return JSON.stringify(certificate.subject.slice(0, shownLimit));
}

/** Characters. */
const shownLimit = 200;

function trusted(chain: readonly ChainLink[]): ChainResult {
  return { kind: 'trusted', untilMs: Math.min(...chain.map(({ certificate }) => certificate.validToDate.getTime())) };
}

function untrusted(problem: string): ChainResult {
  return { kind: 'untrusted', reason: `the certificate ${problem}` };
}
