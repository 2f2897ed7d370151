/**
 * Makes the root certificate of a pod: one key and one self-signed certificate per process, for its whole life. Only
 * the certificate leaves the process. kube-apiserver trusts it by `spec.caBundle`, and verifies leaf certificates
 * (`leaf.ts`) by it, so renewing a leaf writes nothing to the API.
 */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { fieldsOf } from './certificatefields.ts';
import {
  attributes,
  basicConstraints,
  type CertificateDraft,
  forServers,
  keyIdOf,
  keyUsage,
  type NameAttributes,
  subjectKeyIdentifier,
  writeCertificate,
} from './certificatewriter.ts';
import { Asn1Error, children, oidOf, parseDer, primitive, tags } from './asn1.ts';

/** The pod that the subject of a root names. */
export interface RootOwner {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
}

/** Holds the private key where neither a log nor `inspect` finds it. */
export interface PodRoot {
  readonly certificate: X509Certificate;
  /** PEM of the certificate. */
  readonly pem: string;
  readonly subject: NameAttributes;
  /** The key's identifier, 20 bytes: the leaf's authorityKeyIdentifier. */
  readonly keyId: Buffer;
  /** Returns a certificate of this root in DER. */
  sign(draft: Omit<CertificateDraft, 'issuer'>): Buffer;
}

/**
 * The epoch, until RFC 5280's date for no expiration (4.1.2.5). A root that followed this node's clock would be refused
 * by kube-apiserver after a step of the clock, and it is never renewed. Its key ends with the process.
 */
const [fromMs, untilMs] = [0, Date.UTC(9999, 11, 31, 23, 59, 59)];

/** The subject's organization, by which roots of ours are found in a bundle. */
const organization = 'kubegauge';
/** No other CA may follow: only leaf certificates. */
const pathLength = 0;

/**
 * Makes a key and its certificate.
 * @throws Error for an owner whose namespace, name or UID Kubernetes would not allow.
 */
export function createPodRoot(owner: RootOwner): PodRoot {
  const subject = subjectOf(owner);
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const sign = (draft: Omit<CertificateDraft, 'issuer'>) => writeCertificate({ ...draft, issuer: subject }, privateKey);
  const keyId = keyIdOf(publicKey);
  // Go nests extended key usages: this root vouches for servers only.
  const extensions = [
    basicConstraints(true, pathLength),
    keyUsage('keyCertSign'),
    forServers(),
    subjectKeyIdentifier(keyId),
  ];
  const certificate = new X509Certificate(sign({ subject, fromMs, untilMs, publicKey, extensions }));
  return { certificate, pem: certificate.toString(), subject, keyId, sign };
}

/** Kubernetes' limits: RFC 1123 names, and UIDs, which are UUIDs but for those of static pods. */
const namespacePattern = /^[a-z0-9-]{1,63}$/;
const podPattern = /^[a-z0-9.-]{1,253}$/;
const uidPattern = /^[A-Za-z0-9-]{1,64}$/;

function subjectOf({ namespace, pod, uid }: RootOwner): NameAttributes {
  if (!namespacePattern.test(namespace) || !podPattern.test(pod) || !uidPattern.test(uid)) {
    throw new Error(`no pod has this identity: ${JSON.stringify({ namespace, pod, uid })}`);
  }
  return [
    [attributes.organization, organization],
    [attributes.organizationalUnit, `${namespace}/${pod}`],
    [attributes.commonName, uid],
  ];
}

/** Returns the pod whose root this is; undefined for every certificate but a root of `createPodRoot`'s form. */
export function rootOwnerOf(certificate: X509Certificate): RootOwner | undefined {
  try {
    const { subject, issuer, basicConstraints: constraints } = fieldsOf(certificate);
    if (subject !== issuer || constraints?.ca !== true || constraints.pathLength !== pathLength) return undefined;
    return ownerOf(namesOf(subject));
  } catch (error) {
    if (error instanceof Asn1Error) return undefined;
    throw error;
  }
}

function ownerOf(names: NameAttributes): RootOwner | undefined {
  const [place = '', uid = ''] = names.slice(1).map(([, value]) => value);
  const [namespace = '', pod = '', ...rest] = place.split('/');
  if (rest.length > 0) return undefined;
  const owner = { namespace, pod, uid };
  const isForm = namespacePattern.test(namespace) && podPattern.test(pod) && uidPattern.test(uid);
  return isForm && JSON.stringify(subjectOf(owner)) === JSON.stringify(names) ? owner : undefined;
}

/** @param subject in DER, Latin-1. @throws Asn1Error for values that are not UTF8String. */
function namesOf(subject: string): NameAttributes {
  return children(parseDer(subject), tags.sequence, 'subject').map((set) => {
    const [attribute, another] = children(set, tags.set, 'subject');
    const [type, value] = children(attribute, tags.sequence, 'subject');
    if (another !== undefined) throw new Asn1Error('has a malformed subject');
    return [oidOf(type, 'subject'), Buffer.from(primitive(value, tags.utf8, 'subject'), 'latin1').toString('utf8')];
  });
}
