/** Makes a self-signed serving certificate: EC P-256, valid for one year. */
import { writeCertificate } from './certificatewriter.ts';
import type { KeyPair } from './keypair.ts';
import { createServerPair } from './serverpair.ts';

const dayMs = 24 * 60 * 60_000;
const lifetimeMs = 365 * dayMs;
/** Tolerates clients whose clocks are behind. */
const backdateMs = 5 * 60_000;

/**
 * @param names at least one; the first is also the common name.
 * @param nowMs since the epoch.
 */
export function createSelfSigned(names: readonly string[], nowMs: number): KeyPair {
  return createServerPair({ names, fromMs: nowMs - backdateMs, untilMs: nowMs + lifetimeMs }, (draft, privateKey) =>
    writeCertificate({ ...draft, issuer: draft.subject }, privateKey),
  );
}
