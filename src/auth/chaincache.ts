/** Caches trust per connection; a check takes most of a millisecond. */
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { TrustBundle } from '../tls/trustbundle.ts';
import { type ChainResult, verifyClientCertificate } from './certificatechain.ts';

export interface Verifier {
  verify(certificate: X509Certificate, connection: object, trust: TrustBundle): ChainResult;
}

/** Milliseconds: a certificate may become valid, and a clock may be set. */
const ttlMs = 60_000;

export function createVerifier(clock: Pick<Clock, 'wallMs' | 'monotonicMs'>): Verifier {
  // Entries end with their bundle or connection.
  const byTrust = new WeakMap<TrustBundle, WeakMap<object, CachedResult>>();
  return { verify };

  function verify(certificate: X509Certificate, connection: object, trust: TrustBundle): ChainResult {
    const nowMs = clock.wallMs();
    let byConnection = byTrust.get(trust);
    if (byConnection === undefined) byTrust.set(trust, (byConnection = new WeakMap()));
    const cached = byConnection.get(connection);
    // A connection may present another one.
    if (cached !== undefined && isFresh(cached, nowMs) && cached.raw.equals(certificate.raw)) return cached.result;
    const result = verifyClientCertificate(certificate, trust, nowMs);
    byConnection.set(connection, { raw: certificate.raw, result, verifiedMs: clock.monotonicMs() });
    return result;
  }

  function isFresh({ result, verifiedMs }: CachedResult, nowMs: number): boolean {
    if (clock.monotonicMs() - verifiedMs >= ttlMs) return false;
    return result.kind === 'untrusted' || nowMs < result.untilMs;
  }
}

interface CachedResult {
  readonly raw: Buffer;
  readonly result: ChainResult;
  /** Monotonic: the wall clock may be set. */
  readonly verifiedMs: number;
}
