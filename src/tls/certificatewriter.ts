/**
 * Writes X.509 certificates with EC P-256 keys: node-forge's ASN.1 module makes the DER, node:crypto the signature.
 * Every field has the form that Go's crypto/x509 (parser.go) and OpenSSL read. The module takes 5 ms to import, all of
 * forge 25.
 */
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { type Asn1, asn1Library, parseDer, tags, toDer } from './asn1.ts';

/** Attributes in their order, each an OID of `attributes` and its text. */
export type NameAttributes = readonly (readonly [type: string, value: string])[];

/** OIDs of X.520's attributes. */
export const attributes = { commonName: '2.5.4.3', organization: '2.5.4.10', organizationalUnit: '2.5.4.11' } as const;

/** RFC 5280's limit of a common name, in characters. */
export const commonNameLimit = 64;

export interface CertificateDraft {
  readonly subject: NameAttributes;
  readonly issuer: NameAttributes;
  /** Milliseconds since the epoch. A certificate holds seconds; the rest is cut off. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Asn1[];
}

/**
 * Returns the signed certificate in DER.
 * @param signer the issuer's private key, EC P-256.
 */
export function writeCertificate(draft: CertificateDraft, signer: KeyObject): Buffer {
  const algorithm = sequence(oid(ecdsaWithSha256));
  const signed = sequence(
    constructed(versionTag, integer('\x02')),
    integer(serialNumber()),
    algorithm,
    distinguishedName(draft.issuer),
    sequence(time(draft.fromMs), time(draft.untilMs)),
    distinguishedName(draft.subject),
    parseDer(spkiOf(draft.publicKey).toString('latin1')),
    constructed(extensionsTag, sequence(...draft.extensions)),
  );
  const signature = sign('sha256', Buffer.from(toDer(signed), 'latin1'), signer);
  return Buffer.from(toDer(sequence(signed, algorithm, bits(signature.toString('latin1'), 0))), 'latin1');
}

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';
const versionTag = 0xa0;
const extensionsTag = 0xa3;

/** Returns sixteen bytes that start with the bits 01: Go rejects negative numbers, DER leading zeros. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('latin1');
}

/** Returns the time that a certificate holds for this one, in milliseconds: the rest of a second is cut off. */
export function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** As RFC 5280 demands: UTCTime until 2049, then GeneralizedTime. */
function time(ms: number): Asn1 {
  const date = new Date(ms);
  return date.getUTCFullYear() < 2050
    ? primitive(0x17, asn1Library().dateToUtcTime(date))
    : primitive(0x18, asn1Library().dateToGeneralizedTime(date));
}

function distinguishedName(name: NameAttributes): Asn1 {
  return sequence(
    ...name.map(([type, value]) =>
      constructed(tags.set, sequence(oid(type), primitive(tags.utf8, Buffer.from(value, 'utf8').toString('latin1')))),
    ),
  );
}

/** @param pathLength the number of CAs that may follow; only for a CA. */
export function basicConstraints(ca: boolean, pathLength?: number): Asn1 {
  // DER omits the default, false.
  const flag = ca ? [primitive(tags.boolean, '\xff')] : [];
  const length = pathLength === undefined ? [] : [integer(String.fromCharCode(pathLength))];
  return extension('2.5.29.19', sequence(...flag, ...length), true);
}

/** Bits of RFC 5280's KeyUsage, each with the number of unused bits that DER demands of it alone. */
const usageBits = { digitalSignature: ['\x80', 7], keyCertSign: ['\x04', 2] } as const;

export function keyUsage(usage: keyof typeof usageBits): Asn1 {
  const [byte, unused] = usageBits[usage];
  return extension('2.5.29.15', bits(byte, unused), true);
}

const serverAuth = '1.3.6.1.5.5.7.3.1';

export function forServers(): Asn1 {
  return extension('2.5.29.37', sequence(oid(serverAuth)));
}

/** @param names DNS names in ASCII and IP addresses, at least one. */
export function alternativeNames(names: readonly string[]): Asn1 {
  return extension('2.5.29.17', sequence(...names.map(generalName)));
}

/** Reports whether a certificate can hold the name. Host names can be anything, and IPv6 addresses may have a zone. */
export function isCertificateName(name: string): boolean {
  if (isIP(name) !== 0) return !name.includes('%');
  return name.length <= nameLimit && /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i.test(name);
}

/** Characters of a DNS name (RFC 1035). */
const nameLimit = 253;

function generalName(name: string): Asn1 {
  return isIP(name) === 0 ? primitive(0x82, name) : primitive(0x87, addressBytes(name).toString('latin1'));
}

/** Returns 4 or 16 bytes. @throws Error for other text. */
export function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  if (isIP(address) !== 6 || address.includes('%')) throw new Error(`${JSON.stringify(address)} is no IP address`);
  // The URL parser writes dotted parts in hex, and compresses one run of zeros.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => text.split(':').filter((group) => group !== '');
  const [first, last] = [groups(head), groups(tail ?? '')];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  return Buffer.from([...first, ...zeros, ...last].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** @param keyId of the certificate's own key. */
export function subjectKeyIdentifier(keyId: Buffer): Asn1 {
  return extension('2.5.29.14', primitive(tags.octets, keyId.toString('latin1')));
}

/** @param keyId of the issuer's key. Go prefers the root with this identifier among several of one subject. */
export function authorityKeyIdentifier(keyId: Buffer): Asn1 {
  return extension('2.5.29.35', sequence(primitive(0x80, keyId.toString('latin1'))));
}

/** Returns 20 bytes, unique per key. RFC 5280 (4.2.1.2) leaves the method open; SHA-1 is missing in FIPS builds. */
export function keyIdOf(key: KeyObject): Buffer {
  return createHash('sha256').update(spkiOf(key)).digest().subarray(0, 20);
}

function extension(id: string, value: Asn1, critical = false): Asn1 {
  const flag = critical ? [primitive(tags.boolean, '\xff')] : [];
  return sequence(oid(id), ...flag, primitive(tags.octets, toDer(value)));
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

/** @param bytes Latin-1 text. @param unused number of bits at its end that do not count. */
function bits(bytes: string, unused: number): Asn1 {
  return primitive(tags.bits, String.fromCharCode(unused) + bytes);
}

function oid(dotted: string): Asn1 {
  return primitive(tags.oid, asn1Library().oidToDer(dotted).getBytes());
}

function integer(bytes: string): Asn1 {
  return primitive(tags.integer, bytes);
}

function sequence(...values: readonly Asn1[]): Asn1 {
  return constructed(tags.sequence, ...values);
}

/** The tag's first byte: class, constructed bit, number. */
function constructed(tag: number, ...values: readonly Asn1[]): Asn1 {
  return asn1Library().create(tag & 0xc0, tag & 0x1f, true, [...values]);
}

function primitive(tag: number, bytes: string): Asn1 {
  return asn1Library().create(tag & 0xc0, tag & 0x1f, false, bytes);
}
