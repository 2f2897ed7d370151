import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { signatureCheckLimit, verifyClientCertificate } from '../../../src/auth/certificatechain.ts';
import {
  type Algorithm,
  alternativeNames,
  basicConstraints,
  clientAuth,
  ecKeys,
  extendedKeyUsage,
  extension,
  generalName,
  keyUsage,
  nameConstraints,
  octets,
  type RawCertificate,
  rawCertificate,
  rsaKeys,
  rsaSpki,
  sentTogether,
  serverAuth,
  spkiOf,
} from '../../fakes/rawcertificates.ts';

const rootKeys = ecKeys();
const midKeys = ecKeys();
const leafKeys = ecKeys();
const root = (extensions = [basicConstraints(true)]): Buffer =>
  rawCertificate({ subject: 'root', issuer: 'root', spki: spkiOf(rootKeys), extensions, signer: rootKeys.privateKey });
const mid = (options: Partial<RawCertificate> = {}): Buffer =>
  rawCertificate({
    subject: 'mid',
    issuer: 'root',
    spki: spkiOf(midKeys),
    extensions: [basicConstraints(true)],
    signer: rootKeys.privateKey,
    ...options,
  });
const leafOf = (issuer: string, signer = rootKeys.privateKey, options: Partial<RawCertificate> = {}): Buffer =>
  rawCertificate({
    subject: 'alice',
    issuer,
    spki: spkiOf(leafKeys),
    extensions: [extendedKeyUsage(clientAuth)],
    signer,
    ...options,
  });
const below = (options: Partial<RawCertificate> = {}): Buffer => leafOf('mid', midKeys.privateKey, options);

function verdict(leaf: X509Certificate, ...anchors: readonly Buffer[]): string {
  const certificates = anchors.map((anchor) => new X509Certificate(anchor));
  const result = verifyClientCertificate(leaf, { certificates, pem: '' }, Date.now());
  return result.kind === 'trusted' ? 'trusted' : result.reason;
}

describe('a certificate chain', () => {
  test('with an intermediate that the client sends is trusted', () => {
    assert.equal(verdict(sentTogether(below(), mid()), root()), 'trusted');
  });

  test('without the intermediate is rejected', () => {
    assert.match(verdict(sentTogether(below()), root()), /authority that is not trusted/);
  });

  test('ends at any certificate of the bundle, including an intermediate CA alone', () => {
    assert.equal(verdict(sentTogether(below()), mid()), 'trusted');
  });

  const refused: readonly (readonly [name: string, leaf: X509Certificate, anchor: Buffer, reason: RegExp])[] = [
    [
      'longer than the path length allows',
      sentTogether(below(), mid()),
      root([basicConstraints(true, 0)]),
      /may have 0 intermediates/,
    ],
    ['whose CA may not sign', sentTogether(leafOf('root')), root([basicConstraints(true), keyUsage(0x80)]), /trusted/],
    [
      'with an unknown critical extension in the leaf',
      sentTogether(leafOf('root', undefined, { extensions: [extension('1.2.3.4', octets(), true)] })),
      root(),
      /critical extension.*1\.2\.3\.4/,
    ],
    [
      'with an unknown critical extension in a CA',
      sentTogether(below(), mid({ extensions: [basicConstraints(true), extension('1.2.3.4', octets(), true)] })),
      root(),
      /signed by a CA .* critical extension/,
    ],
    [
      'whose CA is for servers',
      sentTogether(below(), mid({ extensions: [basicConstraints(true), extendedKeyUsage(serverAuth)] })),
      root(),
      /not for client authentication/,
    ],
    [
      'with a name that is not permitted',
      sentTogether(leafOf('root', undefined, { extensions: [alternativeNames(generalName(2, 'a.example.org'))] })),
      root([basicConstraints(true), nameConstraints([generalName(2, 'example.com')])]),
      /a\.example\.org.*do not permit/,
    ],
    [
      'with an address that is excluded',
      sentTogether(
        leafOf('root', undefined, { extensions: [alternativeNames(generalName(7, Buffer.from([10, 0, 0, 1])))] }),
      ),
      root([basicConstraints(true), nameConstraints([], [generalName(7, Buffer.from([10, 0, 0, 0, 255, 0, 0, 0]))])]),
      /exclude/,
    ],
    [
      'with directory name constraints, which are not evaluated',
      sentTogether(leafOf('root')),
      root([basicConstraints(true), nameConstraints([generalName(4, Buffer.from('3000', 'hex'))])]),
      /2\.5\.29\.30/,
    ],
    [
      'with a key of 16384 bits',
      sentTogether(leafOf('root', undefined, { spki: rsaSpki(16384) })),
      root(),
      /16384 bits; at most 8192/,
    ],
    ['with a weak key', sentTogether(leafOf('root', undefined, { spki: rsaSpki(512) })), root(), /weak key/],
    [
      'with two signature algorithms',
      sentTogether(leafOf('root', undefined, { outerAlgorithm: Buffer.from('300a06082a8648ce3d040303', 'hex') })),
      root(),
      /two signature algorithms/,
    ],
  ];
  for (const [name, leaf, anchor, reason] of refused) {
    test(`${name} is refused`, () => assert.match(verdict(leaf, anchor), reason));
  }

  for (const algorithm of ['rsa-sha1', 'rsa-md5'] as const satisfies readonly Algorithm[]) {
    test(`signed with ${algorithm} is refused`, () => {
      const keys = rsaKeys();
      const ca = mid({ subject: 'root', spki: spkiOf(keys) });
      const leaf = leafOf('root', keys.privateKey, { algorithm });
      assert.match(verdict(sentTogether(leaf), ca), /signed with (SHA-1|MD5)/);
    });
  }

  test('whose names are permitted is trusted, and a keyUsage of the leaf does not matter', () => {
    const extensions = [alternativeNames(generalName(2, 'a.example.com')), keyUsage(0x20)];
    const ca = root([basicConstraints(true), nameConstraints([generalName(2, 'example.com')])]);
    assert.equal(verdict(sentTogether(leafOf('root', undefined, { extensions })), ca), 'trusted');
  });
});

