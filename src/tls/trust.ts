/** Bundles of CA certificates: from PEM text to what client and server certificates are checked against. */
import { X509Certificate } from 'node:crypto';

/** Whom we trust for one purpose; a new object whenever that changes, so identity tells. */
export interface TrustBundle {
  /** At least one. */
  readonly certificates: readonly X509Certificate[];
  /** The same certificates and nothing else. */
  readonly pem: string;
}

/** A cluster has one or two CAs per purpose, and a few more while it rotates them. */
const certificateLimit = 500;

/**
 * Reads all certificates of a PEM text; keys and whatever else is in it are skipped.
 * @param source names where the text is from, in errors: a path, or a key of a ConfigMap.
 * @throws Error when there is no certificate in it, or one that is broken.
 */
export function parseTrustBundle(text: string, source: string): TrustBundle {
  const certificates = parseCertificates(text, source);
  return { certificates, pem: certificates.map(String).join('') };
}

/** As parseTrustBundle, in the order of the text. */
export function parseCertificates(text: string, source: string): readonly X509Certificate[] {
  const blocks = text.match(block) ?? [];
  if (blocks.length === 0) {
    throw new Error(`${source} holds no certificate; expected PEM text with -----BEGIN CERTIFICATE-----`);
  }
  if (blocks.length > certificateLimit) {
    throw new Error(`${source} holds ${blocks.length} certificates; at most ${certificateLimit} are read`);
  }
  return blocks.map((pem, index) => parseCertificate(pem, `certificate ${index + 1} of ${blocks.length} in ${source}`));
}

/** To the next marker of any kind, so that a block without its end is seen and not joined with the next one. */
const block = /-----BEGIN CERTIFICATE-----[^-]*(?:-----END CERTIFICATE-----)?/g;

function parseCertificate(pem: string, what: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new Error(`${what} is broken; was the text cut off or changed?`, { cause });
  }
}
