/** Certificates for tests: an authority and what it issues, EC P-256; keys and signatures by node:crypto, ASN.1 by node-forge. */
import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign as signBytes,
  X509Certificate,
} from 'node:crypto';
import forge from 'node-forge';

const { asn1, pki, util } = forge;

/** PEM texts. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface Validity {
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export interface IssueOptions extends Validity {
  readonly cn: string;
  /** Organisations: groups, to Kubernetes. */
  readonly o?: readonly string[];
  readonly dns?: readonly string[];
  readonly ips?: readonly string[];
  /** Extended key usages; both if none is given. */
  readonly usages?: readonly ('client' | 'server')[];
  /** Bits of an RSA key; EC P-256 if it is not given. */
  readonly rsaBits?: number;
}

export interface Authority extends Issued {
  issue(options: IssueOptions): Issued;
  /** An intermediate authority, signed by this one. */
  subordinate(cn: string, validity?: Validity): Authority;
}

/** Makes a root authority. @param rsaBits of its key; EC P-256 if it is not given. @param hash of what it signs. */
export function makeAuthority(
  cn = 'test authority',
  validity: Validity = {},
  { rsaBits, hash = 'sha256' }: { readonly rsaBits?: number; readonly hash?: Signer['hash'] } = {},
): Authority {
  return authority(cn, validity, undefined, rsaBits, hash);
}

/** Makes a certificate as a kubelet without serverTLSBootstrap does: under a CA of its own, which it sends along. */
export function selfSignedKubelet(node: string, options: Partial<IssueOptions> = {}): Issued {
  const own = makeAuthority(`${node}-ca@1795967382`);
  const { cert, key } = own.issue({ cn: `${node}@1795967382`, dns: [node], usages: ['server'], ...options });
  return { cert: `${cert}${own.cert}`, key };
}

interface Signer {
  readonly subject: readonly Name[];
  readonly key: KeyObject;
  readonly keyId: string;
  readonly hash: 'sha256' | 'sha1';
}

interface Name {
  readonly name: 'commonName' | 'organizationName';
  readonly value: string;
}

function authority(
  cn: string,
  validity: Validity,
  parent: Signer | undefined,
  rsaBits?: number,
  hash: Signer['hash'] = 'sha256',
): Authority {
  const { privateKey, publicKey } = keysOf(rsaBits);
  const subject: Name[] = [{ name: 'commonName', value: cn }];
  const self: Signer = { subject, key: privateKey, keyId: keyIdOf(publicKey), hash };
  const extensions = [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
  ];
  const cert = certificate({ subject: self.subject, publicKey, validity, extensions }, parent ?? self);
  return {
    cert,
    key: pemOf(privateKey),
    issue: (options) => issue(options, self),
    subordinate: (name, validity = {}) => authority(name, validity, self),
  };
}

function issue(
  { cn, o = [], dns = [], ips = [], usages = ['client', 'server'], rsaBits, ...validity }: IssueOptions,
  issuer: Signer,
): Issued {
  const { privateKey, publicKey } = keysOf(rsaBits);
  const names = [...dns.map((value) => ({ type: 2, value })), ...ips.map((ip) => ({ type: 7, ip }))];
  const extensions = [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', clientAuth: usages.includes('client'), serverAuth: usages.includes('server') },
    ...(names.length === 0 ? [] : [{ name: 'subjectAltName', altNames: names }]),
  ];
  const subject: Name[] = o.map((value) => ({ name: 'organizationName', value }));
  subject.push({ name: 'commonName', value: cn });
  return { cert: certificate({ subject, publicKey, validity, extensions }, issuer), key: pemOf(privateKey) };
}

function keysOf(rsaBits: number | undefined) {
  return rsaBits === undefined
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: rsaBits });
}

interface Contents {
  readonly subject: readonly Name[];
  readonly publicKey: KeyObject;
  readonly validity: Validity;
  readonly extensions: readonly object[];
}

const dayMs = 24 * 60 * 60_000;

/** Forge knows RSA only: it builds the certificate around a dummy key, then key, algorithm and signature are replaced. */
function certificate({ subject, publicKey, validity, extensions }: Contents, issuer: Signer): string {
  const draft = pki.createCertificate();
  draft.serialNumber = serialNumber();
  draft.validity.notBefore = validity.notBefore ?? new Date(Date.now() - dayMs);
  draft.validity.notAfter = validity.notAfter ?? new Date(Date.now() + 365 * dayMs);
  draft.setSubject([...subject]);
  draft.setIssuer([...issuer.subject]);
  draft.setExtensions([...extensions, subjectKeyId(keyIdOf(publicKey)), authorityKeyId(issuer.keyId)]);
  draft.publicKey = pki.setRsaPublicKey(new forge.jsbn.BigInteger('3'), new forge.jsbn.BigInteger('3'));
  draft.signatureOid = pki.oids.sha256WithRSAEncryption ?? '';
  draft.siginfo.algorithmOid = draft.signatureOid;
  draft.signature = '';

  const [signed] = partsOf(pki.certificateToAsn1(draft));
  if (signed === undefined) throw new Error('forge built an empty certificate');
  const fields = partsOf(signed);
  const signedBy = `${issuer.key.asymmetricKeyType} ${issuer.hash}`;
  const algorithm = asn1.fromDer(util.createBuffer(util.hexToBytes(algorithms.get(signedBy) ?? '')));
  fields[2] = algorithm;
  fields[6] = asn1.fromDer(util.createBuffer(publicKey.export({ type: 'spki', format: 'der' }).toString('binary')));
  const bytes = Buffer.from(asn1.toDer(signed).getBytes(), 'binary');
  const signature = `\0${signBytes(issuer.hash, bytes, issuer.key).toString('binary')}`;
  const whole = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    signed,
    algorithm,
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, signature),
  ]);
  return new X509Certificate(Buffer.from(asn1.toDer(whole).getBytes(), 'binary')).toString();
}

/** AlgorithmIdentifiers by the kind of key and the hash. */
const algorithms: ReadonlyMap<string, string> = new Map([
  ['ec sha256', '300a06082a8648ce3d040302'],
  ['ec sha1', '300906072a8648ce3d0401'],
  ['rsa sha256', '300d06092a864886f70d01010b0500'],
]);

function partsOf(node: forge.asn1.Asn1): forge.asn1.Asn1[] {
  if (!Array.isArray(node.value)) throw new Error('a constructed ASN.1 value was expected');
  return node.value;
}

/** Sixteen bytes, positive and without a leading zero: Go refuses a negative number. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function keyIdOf(key: KeyObject): string {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('binary');
}

function subjectKeyId(keyId: string): object {
  const value = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, keyId);
  return { id: '2.5.29.14', value: asn1.toDer(value).getBytes() };
}

function authorityKeyId(keyId: string): object {
  const value = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, false, keyId),
  ]);
  return { id: '2.5.29.35', value: asn1.toDer(value).getBytes() };
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
