/**
 * What Node's X509Certificate does not show of a certificate: key usages of CAs, path length, name constraints, extensions that must be
 * understood, algorithms and key sizes. Follows Go's crypto/x509 (parser.go): what Go refuses to parse is refused here.
 */
import type { X509Certificate } from 'node:crypto';
import {
  type Asn1,
  Asn1Error,
  booleanOf,
  children,
  oidOf,
  parseDer,
  primitive,
  smallInteger,
  tagOf,
  tags,
  toDer,
} from './asn1.ts';
import { alternativeNames, type Constraints, nameConstraints, type Names } from './certificatenames.ts';
import { type KeyFacts, keyFacts, type SignatureAlgorithm, signatureAlgorithm } from './certificatekeys.ts';

export interface CertificateFields {
  /** 1 to 3. */
  readonly version: number;
  /** Names in DER, to be compared byte by byte as Go does. */
  readonly subject: string;
  readonly issuer: string;
  readonly signature: SignatureAlgorithm;
  readonly key: KeyFacts;
  /** Undefined without the extension. */
  readonly basicConstraints: BasicConstraints | undefined;
  /** Whether keyCertSign is missing in a keyUsage that has other bits. */
  readonly forbidsSigning: boolean;
  /** Empty without the extension, which then allows everything. */
  readonly extendedKeyUsages: readonly string[];
  /** Undefined without the extension. */
  readonly names: Names | undefined;
  readonly constraints: Constraints | undefined;
  /** Empty without the extension. */
  readonly subjectKeyId: string;
  readonly authorityKeyId: string;
  readonly policies: PolicyFields;
  /** The first extension that is critical and not understood. */
  readonly unknownCritical: string | undefined;
}

export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLength: number | undefined;
}

export interface PolicyFields {
  /** Certificates that may follow before a policy that all agree on is demanded. */
  readonly requireExplicit: number | undefined;
  /** A mapping to or from any policy, which is never valid. */
  readonly mapsAny: boolean;
}

/** Bytes of a certificate in DER. A key of 8192 bits and its signature take 2,300; a few hundred names fit beside them. */
export const certificateLimitBytes = 16 * 1024;

const cache = new WeakMap<X509Certificate, CertificateFields | Asn1Error>();

/** Parses a certificate, once. Throws Asn1Error whose message continues "the certificate ...". */
export function fieldsOf(certificate: X509Certificate): CertificateFields {
  let held = cache.get(certificate);
  if (held === undefined) {
    held = tryParse(certificate);
    cache.set(certificate, held);
  }
  if (held instanceof Asn1Error) throw held;
  return held;
}

/** No other error leaves here, whatever the bytes are. */
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
  // Validity: Node shows it.
  children(next(), tags.sequence, 'validity');
  const subject = nameOf(next(), 'subject');
  const key = keyFacts(next());
  const extensions = extensionsOf(fields, version);
  return {
    version,
    subject,
    issuer,
    signature: signatureAlgorithm(innerAlgorithm),
    key,
    ...parseExtensions(extensions),
  };
}

const versionTag = 0xa0;
const extensionsTag = 0xa3;
/** issuerUniqueID and subjectUniqueID of v2. */
const uniqueIdTags: ReadonlySet<number> = new Set([0x81, 0x82]);

function versionOf(node: Asn1 | undefined): number {
  const [number] = children(node, versionTag, 'version');
  const version = smallInteger(number, tags.integer, 'version') + 1;
  if (version > 3) throw new Asn1Error('is of an unknown version');
  return version;
}

/** Go refuses a negative one. */
function checkSerialNumber(node: Asn1 | undefined): void {
  const serial = primitive(node, tags.integer, 'serial number');
  if (serial === '' || serial.charCodeAt(0) >= 0x80) throw new Asn1Error('has a malformed serial number');
}

/** Checks a name's form and returns its DER. */
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

