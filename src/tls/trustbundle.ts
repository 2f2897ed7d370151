/** Bundles of CA certificates: from PEM text to what client and server certificates are checked against. */
import { createHash, X509Certificate } from 'node:crypto';
import type { Logger } from '../logging.ts';

/** Whom we trust for one purpose; a new object whenever that changes, so identity tells. */
export interface TrustBundle {
  /** At least one. */
  readonly certificates: readonly X509Certificate[];
  /** The same certificates and nothing else. */
  readonly pem: string;
}

/** The part of a log that is needed here. */
export type TrustLog = Pick<Logger, 'warn'>;

/** A cluster has one or two CAs per purpose, and a few more while it rotates them. */
const certificateLimit = 500;

/**
 * Reads the certificates of a PEM text. Keys and other blocks are skipped, and so are damaged certificates, with a warning.
 * @param source names where the text is from, in errors: a path, or a key of a ConfigMap.
 * @param log gets the warning, once for each text.
 * @throws Error when there is no certificate in it, or none that is whole.
 */
export function parseTrustBundle(text: string, source: string, log?: TrustLog): TrustBundle {
  const certificates = goodCertificates(text, source, log);
  return { certificates, pem: certificates.map(String).join('') };
}

/**
 * Reads all certificates of a PEM text in its order, of a key pair for instance.
 * @throws Error when there is no certificate in it, or one that is broken.
 */
export function parseCertificates(text: string, source: string): readonly X509Certificate[] {
  const blocks = blocksOf(text, source);
  return blocks.map((pem, index) => parseCertificate(pem, `certificate ${index + 1} of ${blocks.length} in ${source}`));
}

function blocksOf(text: string, source: string): readonly string[] {
  const blocks = text.match(block) ?? [];
  if (blocks.length === 0) {
    throw new Error(`${source} holds no certificate; expected PEM text with -----BEGIN CERTIFICATE-----`);
  }
  if (blocks.length > certificateLimit) {
    throw new Error(`${source} holds ${blocks.length} certificates; at most ${certificateLimit} are read`);
  }
  return blocks;
}

/** Blocks of a bundle that are good. Go skips the others in silence. */
function goodCertificates(text: string, source: string, log: TrustLog | undefined): readonly X509Certificate[] {
  const good: X509Certificate[] = [];
  let failure: unknown;
  for (const [index, pem] of blocksOf(text, source).entries()) {
    try {
      good.push(parseCertificate(pem, `certificate ${index + 1} in ${source}`));
    } catch (error) {
      failure ??= error;
    }
  }
  if (good.length === 0) throw failure;
  if (failure instanceof Error && log !== undefined)
    warnOnce(log, failure, createHash('sha256').update(text).digest('hex'));
  return good;
}

/** What was warned of last, by the log: the same text is read again and again. */
const warned = new WeakMap<TrustLog, Map<string, string>>();

function warnOnce(log: TrustLog, failure: Error, hash: string): void {
  const known = warned.get(log) ?? new Map<string, string>();
  warned.set(log, known);
  if (known.get(failure.message) === hash) return;
  known.set(failure.message, hash);
  log.warn({ reason: failure.message }, 'skips a damaged certificate; the others of its bundle are used');
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
