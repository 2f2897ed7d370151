/** When an expiry is worth a finding. */
import type { X509Certificate } from 'node:crypto';

/** Milliseconds: 30 days before a CA expires. */
export const expiryWarningMs = 30 * 24 * 60 * 60_000;

/** Returns the end of a certificate's validity, such as `2026-11-29T12:00:00.000Z`. */
export function dateOf({ validToDate }: X509Certificate): string {
  return Number.isNaN(validToDate.getTime()) ? 'an unreadable date' : validToDate.toISOString();
}