/** The kinds of text that Go reads, each with what it allows. */
const texts: ReadonlyMap<number, (value: string) => boolean> = new Map([
  [tags.utf8, (value) => isUtf8(value)],
  [0x12, (value) => /^[0-9 ]*$/.test(value)],
  [0x13, (value) => /^[A-Za-z0-9'()+,\-./ :=?*&]*$/.test(value)],
  [0x14, () => true],
  [0x16, isAscii],
  // Two bytes a character: no surrogates, no noncharacters.
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

function isAscii(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) if (value.charCodeAt(at) > 0x7f) return false;
  return true;
}

interface Extension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: string;
}

function extensionsOf(rest: readonly Asn1[], version: number): readonly Extension[] {
  const [list] = rest.filter((node) => !uniqueIdTags.has(tagOf(node)));
  if (list === undefined || version < 3) return [];
  const [sequence] = children(list, extensionsTag, 'list of extensions');
  const extensions = children(sequence, tags.sequence, 'list of extensions').map(extensionOf);
  if (new Set(extensions.map(({ id }) => id)).size < extensions.length) throw new Asn1Error('repeats an extension');
  return extensions;
}

function extensionOf(node: Asn1): Extension {
  const [id, second, third] = children(node, tags.sequence, 'extension');
  const flag = second !== undefined && tagOf(second) === tags.boolean ? second : undefined;
  const value = primitive(flag === undefined ? second : third, tags.octets, 'extension');
  return { id: oidOf(id, 'extension'), critical: flag !== undefined && booleanOf(flag, 'extension'), value };
}

type ExtensionFields = Omit<CertificateFields, 'version' | 'subject' | 'issuer' | 'signature' | 'key'>;

/** Mutable while extensions are read one after the other. */
type Draft = { -readonly [Key in keyof ExtensionFields]: ExtensionFields[Key] };

function parseExtensions(extensions: readonly Extension[]): ExtensionFields {
  const draft: Draft = {
    basicConstraints: undefined,
    forbidsSigning: false,
    extendedKeyUsages: [],
    names: undefined,
    constraints: undefined,
    subjectKeyId: '',
    authorityKeyId: '',
    policies: { requireExplicit: undefined, mapsAny: false },
    unknownCritical: undefined,
  };
  for (const extension of extensions) {
    const read = readers.get(extension.id);
    const isUnderstood = read !== undefined && read(extension, draft) !== 'not understood';
    if (!isUnderstood && extension.critical) draft.unknownCritical ??= extension.id;
  }
  return draft;
}

/** Each puts what it reads into the draft; one that gets no further than the extension's form says so. */
const readers: ReadonlyMap<string, (extension: Extension, draft: Draft) => 'not understood' | undefined> = new Map([
  ['2.5.29.14', readSubjectKeyId],
  ['2.5.29.15', readKeyUsage],
  ['2.5.29.17', readAlternativeNames],
  ['2.5.29.19', readBasicConstraints],
  ['2.5.29.30', readNameConstraints],
  // CRL distribution points and certificate policies: neither decides anything here.
  ['2.5.29.31', readNothing],
  ['2.5.29.32', readNothing],
  ['2.5.29.33', readPolicyMappings],
  ['2.5.29.35', readAuthorityKeyId],
  ['2.5.29.36', readPolicyConstraints],
  ['2.5.29.37', readExtendedKeyUsage],
  // inhibitAnyPolicy decides only together with an explicit policy.
  ['2.5.29.54', readNothing],
]);

function readNothing({ value }: Extension): undefined {
  parseDer(value);
  return undefined;
}

function readSubjectKeyId({ value, critical }: Extension, draft: Draft): undefined {
  if (critical) throw new Asn1Error('has a subject key identifier that is marked critical');
  draft.subjectKeyId = primitive(parseDer(value), tags.octets, 'subject key identifier');
}

function readAuthorityKeyId({ value, critical }: Extension, draft: Draft): undefined {
  if (critical) throw new Asn1Error('has an authority key identifier that is marked critical');
  const [first] = children(parseDer(value), tags.sequence, 'authority key identifier');
  if (first !== undefined && tagOf(first) === 0x80)
    draft.authorityKeyId = primitive(first, 0x80, 'authority key identifier');
}

/** keyCertSign is bit 5. */
const keyCertSign = 0x04;

function readKeyUsage({ value }: Extension, draft: Draft): undefined {
  const bytes = primitive(parseDer(value), tags.bits, 'key usage');
  if (bytes === '') throw new Asn1Error('has a malformed key usage');
  const first = bytes.charCodeAt(1) || 0;
  const isEmpty = first === 0 && (bytes.charCodeAt(2) || 0) === 0;
  draft.forbidsSigning = !isEmpty && (first & keyCertSign) === 0;
}

function readAlternativeNames({ value }: Extension, draft: Draft): 'not understood' | undefined {
  draft.names = alternativeNames(parseDer(value));
  const { dns, emails, ips, uris } = draft.names;
  return dns.length + emails.length + ips.length + uris.length === 0 ? 'not understood' : undefined;
}

function readBasicConstraints({ value }: Extension, draft: Draft): undefined {
  const [first, second] = children(parseDer(value), tags.sequence, 'basic constraints');
  const flag = first !== undefined && tagOf(first) === tags.boolean ? first : undefined;
  const length = flag === undefined ? first : second;
  draft.basicConstraints = {
    ca: flag !== undefined && booleanOf(flag, 'basic constraints'),
    pathLength: length === undefined ? undefined : smallInteger(length, tags.integer, 'path length'),
  };
}

function readNameConstraints({ value }: Extension, draft: Draft): 'not understood' | undefined {
  draft.constraints = nameConstraints(parseDer(value));
  return draft.constraints.hasOthers ? 'not understood' : undefined;
}

function readExtendedKeyUsage({ value }: Extension, draft: Draft): undefined {
  const usages = children(parseDer(value), tags.sequence, 'extended key usage');
  draft.extendedKeyUsages = usages.map((usage) => oidOf(usage, 'extended key usage'));
}

function readPolicyConstraints({ value }: Extension, draft: Draft): undefined {
  const [first] = children(parseDer(value), tags.sequence, 'policy constraints');
  if (first === undefined || tagOf(first) !== 0x80) return;
  draft.policies = { ...draft.policies, requireExplicit: smallInteger(first, 0x80, 'policy constraints') };
}

const anyPolicy = '2.5.29.32.0';

function readPolicyMappings({ value }: Extension, draft: Draft): undefined {
  for (const mapping of children(parseDer(value), tags.sequence, 'policy mappings')) {
    const [from, to] = children(mapping, tags.sequence, 'policy mappings');
    const isAny = oidOf(from, 'policy mappings') === anyPolicy || oidOf(to, 'policy mappings') === anyPolicy;
    if (isAny) draft.policies = { ...draft.policies, mapsAny: true };
  }
}
