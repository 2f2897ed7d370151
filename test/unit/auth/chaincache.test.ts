import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createVerifier } from '../../../src/auth/chaincache.ts';
import { parseTrustBundle } from '../../../src/tls/trustbundle.ts';
import { makeAuthority } from '../../fakes/certificates.ts';

const authority = makeAuthority();
const trust = parseTrustBundle(authority.cert, 'the CA');
const hourMs = 3_600_000;

test('a result is not reused after the clock that it depends on was set back', () => {
  const nowMs = Date.now();
  const { cert } = authority.issue({ cn: 'front-proxy', usages: ['client'], notAfter: new Date(nowMs + hourMs) });
  const certificate = new X509Certificate(cert);
  const clock = { wall: nowMs + 24 * hourMs, monotonic: 0 };
  const verifier = createVerifier({ wallMs: () => clock.wall, monotonicMs: () => clock.monotonic });
  const connection = {};
  assert.equal(verifier.verify(certificate, connection, trust).kind, 'untrusted');
  clock.wall = nowMs;
  clock.monotonic += 60_000;
  assert.equal(verifier.verify(certificate, connection, trust).kind, 'trusted');

  // A trusted one is cached until it expires.
  clock.wall = nowMs + hourMs + 1;
  assert.equal(verifier.verify(certificate, connection, trust).kind, 'untrusted');
});
