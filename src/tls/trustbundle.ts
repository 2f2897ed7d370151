/** Parses PEM bundles of CA certificates. */
import { createHash, X509Certificate } from 'node:crypto';
import type { Logger } from '../logging.ts';

/** Changes make a new object: bundles are compared by identity. */
export interface TrustBundle {
  /** At least one. */
  readonly certificates: readonly X509Certificate[];
  /** The PEM text of exactly these certificates. */
  readonly pem: string;
}

export type TrustLog = Pick<Logger, 'warn'>;

/** A cluster has one or two per purpose, more during rotation. */
const certificateLimit = 500;

/**
 * Skips other blocks, such as keys, and damaged certificates, with a warning once per text.
 * @param source names the text in errors.
 * @throws Error without any readable certificate.
 */
export function parseTrustBundle(text: string, source: string, log?: TrustLog): TrustBundle {
  const certificates = goodCertificates(text, source, log);
  return { certificates, pem: certificates.map(String).join('') };
}

/**
 * Requires all certificates to be well-formed, as of a key pair.
 * @throws Error otherwise, or without any.
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

/** Go skips the others silently. */
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

/** The text is read repeatedly. */
const warned = new WeakMap<TrustLog, Map<string, string>>();

function warnOnce(log: TrustLog, failure: Error, hash: string): void {
  const known = warned.get(log) ?? new Map<string, string>();
  warned.set(log, known);
  if (known.get(failure.message) === hash) return;
  known.set(failure.message, hash);
  log.warn(
    { code: 'DamagedCertificateSkipped', reason: failure.message },
    'skips a damaged certificate; the others of its bundle are used',
  );
}

/** Ends at any marker: a block without an end joins no next one. */
const block = /-----BEGIN CERTIFICATE-----[^-]*(?:-----END CERTIFICATE-----)?/g;

function parseCertificate(pem: string, what: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new Error(`${what} is broken; was the text cut off or changed?`, { cause });
  }
}