test('a certificate whose key cannot be read is rejected, even if the CA signed it', () => {
  const notOnCurve = spkiOf(ecKeys());
  notOnCurve.fill(1, notOnCurve.length - 64);
  const leaf = new X509Certificate(leafOf('root', rootKeys.privateKey, { spki: notOnCurve }));
  assert.match(verdict(leaf, root()), /cannot be read/);
});

test('untrusted keys verify nothing: the signatures of a chain of 16,384-bit keys are not checked', (t) => {
  const verify = t.mock.method(X509Certificate.prototype, 'verify');
  const links = Array.from({ length: 8 }, (_, at) =>
    rawCertificate({
      subject: `i${at}`,
      issuer: at === 7 ? 'root' : `i${at + 1}`,
      spki: rsaSpki(at % 2 === 0 ? 16384 : 8192),
      extensions: [basicConstraints(true)],
      algorithm: 'rsa-sha256',
    }),
  );
  const leaf = leafOf('i0', undefined, { algorithm: 'rsa-sha256', signer: undefined as never });
  assert.notEqual(verdict(sentTogether(leaf, ...links), root()), 'trusted');
  assert.equal(verify.mock.callCount(), 0);
});

test('signature checks with trusted keys are limited', (t) => {
  const verify = t.mock.method(X509Certificate.prototype, 'verify');
  const anchors = Array.from({ length: 20 }, () => root());
  const links = Array.from({ length: 8 }, () => mid({ signer: midKeys.privateKey }));
  assert.notEqual(verdict(sentTogether(leafOf('root', midKeys.privateKey), ...links), ...anchors), 'trusted');
  assert.ok(verify.mock.callCount() <= signatureCheckLimit);
});

test('the verifier does not throw for a certificate with any one byte changed', () => {
  const whole = leafOf('root', undefined, {
    extensions: [alternativeNames(generalName(2, 'a')), basicConstraints(false)],
  });
  const anchor = root();
  for (let at = 0; at < whole.length; at += 1) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 0x15;
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(changed);
    } catch {
      continue;
    }
    assert.notEqual(verdict(certificate, anchor), 'trusted', `byte ${at}`);
  }
});
