import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { verifyClientCertificate } from '../../../src/auth/certificatechain.ts';
import { commonNameOf, userFromCertificate } from '../../../src/auth/certificateuser.ts';
import { parseTrustBundle } from '../../../src/tls/trustbundle.ts';
import { type IssueOptions, makeAuthority } from '../../fakes/certificates.ts';
import * as odd from './oddcertificates.ts';

const nowMs = Date.parse('2030-01-01T00:00:00Z');
const hourMs = 60 * 60_000;
const at = (offsetMs: number) => new Date(nowMs + offsetMs);
const validity = { notBefore: at(-hourMs), notAfter: at(10 * hourMs) };
const authority = makeAuthority('clients', validity);
const trust = parseTrustBundle(authority.cert, 'test');
const issue = (options: Partial<IssueOptions>) =>
  new X509Certificate(authority.issue({ cn: 'alice', usages: ['client'], ...validity, ...options }).cert);

describe('a client certificate', () => {
  test('of the CA is trusted until it expires', () => {
    assert.deepEqual(verifyClientCertificate(issue({ notAfter: at(hourMs) }), trust, nowMs), {
      kind: 'trusted',
      untilMs: nowMs + hourMs,
    });
  });

  test('that outlives its CA is trusted until the CA expires', () => {
    assert.deepEqual(verifyClientCertificate(issue({ notAfter: at(20 * hourMs) }), trust, nowMs), {
      kind: 'trusted',
      untilMs: nowMs + 10 * hourMs,
    });
  });

  test('of one of several CAs is trusted', () => {
    const both = parseTrustBundle(makeAuthority('other', validity).cert + authority.cert, 'test');
    assert.equal(verifyClientCertificate(issue({}), both, nowMs).kind, 'trusted');
  });

  const refused = (certificate: X509Certificate, reason: RegExp, by = trust) => {
    const verdict = verifyClientCertificate(certificate, by, nowMs);
    assert.equal(verdict.kind, 'untrusted');
    assert.match(verdict.kind === 'untrusted' ? verdict.reason : '', reason);
  };

  test('of another CA is rejected', () => {
    refused(
      issue({}),
      /not trusted here|expired|client authentication/,
      parseTrustBundle(makeAuthority('other', validity).cert, 'test'),
    );
  });

  test('of another CA with the same name is rejected', () => {
    refused(
      issue({}),
      /not trusted here|expired|client authentication/,
      parseTrustBundle(makeAuthority('clients', validity).cert, 'test'),
    );
  });

  test('of an expired CA is rejected', () => {
    const expired = makeAuthority('old', { notBefore: at(-2 * hourMs), notAfter: at(-hourMs) });
    const certificate = new X509Certificate(expired.issue({ cn: 'alice', ...validity }).cert);
    refused(certificate, /not trusted here|expired|client authentication/, parseTrustBundle(expired.cert, 'test'));
  });

  test('that has expired is rejected', () => {
    refused(issue({ notAfter: at(-1000) }), /expired at 2029-12-31T23:59:59/);
  });

  test('that is not valid yet is rejected', () => {
    refused(issue({ notBefore: at(1000) }), /is not valid before 2030-01-01T00:00:01/);
  });

  test('for servers only is rejected', () => {
    refused(issue({ usages: ['server'] }), /not for client authentication/);
  });

  test('cannot sign another certificate', () => {
    const leaf = issue({});
    refused(issue({}), /not trusted here|expired|client authentication/, {
      certificates: [leaf],
      pem: leaf.toString(),
    });
  });

  test('in the bundle itself is trusted', () => {
    const leaf = issue({});
    assert.equal(verifyClientCertificate(leaf, { certificates: [leaf], pem: leaf.toString() }, nowMs).kind, 'trusted');
  });

  const oddTrust = { certificates: [odd.authority], pem: odd.authority.toString() };

  test('without extended key usages is trusted', () => {
    assert.equal(verifyClientCertificate(odd.withoutUsage, oddTrust, nowMs).kind, 'trusted');
  });

  /** As if the client had sent both; otherwise only a TLS connection links them. */
  const sentWith = (leaf: X509Certificate, issuerCertificate: X509Certificate) =>
    Object.defineProperty(new X509Certificate(leaf.raw), 'issuerCertificate', { value: issuerCertificate });

  test('signed by a certificate that is no CA is rejected', () => {
    refused(
      sentWith(odd.belowNoAuthority, odd.noAuthority),
      /not trusted here|expired|client authentication/,
      oddTrust,
    );
  });

  test('signed by a CA for servers only is rejected', () => {
    refused(
      sentWith(odd.belowServerAuthority, odd.serverAuthority),
      /not trusted here|expired|client authentication/,
      oddTrust,
    );
  });

  test('for any usage is trusted', () => {
    assert.equal(verifyClientCertificate(odd.anyUsage, oddTrust, nowMs).kind, 'trusted');
  });
});

describe('the user of a client certificate', () => {
  test('is its common name, in its organisations, with its fingerprint', () => {
    const certificate = issue({ cn: 'alice', o: ['dev', 'qa'] });
    const fingerprint = createHash('sha256').update(certificate.raw).digest('hex');
    assert.deepEqual(userFromCertificate(certificate), {
      name: 'alice',
      uid: '',
      groups: ['dev', 'qa'],
      extra: new Map([['authentication.kubernetes.io/credential-id', [`X509SHA256=${fingerprint}`]]]),
    });
  });

  test('is the last of several common names, with UTF-8, commas and a UID as they are', () => {
    const { name, uid, groups } = userFromCertificate(odd.manyNames) ?? {};
    assert.deepEqual({ name, uid, groups }, { name: 'jos\u00e9 q', uid: 'u-1', groups: ['dev, team', 'qa/x'] });
    assert.equal(commonNameOf(odd.manyNames), 'jos\u00e9 q');
  });

  test('has one organisation as one group', () => {
    assert.deepEqual(userFromCertificate(issue({ o: ['system:masters'] }))?.groups, ['system:masters']);
  });

  test('is undefined without a common name', () => {
    assert.equal(userFromCertificate(odd.nameless), undefined);
    assert.equal(commonNameOf(odd.nameless), '');
  });

  test('cannot have two UIDs', () => {
    assert.throws(() => userFromCertificate(odd.twoUids), /more than one UID/);
  });

  test('is not cut off at a NUL', () => {
    assert.equal(userFromCertificate(issue({ cn: 'admin\0.example' }))?.name, 'admin\0.example');
  });
});
