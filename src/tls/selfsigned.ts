/**
 * Makes a self-signed serving certificate: EC P-256, for one year. node-forge writes ASN.1 but knows only RSA:
 * node:crypto makes key and signature.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type forge from 'node-forge';
import type { KeyPair } from './keypair.ts';

const dayMs = 24 * 60 * 60_000;
const lifetimeMs = 365 * dayMs;
/** Tolerates clients whose clocks are behind. */
const backdateMs = 5 * 60_000;

/**
 * @param names at least one; the first is also the common name.
 * @param nowMs since the epoch.
 */
export async function createSelfSigned(names: readonly string[], nowMs: number): Promise<KeyPair> {
  // Imported here: it takes 70 ms, and most bring a certificate.
  const { default: library } = await import('node-forge');
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = signWith(privateKey, library, draft(library, names, nowMs, publicKey), publicKey);
  return {
    cert: new X509Certificate(certificate).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function draft(
  { pki, jsbn, asn1 }: typeof forge,
  names: readonly string[],
  nowMs: number,
  publicKey: KeyObject,
): forge.pki.Certificate {
  const certificate = pki.createCertificate();
  certificate.serialNumber = serialNumber();
  certificate.validity.notBefore = new Date(nowMs - backdateMs);
  certificate.validity.notAfter = new Date(nowMs + lifetimeMs);
  const subject = [{ name: 'commonName', value: names[0]?.slice(0, commonNameLimit) ?? '' }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  // Forge requires a key.
  certificate.publicKey = pki.setRsaPublicKey(new jsbn.BigInteger('3'), new jsbn.BigInteger('3'));
  const keyId = createHash('sha1').update(derOf(publicKey)).digest('binary');
  const octets = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, keyId);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: names.map(toAltName) },
    { id: subjectKeyIdentifier, value: asn1.toDer(octets).getBytes() },
  ]);
  return certificate;
}

/** RFC 5280's limit; clients look at subjectAltName. */
const commonNameLimit = 64;
const subjectKeyIdentifier = '2.5.29.14';

/** GeneralName: 2 is dNSName, 7 is iPAddress. */
function toAltName(name: string): object {
  return isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name };
}

/** Starts with the bits 01: Go rejects negative numbers, DER leading zeros. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function signWith(
  key: KeyObject,
  { asn1, pki, util }: typeof forge,
  certificate: forge.pki.Certificate,
  publicKey: KeyObject,
): Buffer {
  // Forge requires these; replaced below.
  certificate.signatureOid = pki.oids.sha256WithRSAEncryption ?? '';
  certificate.siginfo.algorithmOid = certificate.signatureOid;
  certificate.signature = '';
  const fromDer = (der: Buffer) => asn1.fromDer(util.createBuffer(der.toString('latin1')));
  const toDer = (value: forge.asn1.Asn1) => Buffer.from(asn1.toDer(value).getBytes(), 'latin1');

  const [signed] = partsOf(pki.certificateToAsn1(certificate));
  if (signed === undefined) throw new Error('node-forge wrote an empty certificate');
  const algorithm = fromDer(ecdsaWithSha256);
  const parts = partsOf(signed);
  parts[signatureAlgorithmIndex] = algorithm;
  parts[publicKeyIndex] = fromDer(derOf(publicKey));
  const signature = sign('sha256', toDer(signed), key);
  // A bit string starts with its number of unused bits.
  const bits = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, `\0${signature.toString('latin1')}`);
  return toDer(asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [signed, algorithm, bits]));
}

/** In RFC 5280's TBSCertificate. */
const signatureAlgorithmIndex = 2;
const publicKeyIndex = 6;

/** AlgorithmIdentifier { ecdsa-with-SHA256 }, RFC 5758. */
const ecdsaWithSha256 = Buffer.from('300a06082a8648ce3d040302', 'hex');

function partsOf({ value }: forge.asn1.Asn1): forge.asn1.Asn1[] {
  if (!Array.isArray(value)) throw new Error('node-forge wrote a certificate of another shape');
  return value;
}

function derOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}
