/**
 * Makes a serving certificate that is its own authority: EC P-256, good for one year.
 * node-forge writes the ASN.1 but knows only RSA, so node:crypto makes key and signature and we put them in.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type forge from 'node-forge';
import type { KeyPair } from './keypair.ts';

const dayMs = 24 * 60 * 60_000;
const lifetimeMs = 365 * dayMs;
/** Other machines' clocks may be a little behind ours. */
const backdateMs = 5 * 60_000;

/**
 * @param names DNS names and IP addresses, at least one; the first one is also the common name.
 * @param nowMs milliseconds since the epoch.
 */
export async function createSelfSigned(names: readonly string[], nowMs: number): Promise<KeyPair> {
  // Imported only here: it takes 70 ms, and most installations are given their certificate.
  const { default: library } = await import('node-forge');
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = signWith(privateKey, library, draft(library, names, nowMs, publicKey), publicKey);
  return {
    cert: new X509Certificate(certificate).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** All but key and signature. */
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
  // Forge cannot leave the key out.
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

/** RFC 5280's upper bound; the names themselves are all in subjectAltName, where clients look. */
const commonNameLimit = 64;
const subjectKeyIdentifier = '2.5.29.14';

/** Types of GeneralName: 2 is dNSName, 7 is iPAddress. */
function toAltName(name: string): object {
  return isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name };
}

/** Sixteen bytes whose first bit is 0 and second is 1: Go refuses a negative number, DER a leading zero. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

/** Puts key and algorithm of elliptic curves into the draft, signs it, and returns the certificate in DER. */
function signWith(
  key: KeyObject,
  { asn1, pki, util }: typeof forge,
  certificate: forge.pki.Certificate,
  publicKey: KeyObject,
): Buffer {
  // Forge refuses to write a certificate without these, although they are replaced.
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
  // A bit string starts with the number of unused bits, which is none.
  const bits = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, `\0${signature.toString('latin1')}`);
  return toDer(asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [signed, algorithm, bits]));
}

/** Where RFC 5280's TBSCertificate has them, after version and serial number, and after issuer, validity and subject. */
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
