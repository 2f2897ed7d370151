/**
 * Certificates of any shape for tests of the verifier: every field, extension and signature is the test's, also what no library would write.
 * certificates.ts makes the ordinary ones.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign as signBytes, X509Certificate } from 'node:crypto';

/** One DER value: tag, length, content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body]);
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xffff ? 6 : length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, body]);
}

export const sequence = (...content: readonly Uint8Array[]): Buffer => der(0x30, ...content);
export const octets = (...content: readonly Uint8Array[]): Buffer => der(0x04, ...content);
export const boolean = (value: boolean): Buffer => der(0x01, Buffer.from([value ? 0xff : 0]));
export const bits = (content: Uint8Array, unused = 0): Buffer => der(0x03, Buffer.from([unused]), content);
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));

/** A positive INTEGER of these bytes, or a small one. */
export function integer(value: number | Uint8Array): Buffer {
  const bytes = typeof value === 'number' ? Buffer.from([value]) : Buffer.from(value);
  return der(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** OBJECT IDENTIFIER of its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const groups = [first * 40 + second, ...rest].map((part) => {
    const bytes = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) bytes.unshift((left & 0x7f) | 0x80);
    return bytes;
  });
  return der(0x06, Buffer.from(groups.flat()));
}

/** A Name of attributes in their order, each a type and its UTF-8 value. */
export function distinguishedName(...attributes: readonly (readonly [type: string, value: string])[]): Buffer {
  return sequence(...attributes.map(([type, value]) => der(0x31, sequence(oid(type), utf8(value)))));
}

export const commonName = (cn: string): Buffer => distinguishedName(['2.5.4.3', cn]);

/** One Extension; its value is the DER that goes into the octet string. */
export function extension(id: string, value: Uint8Array, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));
}

export const basicConstraints = (ca: boolean, pathLength?: number): Buffer =>
  extension(
    '2.5.29.19',
    sequence(...(ca ? [boolean(true)] : []), ...(pathLength === undefined ? [] : [integer(pathLength)])),
    true,
  );

/** @param mask the first byte of the bits, 0x80 being digitalSignature and 0x04 keyCertSign. */
export const keyUsage = (mask: number): Buffer => extension('2.5.29.15', bits(Buffer.from([mask])), true);

export const clientAuth = '1.3.6.1.5.5.7.3.2';
export const serverAuth = '1.3.6.1.5.5.7.3.1';
export const anyUsage = '2.5.29.37.0';
export const extendedKeyUsage = (...usages: readonly string[]): Buffer =>
  extension('2.5.29.37', sequence(...usages.map(oid)));

/** A GeneralName by its context tag: 1 email, 2 DNS, 4 directory (constructed), 6 URI, 7 IP. */
export function generalName(tag: number, value: string | Uint8Array): Buffer {
  return der((tag === 4 ? 0xa0 : 0x80) | tag, typeof value === 'string' ? Buffer.from(value, 'latin1') : value);
}

export const alternativeNames = (...names: readonly Buffer[]): Buffer => extension('2.5.29.17', sequence(...names));

/** nameConstraints of GeneralNames. */
export function nameConstraints(
  permitted: readonly Buffer[],
  excluded: readonly Buffer[] = [],
  critical = true,
): Buffer {
  const subtrees = (tag: number, names: readonly Buffer[]) =>
    names.length === 0 ? [] : [der(tag, ...names.map((name) => sequence(name)))];
  return extension('2.5.29.30', sequence(...subtrees(0xa0, permitted), ...subtrees(0xa1, excluded)), critical);
}

const algorithms = {
  'ecdsa-sha256': { id: sequence(oid('1.2.840.10045.4.3.2')), hash: 'sha256' },
  'ecdsa-sha1': { id: sequence(oid('1.2.840.10045.4.1')), hash: 'sha1' },
  'rsa-sha256': { id: sequence(oid('1.2.840.113549.1.1.11'), der(0x05)), hash: 'sha256' },
  'rsa-sha1': { id: sequence(oid('1.2.840.113549.1.1.5'), der(0x05)), hash: 'sha1' },
  'rsa-md5': { id: sequence(oid('1.2.840.113549.1.1.4'), der(0x05)), hash: 'md5' },
  ed25519: { id: sequence(oid('1.3.101.112')), hash: undefined },
} as const;

export type Algorithm = keyof typeof algorithms;

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export const ecKeys = (namedCurve = 'P-256'): KeyPair => generateKeyPairSync('ec', { namedCurve });
export const rsaKeys = (modulusLength = 2048): KeyPair => generateKeyPairSync('rsa', { modulusLength });
export const spkiOf = ({ publicKey }: KeyPair): Buffer => publicKey.export({ type: 'spki', format: 'der' });

/** Returns the public half of an RSA key without a private one: any odd number serves as a modulus, and verifying with it costs the same. */
export function rsaSpki(modulusBits: number, exponent: Uint8Array = Buffer.from('010001', 'hex')): Buffer {
  const modulus = randomBytes(modulusBits / 8);
  modulus[0] = (modulus[0] ?? 0) | 0x80;
  modulus[modulus.length - 1] = (modulus.at(-1) ?? 0) | 1;
  return sequence(
    sequence(oid('1.2.840.113549.1.1.1'), der(0x05)),
    bits(sequence(integer(modulus), integer(exponent))),
  );
}

export interface RawCertificate {
  /** A Name, or the text of a common name. */
  readonly subject: string | Buffer;
  readonly issuer: string | Buffer;
  readonly spki: Buffer;
  readonly extensions?: readonly Buffer[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** 0 is v1, 2 is v3. */
  readonly version?: number;
  readonly algorithm?: Algorithm;
  /** Undefined: the signature is of random bytes. */
  readonly signer?: KeyObject;
  readonly signatureBytes?: number;
  readonly serial?: Buffer;
  /** Written instead of the algorithm outside of what is signed. */
  readonly outerAlgorithm?: Buffer;
}

const dayMs = 24 * 60 * 60_000;

/** The certificate in DER. */
export function rawCertificate(options: RawCertificate): Buffer {
  const { version = 2, algorithm = 'ecdsa-sha256', extensions = [], signer } = options;
  const { id, hash } = algorithms[algorithm];
  const nameOf = (name: string | Buffer) => (typeof name === 'string' ? commonName(name) : name);
  const time = (date: Date) =>
    der(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`, 'latin1'));
  const serial = options.serial ?? integer(Buffer.concat([Buffer.from([0x41]), randomBytes(8)]));
  const signed = sequence(
    ...(version === 0 ? [] : [der(0xa0, integer(version))]),
    serial,
    id,
    nameOf(options.issuer),
    sequence(
      time(options.notBefore ?? new Date(Date.now() - dayMs)),
      time(options.notAfter ?? new Date(Date.now() + 365 * dayMs)),
    ),
    nameOf(options.subject),
    options.spki,
    ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
  );
  const signature = signer === undefined ? randomBytes(options.signatureBytes ?? 64) : signBytes(hash, signed, signer);
  return sequence(signed, options.outerAlgorithm ?? id, bits(signature));
}

/** DER as PEM. */
export function pemOf(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** As if a client had sent these after its own; only a TLS connection makes such an object by itself. */
export function sentTogether(leaf: Buffer, ...others: readonly Buffer[]): X509Certificate {
  const [next, ...rest] = others;
  const certificate = new X509Certificate(leaf);
  if (next !== undefined) {
    Object.defineProperty(certificate, 'issuerCertificate', { value: sentTogether(next, ...rest) });
  }
  return certificate;
}
