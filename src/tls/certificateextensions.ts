/** Parses a certificate's extensions; rejects what Go's crypto/x509 (parser.go) does. */
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
} from './asn1.ts';
import { alternativeNames, type Constraints, nameConstraints, type Names } from './certificatenames.ts';

export interface ExtensionFields {
  /** Undefined without the extension. */
  readonly basicConstraints: BasicConstraints | undefined;
  /** A keyUsage is present without keyCertSign. */
  readonly forbidsSigning: boolean;
  /** Empty without it, which allows everything. */
  readonly extendedKeyUsages: readonly string[];
  /** Undefined without the extension. */
  readonly names: Names | undefined;
  readonly constraints: Constraints | undefined;
  /** Empty without the extension. */
  readonly subjectKeyId: string;
  readonly authorityKeyId: string;
  readonly policies: PolicyFields;
  /** The first one that is not understood. */
  readonly unknownCritical: string | undefined;
}

export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLength: number | undefined;
}

export interface PolicyFields {
  /** Certificates that may follow before an explicit policy is required. */
  readonly requireExplicit: number | undefined;
  /** A mapping to or from any policy, which is never valid. */
  readonly mapsAny: boolean;
}

const extensionsTag = 0xa3;
const uniqueIdTags: ReadonlySet<number> = new Set([0x81, 0x82]);

interface Extension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: string;
}

/**
 * @param rest fields after the public key.
 * @throws Asn1Error for malformed extensions.
 */
export function extensionFields(rest: readonly Asn1[], version: number): ExtensionFields {
  return parseExtensions(extensionsOf(rest, version));
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

/** By OID. Each writes to the draft, and reports if only the form is understood. */
const readers: ReadonlyMap<string, (extension: Extension, draft: Draft) => 'not understood' | undefined> = new Map([
  ['2.5.29.14', readSubjectKeyId],
  ['2.5.29.15', readKeyUsage],
  ['2.5.29.17', readAlternativeNames],
  ['2.5.29.19', readBasicConstraints],
  ['2.5.29.30', readNameConstraints],
  // CRL distribution points and certificate policies decide nothing here.
  ['2.5.29.31', readNothing],
  ['2.5.29.32', readNothing],
  ['2.5.29.33', readPolicyMappings],
  ['2.5.29.35', readAuthorityKeyId],
  ['2.5.29.36', readPolicyConstraints],
  ['2.5.29.37', readExtendedKeyUsage],
  // inhibitAnyPolicy matters only with an explicit policy.
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

/** Bit 5. */
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
