/** Parses what Node's X509Certificate hides; rejects what Go's crypto/x509 (parser.go) does. */
import type { X509Certificate } from 'node:crypto';
import {
  type Asn1,
  Asn1Error,
  children,
  isAscii,
  oidOf,
  parseDer,
  primitive,
  smallInteger,
  tagOf,
  tags,
  toDer,
} from './asn1.ts';
import { type ExtensionFields, extensionFields } from './certificateextensions.ts';
import { type KeyFacts, keyFacts, type SignatureAlgorithm, signatureAlgorithm } from './certificatekeys.ts';

export interface CertificateFields extends ExtensionFields {
  readonly version: number;
  /** DER, compared by bytes as in Go. */
  readonly subject: string;
  readonly issuer: string;
  readonly signature: SignatureAlgorithm;
  readonly key: KeyFacts;
}

/** Bytes of DER. A key of 8,192 bits and its signature take 2,300; a few hundred names fit. */
export const certificateLimitBytes = 16 * 1024;

const cache = new WeakMap<X509Certificate, CertificateFields | Asn1Error>();

/** Parses once. Throws Asn1Error: its message continues "the certificate ...". */
export function fieldsOf(certificate: X509Certificate): CertificateFields {
  let held = cache.get(certificate);
  if (held === undefined) {
    held = tryParse(certificate);
    cache.set(certificate, held);
  }
  if (held instanceof Asn1Error) throw held;
  return held;
}

/** Returns an Asn1Error for every other error. */
function tryParse({ raw }: X509Certificate): CertificateFields | Asn1Error {
  if (raw.length > certificateLimitBytes) {
    return new Asn1Error(`has ${raw.length} bytes; at most ${certificateLimitBytes} are read`);
  }
  try {
    return parseFields(raw.toString('latin1'));
  } catch (cause) {
    return cause instanceof Asn1Error ? cause : new Asn1Error('is malformed', { cause });
  }
}

function parseFields(bytes: string): CertificateFields {
  const [signed, outerAlgorithm] = children(parseDer(bytes), tags.sequence, 'certificate');
  const fields = [...children(signed, tags.sequence, 'certificate')];
  const next = (): Asn1 | undefined => fields.shift();
  const version = fields[0] !== undefined && tagOf(fields[0]) === versionTag ? versionOf(next()) : 1;
  checkSerialNumber(next());
  const innerAlgorithm = next();
  if (innerAlgorithm === undefined || outerAlgorithm === undefined || toDer(innerAlgorithm) !== toDer(outerAlgorithm)) {
    throw new Asn1Error('names two signature algorithms');
  }
  const issuer = nameOf(next(), 'issuer');
  // Node exposes the validity.
  children(next(), tags.sequence, 'validity');
  const subject = nameOf(next(), 'subject');
  const key = keyFacts(next());
  return {
    version,
    subject,
    issuer,
    signature: signatureAlgorithm(innerAlgorithm),
    key,
    ...extensionFields(fields, version),
  };
}

const versionTag = 0xa0;

function versionOf(node: Asn1 | undefined): number {
  const [number] = children(node, versionTag, 'version');
  const version = smallInteger(number, tags.integer, 'version') + 1;
  if (version > 3) throw new Asn1Error('is of an unknown version');
  return version;
}

/** Go rejects a negative one. */
function checkSerialNumber(node: Asn1 | undefined): void {
  const serial = primitive(node, tags.integer, 'serial number');
  if (serial === '' || serial.charCodeAt(0) >= 0x80) throw new Asn1Error('has a malformed serial number');
}

/** Returns a name's DER. */
function nameOf(node: Asn1 | undefined, what: string): string {
  for (const set of children(node, tags.sequence, what)) {
    for (const attribute of children(set, tags.set, what)) {
      const [type, value] = children(attribute, tags.sequence, what);
      oidOf(type, what);
      checkText(value, what);
    }
  }
  return node === undefined ? '' : toDer(node);
}

/** Go's string types, with what each allows. */
const texts: ReadonlyMap<number, (value: string) => boolean> = new Map([
  [tags.utf8, (value) => isUtf8(value)],
  [0x12, (value) => /^[0-9 ]*$/.test(value)],
  [0x13, (value) => /^[A-Za-z0-9'()+,\-./ :=?*&]*$/.test(value)],
  [0x14, () => true],
  [0x16, isAscii],
  // Two bytes a character, without surrogates and noncharacters.
  [0x1e, (value) => !/[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]/.test(value)],
]);

function checkText(node: Asn1 | undefined, what: string): void {
  const isValid = node !== undefined && typeof node.value === 'string' && texts.get(tagOf(node))?.(node.value);
  if (isValid !== true) throw new Asn1Error(`has a malformed ${what}`);
}

function isUtf8(latin1: string): boolean {
  const bytes = Buffer.from(latin1, 'latin1');
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes);
}
