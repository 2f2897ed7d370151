/**
 * Reads DER of strangers by node-forge's ASN.1 module: size and depth are bounded, and only the one encoding that DER allows is taken, so that
 * OpenSSL and we cannot read two things in the same bytes. Importing the module alone costs 5 ms, all of forge 25.
 */
import { createRequire } from 'node:module';
import type forge from 'node-forge';

/** A value with its tag. `value` holds the children of a constructed one, else its bytes as Latin-1 text. */
export type Asn1 = forge.asn1.Asn1;

/** Malformed input, in words for a log. */
export class Asn1Error extends Error {
  override readonly name = 'Asn1Error';
}

/** Certificates are 8 levels deep, names in name constraints included. */
const depthLimit = 16;

/** The types know neither the options nor their names. */
type FromDer = (bytes: string, options: Readonly<Record<string, unknown>>) => Asn1;

const require = createRequire(import.meta.url);
let loaded: typeof forge.asn1 | undefined;

/** Loaded when the first client shows a certificate. */
export function asn1Library(): typeof forge.asn1 {
  loaded ??= require('node-forge/lib/asn1.js') as typeof forge.asn1;
  return loaded;
}

/**
 * Parses one whole DER value.
 * @param bytes Latin-1 text, one character per byte.
 * @throws Asn1Error when it is not DER, or nested too deeply.
 */
export function parseDer(bytes: string): Asn1 {
  let root: Asn1;
  // Forge writes defaults into it.
  const readOptions = { strict: true, parseAllBytes: true, decodeBitStrings: false, maxDepth: depthLimit };
  try {
    root = (asn1Library().fromDer as unknown as FromDer)(bytes, readOptions);
  } catch (cause) {
    throw new Asn1Error('is not DER', { cause });
  }
  // Forge also reads lengths in more bytes than needed and of indefinite form.
  if (encodedLength(root) !== bytes.length) throw new Asn1Error('is not DER: a length is encoded in another form');
  return root;
}

/** Bytes of the value in DER. */
function encodedLength({ value, type }: Asn1): number {
  const length = Array.isArray(value)
    ? value.reduce((sum, child) => sum + encodedLength(child), 0)
    : // Forge reads two bytes of a BMPString as one character.
      value.length * (type === asn1Library().Type.BMPSTRING ? 2 : 1);
  let head = 2;
  if (length > 0x7f) for (let left = length; left > 0; left >>>= 8) head += 1;
  return head + length;
}

/** Writes a value as it was read. */
export function toDer(node: Asn1): string {
  return asn1Library().toDer(node).getBytes();
}

/** Children of a constructed value with this first byte, e.g. 0x30 for a SEQUENCE. Throws Asn1Error for anything else. */
export function children(node: Asn1 | undefined, tag: number, what: string): readonly Asn1[] {
  if (node === undefined || tagOf(node) !== tag || !Array.isArray(node.value)) {
    throw new Asn1Error(`has a malformed ${what}`);
  }
  return node.value;
}

/** Bytes of a primitive value with this first byte, e.g. 0x04 for an OCTET STRING. Throws Asn1Error for anything else. */
export function primitive(node: Asn1 | undefined, tag: number, what: string): string {
  if (node === undefined || tagOf(node) !== tag || typeof node.value !== 'string') {
    throw new Asn1Error(`has a malformed ${what}`);
  }
  return node.value;
}

/** First byte of the encoding: class, whether constructed, number. */
export function tagOf({ tagClass, type, constructed }: Asn1): number {
  return tagClass | (constructed ? 0x20 : 0) | type;
}

/** Dotted form. Throws Asn1Error for anything but an OBJECT IDENTIFIER. */
export function oidOf(node: Asn1 | undefined, what: string): string {
  const bytes = primitive(node, tags.oid, what);
  // The last byte of each number has its first bit clear, and none starts with zeros.
  if (bytes === '' || bytes.length > oidLimitBytes || bytes.charCodeAt(bytes.length - 1) >= 0x80) {
    throw new Asn1Error(`has a malformed ${what}`);
  }
  return asn1Library().derToOid(bytes);
}

/** Longer ones exist nowhere, and their numbers are beyond what is exact. */
const oidLimitBytes = 64;

/** Value of an INTEGER or of one with an implicit tag. Throws Asn1Error where it is negative, above 2^31-1, or not minimal. */
export function smallInteger(node: Asn1 | undefined, tag: number, what: string): number {
  const bytes = primitive(node, tag, what);
  const first = bytes.charCodeAt(0);
  const isPadded = bytes.length > 1 && first === 0 && bytes.charCodeAt(1) < 0x80;
  if (bytes === '' || bytes.length > 4 || first >= 0x80 || isPadded) throw new Asn1Error(`has a malformed ${what}`);
  return Buffer.from(bytes, 'latin1').readUIntBE(0, bytes.length);
}

/** Value of a BOOLEAN in DER. */
export function booleanOf(node: Asn1, what: string): boolean {
  const bytes = primitive(node, tags.boolean, what);
  if (bytes !== '\0' && bytes !== '\xff') throw new Asn1Error(`has a malformed ${what}`);
  return bytes !== '\0';
}

/** First bytes of universal types. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
} as const;
