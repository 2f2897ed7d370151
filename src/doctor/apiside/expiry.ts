/** Decides when an expiry is worth a finding, and names certificates in findings. */
import type { X509Certificate } from 'node:crypto';

/** Milliseconds: 30 days before a CA expires. */
export const expiryWarningMs = 30 * 24 * 60 * 60_000;

/** Returns the end of a certificate's validity, such as `2026-11-29T12:00:00.000Z`. */
export function dateOf({ validToDate }: X509Certificate): string {
  return Number.isNaN(validToDate.getTime()) ? 'an unreadable date' : validToDate.toISOString();
}

/** Returns a certificate's subject in one line. Node has none for an empty one. */
export function subjectOf(certificate: X509Certificate): string {
  const subject: string | undefined = certificate.subject;
  return (subject ?? '').replaceAll('\n', ', ') || 'no subject';
}
