import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { fieldsOf } from '../../../src/tls/certificatefields.ts';
import { createPodRoot, type RootOwner, rootOwnerOf } from '../../../src/tls/podroot.ts';
import { parseTrustBundle } from '../../../src/tls/trustbundle.ts';
import { longestRootBytes } from '../../../src/trustpublication/publishedroots.ts';
import { makeAuthority } from '../../fakes/certificates.ts';
import {
  basicConstraints,
  commonName,
  distinguishedName,
  ecKeys,
  rawCertificate,
  spkiOf,
} from '../../fakes/rawcertificates.ts';

const owner: RootOwner = {
  namespace: 'kube-system',
  pod: 'metrics-server-5d8c7b9f4-x2x7k',
  uid: '9b1c2f0e-4a57-4f3e-9d55-0b8f4a2f6c11',
};

describe("a pod's root", () => {
  const root = createPodRoot(owner);
  const { certificate } = root;

  test('is a certificate of version 3 for a P-256 key that signed itself with SHA-256', () => {
    const { version, key, signature, subject, issuer } = fieldsOf(certificate);
    assert.deepEqual(
      [version, key, signature],
      [3, { kind: 'ec', problem: undefined }, { kind: 'ec', problem: undefined }],
    );
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.equal(subject, issuer);
    assert.equal(certificate.verify(certificate.publicKey), true);
    assert.match(certificate.toLegacyObject().serialNumber, /^[4-7][0-9A-F]{31}$/);
  });

  test('is a CA that only leaf certificates may follow, for servers only', () => {
    const fields = fieldsOf(certificate);
    assert.deepEqual(fields.basicConstraints, { ca: true, pathLength: 0 });
    assert.equal(fields.forbidsSigning, false);
    assert.deepEqual(fields.extendedKeyUsages, ['1.3.6.1.5.5.7.3.1']);
    assert.equal(fields.unknownCritical, undefined);
    assert.deepEqual(Buffer.from(fields.subjectKeyId, 'latin1'), root.keyId);
  });

  test('may only sign certificates, and both critical extensions are marked so', () => {
    const der = certificate.raw.toString('hex');
    // keyUsage, critical: two unused bits, keyCertSign.
    assert.ok(der.includes('0603551d0f0101ff040403020204'));
    // basicConstraints, critical: TRUE, 0.
    assert.ok(der.includes('0603551d130101ff040830060101ff020100'));
  });

  test('is valid whatever the clock of this node says, so that a step of the clock never makes it useless', () => {
    assert.equal(certificate.validFromDate.toISOString(), '1970-01-01T00:00:00.000Z');
    assert.equal(certificate.validToDate.toISOString(), '9999-12-31T23:59:59.000Z');
    // UTCTime until 2049, GeneralizedTime later.
    assert.ok(certificate.raw.includes('700101000000Z') && certificate.raw.includes('99991231235959Z'));
  });

  test('names its pod, which is read back from any copy', () => {
    assert.equal(certificate.subject, `O=kubegauge\nOU=${owner.namespace}/${owner.pod}\nCN=${owner.uid}`);
    const [copy] = parseTrustBundle(`${makeAuthority().cert}${root.pem}`, 'bundle').certificates.slice(1);
    assert.ok(copy !== undefined);
    assert.deepEqual(rootOwnerOf(copy), owner);
  });

  test('of the longest names that Kubernetes allows is read back', () => {
    const longest = { namespace: 'n'.repeat(63), pod: 'p'.repeat(253), uid: 'u'.repeat(64) };
    const { certificate: read, pem } = createPodRoot(longest);
    assert.deepEqual(rootOwnerOf(read), longest);
    assert.ok(pem.length <= longestRootBytes);
  });

  test('of the same pod after a restart has another key and the same subject', () => {
    const next = createPodRoot(owner);
    assert.equal(next.certificate.subject, certificate.subject);
    assert.notDeepEqual(next.keyId, root.keyId);
    assert.notEqual(next.certificate.serialNumber, certificate.serialNumber);
  });

  test('shows its private key neither to a log nor to an inspection', () => {
    const shown = inspect(root, { depth: 20, showHidden: true }) + JSON.stringify(root);
    assert.doesNotMatch(shown, /PRIVATE|PrivateKeyObject/);
    assert.throws(() => createPrivateKey(root.pem));
  });

  for (const [what, wrong] of [
    ['namespace', { namespace: 'a/b' }],
    ['namespace', { namespace: '' }],
    ['pod', { pod: 'a\nb' }],
    ['pod', { pod: 'p'.repeat(254) }],
    ['UID', { uid: '' }],
    ['UID', { uid: 'a, CN=b' }],
  ] as const) {
    test(`of the ${what} ${JSON.stringify(Object.values(wrong)[0]?.slice(0, 10))} is refused`, () => {
      assert.throws(() => createPodRoot({ ...owner, ...wrong }), /no pod has this identity/);
    });
  }
});

describe('certificates that are no root of a pod have no owner:', () => {
  const keys = ecKeys();
  const subject = distinguishedName(['2.5.4.10', 'kubegauge'], ['2.5.4.11', 'ns/pod'], ['2.5.4.3', 'uid']);
  const made = (name: Buffer, issuer = name, extensions = [basicConstraints(true, 0)]) =>
    new X509Certificate(
      rawCertificate({ subject: name, issuer, spki: spkiOf(keys), signer: keys.privateKey, extensions }),
    );

  test('the same form is one', () =>
    assert.deepEqual(rootOwnerOf(made(subject)), { namespace: 'ns', pod: 'pod', uid: 'uid' }));

  for (const [what, certificate] of [
    ['another CA', made(commonName('kubernetes'))],
    ['a CA signed by another', made(subject, commonName('kubernetes'))],
    ['a CA without a path length', made(subject, subject, [basicConstraints(true)])],
    ['a leaf', made(subject, subject, [basicConstraints(false)])],
    ['another organization', made(distinguishedName(['2.5.4.10', 'x'], ['2.5.4.11', 'ns/pod'], ['2.5.4.3', 'uid']))],
    ['another order', made(distinguishedName(['2.5.4.3', 'uid'], ['2.5.4.10', 'kubegauge'], ['2.5.4.11', 'ns/pod']))],
    ['no pod', made(distinguishedName(['2.5.4.10', 'kubegauge'], ['2.5.4.11', 'ns'], ['2.5.4.3', 'uid']))],
    ['a path', made(distinguishedName(['2.5.4.10', 'kubegauge'], ['2.5.4.11', 'ns/../x'], ['2.5.4.3', 'uid']))],
    [
      'a further name',
      made(distinguishedName(['2.5.4.10', 'kubegauge'], ['2.5.4.11', 'ns/pod'], ['2.5.4.3', 'uid'], ['2.5.4.3', 'x'])),
    ],
    ['a name that is empty', made(distinguishedName())],
  ] as const) {
    test(what, () => assert.equal(rootOwnerOf(certificate), undefined));
  }
});
