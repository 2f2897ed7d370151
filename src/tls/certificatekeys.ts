/** Keys and signature algorithms of certificates, as in Go. */
import { type Asn1, Asn1Error, children, oidOf, parseDer, primitive, tagOf, tags, toDer } from './asn1.ts';

export interface KeyFacts {
  readonly kind: KeyKind;
  /** Continues "the certificate ..."; undefined if it may be used. */
  readonly problem: string | undefined;
}

type KeyKind = 'rsa' | 'ec' | 'ed25519' | 'other';

export interface SignatureAlgorithm {
  /** Kind of the key that can have signed. */
  readonly kind: KeyKind;
  readonly problem: string | undefined;
}

/** As Go's crypto/tls (checkKeySize): 16,384 bits verify 30 times slower than 2,048. */
const rsaMaxBits = 8192;
/** As Go's crypto/rsa since 1.24. */
const rsaMinBits = 1024;
/** As Go's crypto/rsa: up to 2^31-1. */
const exponentLimitBytes = 4;

/** Go's, with bytes per coordinate. */
const curves: ReadonlyMap<string, number> = new Map([
  ['1.3.132.0.33', 28],
  ['1.2.840.10045.3.1.7', 32],
  ['1.3.132.0.34', 48],
  ['1.3.132.0.35', 66],
]);

const rsaEncryption = '1.2.840.113549.1.1.1';
const ecPublicKey = '1.2.840.10045.2.1';
const ed25519 = '1.3.101.112';
const ed25519Bytes = 32;

/** Reads a SubjectPublicKeyInfo without decoding the untrusted key. Throws Asn1Error for a wrong form. */
export function keyFacts(node: Asn1 | undefined): KeyFacts {
  const [algorithm, key] = children(node, tags.sequence, 'public key');
  const [id, parameters] = children(algorithm, tags.sequence, 'public key');
  const bits = primitive(key, tags.bits, 'public key');
  if (bits.charCodeAt(0) !== 0) throw new Asn1Error('has a malformed public key');
  const bytes = bits.slice(1);
  switch (oidOf(id, 'public key')) {
    case rsaEncryption:
      if (parameters === undefined || tagOf(parameters) !== tags.null) throw new Asn1Error('has a malformed RSA key');
      return { kind: 'rsa', problem: rsaProblem(bytes) };
    case ecPublicKey:
      return { kind: 'ec', problem: ecProblem(bytes, parameters) };
    case ed25519:
      if (parameters !== undefined || bytes.length !== ed25519Bytes) throw new Asn1Error('has a malformed Ed25519 key');
      return { kind: 'ed25519', problem: undefined };
    default:
      return { kind: 'other', problem: 'has a key of a kind that is not supported (RSA, ECDSA and Ed25519 are)' };
  }
}

function rsaProblem(bytes: string): string | undefined {
  const [modulusNode, exponentNode] = children(parseDer(bytes), tags.sequence, 'RSA key');
  const modulus = positive(primitive(modulusNode, tags.integer, 'RSA key'));
  const exponent = positive(primitive(exponentNode, tags.integer, 'RSA key'));
  const size = bitLength(modulus);
  if (size > rsaMaxBits) return `has an RSA key of ${size} bits; at most ${rsaMaxBits} are allowed`;
  if (size < rsaMinBits) return `has a weak key: RSA of ${size} bits; at least ${rsaMinBits} are needed`;
  const isOdd = (value: string) => (value.charCodeAt(value.length - 1) & 1) === 1;
  const isSmall = exponent.length < exponentLimitBytes || bitLength(exponent) < 32;
  if (exponent === '\x01' || exponent.length > exponentLimitBytes || !isSmall || !isOdd(exponent) || !isOdd(modulus)) {
    return 'has an RSA key that cannot be: its exponent has to be odd, above 1 and below 2^31';
  }
  return undefined;
}

/** Without leading zeros. */
function positive(bytes: string): string {
  if (bytes === '' || bytes.charCodeAt(0) >= 0x80) throw new Asn1Error('has a malformed RSA key');
  let at = 0;
  while (at < bytes.length && bytes.charCodeAt(at) === 0) at += 1;
  if (at === bytes.length) throw new Asn1Error('has a malformed RSA key');
  return bytes.slice(at);
}

function bitLength(bytes: string): number {
  return bytes.length * 8 - (Math.clz32(bytes.charCodeAt(0)) - 24);
}

function ecProblem(bytes: string, parameters: Asn1 | undefined): string | undefined {
  const size =
    parameters !== undefined && tagOf(parameters) === tags.oid ? curves.get(oidOf(parameters, 'curve')) : undefined;
  if (size === undefined) return 'has a key on a curve that is not supported (P-224, P-256, P-384 and P-521 are)';
  const isWhole = bytes.length === 1 + 2 * size && bytes.charCodeAt(0) === 4;
  return isWhole ? undefined : 'has a key that is not an uncompressed point of its curve';
}

const supported: ReadonlyMap<string, KeyKind> = new Map([
  ['1.2.840.113549.1.1.11', 'rsa'],
  ['1.2.840.113549.1.1.12', 'rsa'],
  ['1.2.840.113549.1.1.13', 'rsa'],
  ['1.2.840.10045.4.3.2', 'ec'],
  ['1.2.840.10045.4.3.3', 'ec'],
  ['1.2.840.10045.4.3.4', 'ec'],
  [ed25519, 'ed25519'],
]);

const insecure: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.2', 'MD2'],
  ['1.2.840.113549.1.1.4', 'MD5'],
  ['1.2.840.113549.1.1.5', 'SHA-1'],
  ['1.3.14.3.2.29', 'SHA-1'],
  ['1.2.840.10040.4.3', 'SHA-1'],
  ['1.2.840.10045.4.1', 'SHA-1'],
]);

const rsaPss = '1.2.840.113549.1.1.10';

/** RSASSA-PSS as Go, in DER: SHA-256, SHA-384 and SHA-512, with salts of the hash's length. */
const pssParameters: ReadonlySet<string> = new Set([pss('01', '20'), pss('02', '30'), pss('03', '40')]);

function pss(hash: string, saltLength: string): string {
  const hashId = `300d06096086480165030402${hash}0500`;
  return `3034a00f${hashId}a11c301a06092a864886f70d010108${hashId}a2030201${saltLength}`;
}

/** Throws Asn1Error for a wrong form. */
export function signatureAlgorithm(node: Asn1): SignatureAlgorithm {
  const [idNode, parameters] = children(node, tags.sequence, 'signature algorithm');
  const id = oidOf(idNode, 'signature algorithm');
  if (id === rsaPss) {
    const der = parameters === undefined ? '' : Buffer.from(toDer(parameters), 'latin1').toString('hex');
    const problem = 'is signed with RSASSA-PSS of parameters that are not supported';
    return { kind: 'rsa', problem: pssParameters.has(der) ? undefined : problem };
  }
  const hash = insecure.get(id);
  if (hash !== undefined) return { kind: 'other', problem: `is signed with ${hash}, which is not secure` };
  const kind = supported.get(id);
  if (kind === undefined || (kind === 'ed25519' && parameters !== undefined)) {
    return { kind: 'other', problem: `is signed with an algorithm that is not supported (${id})` };
  }
  return { kind, problem: undefined };
}
