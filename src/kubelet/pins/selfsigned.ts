/** Recognises a certificate that no CA vouches for, whose key may be pinned. */
import { createHash, type X509Certificate } from 'node:crypto';
import type { Proof } from './proof.ts';

/** Beyond it a chain is refused; kubelets send the certificate and its own CA. */
const chainLimit = 3;

/** Bits, as OpenSSL demands of other kubelets; of several errors it reports only one. Curves: tls/certificatekeys.ts. */
const rsaMinBits = 2048;

/** Extended key usages: "server auth", and any. */
const serverUsages = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'];

/**
 * Returns the proof of a self-signed certificate; undefined for all others. The chain that was sent ends in a root of
 * its own, signatures are right, no key is weak, and it is for servers. No trusted CA is in the chain or signed any of it.
 *
 * Dates are not looked at. A kubelet without serverTLSBootstrap makes its certificate once, for a year, and serves it
 * for as long as the file is there; the dates are its own words, as is the whole certificate.
 */
export function selfSignedProof(leaf: X509Certificate, roots: readonly X509Certificate[]): Proof | undefined {
  const chain = chainOf(leaf);
  const last = chain.at(-1);
  if (last === undefined || chain.length > chainLimit || !isIssuedBy(last, last)) return undefined;
  const isWhole = chain.slice(1).every((issuer, at) => isIssuedBy(chain[at] ?? issuer, issuer));
  if (!isWhole || !isForServers(leaf) || chain.some(hasWeakKey)) return undefined;
  if (chain.some((certificate) => roots.some((root) => isVouchedFor(certificate, root)))) return undefined;
  return keyProof(leaf);
}

/** Returns the proof of a certificate's public key. */
export function keyProof(certificate: X509Certificate): Proof {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(spki).digest('base64')}`;
}

function chainOf(leaf: X509Certificate): X509Certificate[] {
  const chain = [leaf];
  let issuer = leaf.issuerCertificate;
  while (issuer !== undefined && chain.length <= chainLimit) {
    if (issuer.raw.equals(chain.at(-1)?.raw ?? issuer.raw)) break;
    chain.push(issuer);
    issuer = issuer.issuerCertificate;
  }
  return chain;
}

function isVouchedFor(certificate: X509Certificate, root: X509Certificate): boolean {
  return certificate.raw.equals(root.raw) || isIssuedBy(certificate, root);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function hasWeakKey({ publicKey }: X509Certificate): boolean {
  const bits = publicKey.asymmetricKeyDetails?.modulusLength;
  return bits !== undefined && bits < rsaMinBits;
}

/** Go's rule: without extended key usages it is for everything. */
function isForServers({ keyUsage }: X509Certificate): boolean {
  // Node's name for the extended ones.
  const usages: readonly string[] | undefined = keyUsage;
  return usages === undefined || usages.some((usage) => serverUsages.includes(usage));
}
