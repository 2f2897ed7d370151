/** Remembers for each connection whether its client certificate is trusted: checking takes a good part of a millisecond. */
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { TrustBundle } from '../tls/trustbundle.ts';
import { type ChainResult, verifyClientCertificate } from './certificatechain.ts';

export interface Verifier {
  /** @param connection what the certificate came with; the same object for all its requests. */
  verify(certificate: X509Certificate, connection: object, trust: TrustBundle): ChainResult;
}

/** How long a verdict is remembered, in milliseconds: a certificate that was refused may become valid, and a clock may be set. */
const rememberedMs = 60_000;

export function createVerifier(clock: Pick<Clock, 'wallMs' | 'monotonicMs'>): Verifier {
  // Trust that is replaced takes its verdicts with it, and so does a connection that is closed.
  const byTrust = new WeakMap<TrustBundle, WeakMap<object, CachedResult>>();
  return { verify };

  function verify(certificate: X509Certificate, connection: object, trust: TrustBundle): ChainResult {
    const nowMs = clock.wallMs();
    let byConnection = byTrust.get(trust);
    if (byConnection === undefined) byTrust.set(trust, (byConnection = new WeakMap()));
    const held = byConnection.get(connection);
    // Whether a certificate is trusted never depends on the connection alone.
    if (held !== undefined && stillHolds(held, nowMs) && held.raw.equals(certificate.raw)) return held.verdict;
    const verdict = verifyClientCertificate(certificate, trust, nowMs);
    byConnection.set(connection, { raw: certificate.raw, verdict, verifiedMs: clock.monotonicMs() });
    return verdict;
  }

  function stillHolds({ verdict, verifiedMs }: CachedResult, nowMs: number): boolean {
    if (clock.monotonicMs() - verifiedMs >= rememberedMs) return false;
    return verdict.kind === 'untrusted' || nowMs < verdict.untilMs;
  }
}

interface CachedResult {
  readonly raw: Buffer;
  readonly verdict: ChainResult;
  /** Monotonic: the time of day may be set. */
  readonly verifiedMs: number;
}
