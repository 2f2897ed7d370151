/** Certificates of clients, and bundles of CAs. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { verifyClientCertificate } from '../../../src/auth/certificatechain.ts';
import { userFromCertificate } from '../../../src/auth/certificateuser.ts';
import { Asn1Error, parseDer } from '../../../src/tls/asn1.ts';
import { fieldsOf } from '../../../src/tls/certificatefields.ts';
import { parseTrustBundle } from '../../../src/tls/trustbundle.ts';
import * as raw from '../../fakes/rawcertificates.ts';
import { mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import { type FuzzTarget, unlessDeclared } from '../target.ts';

/** Everything is the same each time, so that a seed yields the same bytes: Ed25519 signs without random numbers. */
const nowMs = Date.UTC(2026, 10, 29);
const validity = { notBefore: new Date(nowMs - 86_400_000), notAfter: new Date(nowMs + 86_400_000) };
const privateKey = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
});
const keys = { privateKey, publicKey: createPublicKey(privateKey) };
const signed = { ...validity, algorithm: 'ed25519', signer: privateKey } as const;
/** The key of an elliptic curve, which there are more ways to harm. */
const curveKey = Buffer.from(
  '3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  'hex',
);
const anchor = raw.rawCertificate({
  subject: 'ca',
  issuer: 'ca',
  spki: raw.spkiOf(keys),
  extensions: [raw.basicConstraints(true), raw.keyUsage(0x04)],
  serial: raw.integer(1),
  ...signed,
});
const trust = parseTrustBundle(raw.pemOf(anchor), 'the anchor');

const dns = raw.generalName(2, 'a.example');
const extensions = [
  raw.extendedKeyUsage(raw.clientAuth, raw.serverAuth),
  raw.basicConstraints(false),
  raw.basicConstraints(true, 3),
  raw.keyUsage(0x84),
  raw.alternativeNames(
    dns,
    raw.generalName(7, Buffer.from([127, 0, 0, 1])),
    raw.generalName(6, 'https://a/b'),
    raw.generalName(1, 'a@b'),
  ),
  raw.nameConstraints([dns], [raw.generalName(7, Buffer.from([10, 0, 0, 0, 255, 0, 0, 0]))]),
  raw.nameConstraints([raw.generalName(4, raw.commonName('x'))]),
  raw.extension('2.5.29.32', raw.sequence(raw.sequence(raw.oid('2.5.29.32.0')))),
  raw.extension('2.5.29.36', raw.sequence(raw.der(0x80, Buffer.from([0])))),
  raw.extension('2.5.29.14', raw.octets(Buffer.alloc(20, 7))),
  raw.extension('1.2.3.4', Buffer.from([5, 0]), true),
];

/** The extensions and names of a certificate that is well signed, harmed before it was signed. */
function certificate(random: Random): Buffer {
  const chosen = extensions.filter(() => random.once(3)).map((each) => (random.once(3) ? mutate(random, each) : each));
  const subject = raw.distinguishedName(['2.5.4.10', 'group'], ['2.5.4.3', 'alice']);
  const spki = random.once(2) ? raw.spkiOf(keys) : curveKey;
  return raw.rawCertificate({
    subject: random.once(6) ? mutate(random, subject) : subject,
    issuer: random.once(8) ? mutate(random, raw.commonName('ca')) : 'ca',
    spki: random.once(8) ? mutate(random, spki) : spki,
    extensions: chosen,
    serial: raw.integer(random.bytes(8)),
    ...signed,
  });
}

function parse(bytes: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes);
  } catch {
    // OpenSSL refuses it, before any of our code sees it.
    return undefined;
  }
}

/** The signed part, which a signature of the anchor is over. */
function signedPart(bytes: Buffer): Buffer {
  const head = (bytes[1] ?? 0) < 0x80 ? 2 : 2 + ((bytes[1] ?? 0) & 0x7f);
  return bytes.subarray(head, -80);
}

export const targets: readonly FuzzTarget[] = [
  {
    name: 'auth/certificatechain.ts: a certificate that was odd before it was signed',
    make: certificate,
    check(input) {
      const leaf = parse(input);
      if (leaf === undefined) return false;
      const verdict = verifyClientCertificate(leaf, trust, nowMs);
      unlessDeclared(() => fieldsOf(leaf), Asn1Error);
      if (verdict.kind === 'trusted') userOf(leaf);
      else if (/[\p{Cc}]/u.test(verdict.reason)) throw new Error('the reason has control characters');
      return verdict.kind === 'trusted';
    },
  },
  {
    name: 'auth/certificatechain.ts: a certificate that was harmed after it was signed',
    // The original comes behind, so that what was signed is known.
    make: (random) => {
      const original = certificate(random);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(original.length);
      return Buffer.concat([length, original, mutate(random, original, [], extensions)]);
    },
    check(input) {
      const end = 4 + input.readUInt32BE();
      const original = input.subarray(4, end);
      const leaf = parse(input.subarray(end));
      if (leaf === undefined) return false;
      const verdict = verifyClientCertificate(leaf, trust, nowMs);
      const isChanged = !leaf.raw.includes(signedPart(original));
      if (verdict.kind === 'trusted' && isChanged)
        throw new Error('a certificate without a trusted signature is trusted');
      return verdict.kind === 'trusted';
    },
  },
  {
    name: 'tls/asn1.ts: any DER',
    make: (random) => mutate(random, random.once(2) ? certificate(random) : random.of(extensions), [], extensions),
    check: (input) => unlessDeclared(() => parseDer(input.toString('latin1')), Asn1Error) !== undefined,
  },
  {
    name: 'tls/trustbundle.ts: a bundle',
    make: (random) => {
      const bundle = Buffer.from(`${raw.pemOf(certificate(random))}# comment\n${raw.pemOf(anchor)}`);
      return mutate(random, bundle, ['-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', '\r\n', '-----']);
    },
    check(input) {
      try {
        return parseTrustBundle(input.toString('latin1'), 'bundle').certificates.length > 0;
      } catch (error) {
        if (error instanceof Error && error.message.includes('bundle')) return false;
        throw error;
      }
    },
  },
];

function userOf(leaf: X509Certificate): void {
  try {
    userFromCertificate(leaf);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('more than one UID')) throw error;
  }
}
