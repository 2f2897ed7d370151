/**
 * Checks certificates before OpenSSL decodes their keys: one of 700 bytes can take 0.3 s (explicit curve parameters,
 * compressed point). Go's servers reject the same keys.
 */
import { Asn1Error, parseDer } from './asn1.ts';
import { certificateLimitBytes } from './certificatefields.ts';
import { keyFacts } from './certificatekeys.ts';

/** Beside the peer's own; real chains have at most one. */
export const intermediateLimit = 8;
/** Bytes of these certificates. */
export const intermediateLimitBytes = 32 * 1024;
/** With its algorithm; RSA of 8,192 bits takes 1,062, of 16,384 bits 2,086. */
const keyLimitBytes = 4 * 1024;

/**
 * Checks the peer's own as the first.
 * @throws Asn1Error: its message continues "the certificate ...".
 */
export function checkSentCertificates(certificates: readonly Buffer[]): void {
  const others = certificates.slice(1);
  const bytes = others.reduce((sum, { length }) => sum + length, 0);
  if (others.length > intermediateLimit || bytes > intermediateLimitBytes) {
    throw new Asn1Error(`came with more than ${intermediateLimit} others or ${intermediateLimitBytes} bytes`);
  }
  for (const certificate of certificates) {
    if (certificate.length > certificateLimitBytes) {
      throw new Asn1Error(`has ${certificate.length} bytes; at most ${certificateLimitBytes} are read`);
    }
    const { problem } = keyFacts(parseDer(keyOf(certificate).toString('latin1')));
    if (problem !== undefined) throw new Asn1Error(problem);
  }
}

const sequence = 0x30;
const versionTag = 0xa0;

/** Returns subjectPublicKeyInfo: the sixth field, or the seventh after a version. */
function keyOf(certificate: Buffer): Buffer {
  const whole = valueAt(certificate, 0, sequence);
  if (whole.end !== certificate.length) throw malformed();
  const signed = valueAt(certificate, whole.start, sequence);
  let at = signed.start;
  const fields = certificate[at] === versionTag ? 6 : 5;
  for (let skipped = 0; skipped < fields; skipped += 1) at = valueAt(certificate, at).end;
  const { end } = valueAt(certificate, at, sequence);
  if (end > signed.end || end - at > keyLimitBytes) throw malformed();
  return certificate.subarray(at, end);
}

interface Extent {
  readonly start: number;
  readonly end: number;
}

/** Accepts only the shortest length, unlike OpenSSL. */
function valueAt(bytes: Buffer, at: number, tag = bytes[at]): Extent {
  const first = bytes[at + 1] ?? 0x80;
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const count = first - 0x80;
    if (count < 1 || count > 2 || start + count > bytes.length) throw malformed();
    length = bytes.readUIntBE(start, count);
    start += count;
    if (length < (count === 1 ? 0x80 : 0x100)) throw malformed();
  }
  // No field's tag has several bytes.
  const isTag = tag !== undefined && bytes[at] === tag && (tag & 0x1f) !== 0x1f;
  if (!isTag || start + length > bytes.length) throw malformed();
  return { start, end: start + length };
}

function malformed(): Asn1Error {
  return new Asn1Error('is malformed');
}
