/**
 * Parses untrusted DER by node-forge's ASN.1 module (imported in 5 ms, all of forge in 25), of bounded size and depth.
 * Accepts only DER's one encoding: OpenSSL must not read it differently.
 */
import { createRequire } from 'node:module';
import type forge from 'node-forge';

/** `value` holds children, or Latin-1 bytes. */
export type Asn1 = forge.asn1.Asn1;

export class Asn1Error extends Error {
  override readonly name = 'Asn1Error';
}

/** Certificates have 8 levels with name constraints. */
const depthLimit = 16;

/** Forge's types lack the options. */
type FromDer = (bytes: string, options: Readonly<Record<string, unknown>>) => Asn1;

const require = createRequire(import.meta.url);
let loaded: typeof forge.asn1 | undefined;

export function asn1Library(): typeof forge.asn1 {
  loaded ??= require('node-forge/lib/asn1.js') as typeof forge.asn1;
  return loaded;
}

/**
 * Parses one whole DER value in Latin-1.
 * @throws Asn1Error for anything but DER, or too many levels.
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
  // Forge also accepts other lengths.
  if (encodedLength(root) !== bytes.length) throw new Asn1Error('is not DER: a length is encoded in another form');
  return root;
}

function encodedLength({ value, type }: Asn1): number {
  const length = Array.isArray(value)
    ? value.reduce((sum, child) => sum + encodedLength(child), 0)
    : // Forge reads two bytes of a BMPString as one character.
      value.length * (type === asn1Library().Type.BMPSTRING ? 2 : 1);
  let head = 2;
  if (length > 0x7f) for (let left = length; left > 0; left >>>= 8) head += 1;
  return head + length;
}

export function toDer(node: Asn1): string {
  return asn1Library().toDer(node).getBytes();
}

/** Throws Asn1Error unless constructed with this tag. */
export function children(node: Asn1 | undefined, tag: number, what: string): readonly Asn1[] {
  if (node === undefined || tagOf(node) !== tag || !Array.isArray(node.value)) {
    throw new Asn1Error(`has a malformed ${what}`);
  }
  return node.value;
}

/** Throws Asn1Error unless primitive with this tag. */
export function primitive(node: Asn1 | undefined, tag: number, what: string): string {
  if (node === undefined || tagOf(node) !== tag || typeof node.value !== 'string') {
    throw new Asn1Error(`has a malformed ${what}`);
  }
  return node.value;
}

/** Returns the first byte: class, constructed bit, number. */
export function tagOf({ tagClass, type, constructed }: Asn1): number {
  return tagClass | (constructed ? 0x20 : 0) | type;
}

/** Throws Asn1Error for anything else. */
export function oidOf(node: Asn1 | undefined, what: string): string {
  const bytes = primitive(node, tags.oid, what);
  // A number's last byte has its top bit clear.
  if (bytes === '' || bytes.length > oidLimitBytes || bytes.charCodeAt(bytes.length - 1) >= 0x80) {
    throw new Asn1Error(`has a malformed ${what}`);
  }
  return asn1Library().derToOid(bytes);
}

/** Longer ones do not exist, and are not exact. */
const oidLimitBytes = 64;

/** Throws Asn1Error if negative, not minimal, or above 2^31-1. */
export function smallInteger(node: Asn1 | undefined, tag: number, what: string): number {
  const bytes = primitive(node, tag, what);
  const first = bytes.charCodeAt(0);
  const isPadded = bytes.length > 1 && first === 0 && bytes.charCodeAt(1) < 0x80;
  if (bytes === '' || bytes.length > 4 || first >= 0x80 || isPadded) throw new Asn1Error(`has a malformed ${what}`);
  return Buffer.from(bytes, 'latin1').readUIntBE(0, bytes.length);
}

export function booleanOf(node: Asn1, what: string): boolean {
  const bytes = primitive(node, tags.boolean, what);
  if (bytes !== '\0' && bytes !== '\xff') throw new Asn1Error(`has a malformed ${what}`);
  return bytes !== '\0';
}

export function isAscii(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) if (value.charCodeAt(at) > 0x7f) return false;
  return true;
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
