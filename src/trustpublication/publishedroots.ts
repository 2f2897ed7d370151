/** Finds the roots of our pods in a PEM bundle, adds and removes them, and leaves every other byte of the bundle as it is. */
import { X509Certificate } from 'node:crypto';
import type { RootOwner } from '../tls/podroot.ts';

/** Returns the pod whose root a certificate is; undefined for a certificate that is none of ours. */
export type OwnerOf = (certificate: X509Certificate) => RootOwner | undefined;

/** A root of ours in a bundle. */
export interface PublishedRoot {
  readonly owner: RootOwner;
  readonly certificate: X509Certificate;
  /** Its place in the bundle's text. */
  readonly start: number;
  readonly end: number;
}

/** In bytes: a root has about 850. kube-apiserver accepts objects of up to 1.5 MB and annotations of up to 256 KiB together. */
export const bundleLimitBytes = 128 * 1024;
/** In bytes of PEM, with the longest names that a pod and its namespace can have. */
export const longestRootBytes = 2 * 1024;

/**
 * Returns our roots, in the order of the bundle.
 * @param text the bundle, one character a byte, at most `bundleLimitBytes`.
 */
export function rootsIn(text: string, ownerOf: OwnerOf): readonly PublishedRoot[] {
  const roots: PublishedRoot[] = [];
  for (const match of text.matchAll(block)) {
    const certificate = parse(match[0]);
    const owner = certificate && ownerOf(certificate);
    if (certificate === undefined || owner === undefined) continue;
    roots.push({ owner, certificate, start: match.index, end: match.index + match[0].length });
  }
  return roots;
}

/** Reports whether the roots include the certificate itself, not only one of the same pod. */
export function includesRoot(roots: readonly PublishedRoot[], certificate: X509Certificate): boolean {
  return roots.some((root) => root.certificate.raw.equals(certificate.raw));
}

/** Returns the bundle without some of its roots. */
export function withoutRoots(text: string, roots: readonly PublishedRoot[]): string {
  let rest = text;
  for (const { start, end } of roots.toSorted((a, b) => b.start - a.start)) {
    rest = rest.slice(0, start) + rest.slice(end);
  }
  return rest;
}

/** Returns the bundle with certificates at its end. Go recognises a block only at the start of a line. */
export function withRoots(text: string, certificates: readonly X509Certificate[]): string {
  if (certificates.length === 0) return text;
  const separator = text === '' || text.endsWith('\n') ? '' : '\n';
  return text + separator + certificates.map(String).join('');
}

/**
 * A block as Go's encoding/pem accepts it: at the start of a line, without headers. With the line's end, so that a
 * bundle from which a root is removed is the bundle before it was added.
 */
const block =
  /(?:^|(?<=\n))-----BEGIN CERTIFICATE-----[ \t]*\r?\n[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----[ \t]*\r?(?:\n|$)/g;

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // kube-apiserver skips it, too.
    return undefined;
  }
}
