/** Makes the cluster's certificates and keys: two authorities, one certificate per component, the ServiceAccount key. */
import { generateKeyPair, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { kubernetesServiceIp, pkiFile, type Settings } from './settings.ts';

/** Who a certificate is for: the user name, its groups, and for a server the names it answers to. */
interface Identity {
  readonly user: string;
  readonly groups?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ips?: readonly string[];
}

interface Authority {
  readonly certificate: forge.pki.Certificate;
  readonly privateKey: forge.pki.rsa.PrivateKey;
}

const lifetimeDays = 365;

/**
 * Writes into <run folder>/pki, each as <name>.crt and <name>.key: ca, front-proxy-ca, apiserver, apiserver-kubelet-client,
 * admin, controller-manager, scheduler, kubelet, front-proxy-client; and sa.pub, sa.key.
 */
export async function writePki(settings: Settings): Promise<void> {
  await mkdir(pkiFile(settings, ''), { recursive: true, mode: 0o700 });
  const [ca, frontProxyCa] = await Promise.all([
    writeAuthority(settings, 'ca', 'kubegauge-test-ca'),
    writeAuthority(settings, 'front-proxy-ca', 'kubegauge-test-front-proxy-ca'),
    writeServiceAccountKey(settings),
  ]);
  const issue = (name: string, identity: Identity, authority = ca) =>
    writeCertificate(settings, name, identity, authority);
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  await Promise.all([
    issue('apiserver', {
      user: 'kube-apiserver',
      dnsNames: [...service, 'localhost', settings.nodeName],
      ips: [settings.nodeIp, '127.0.0.1', kubernetesServiceIp],
    }),
    issue('apiserver-kubelet-client', { user: 'kube-apiserver-kubelet-client', groups: ['system:masters'] }),
    issue('admin', { user: 'kubernetes-admin', groups: ['system:masters'] }),
    issue('controller-manager', { user: 'system:kube-controller-manager' }),
    issue('scheduler', { user: 'system:kube-scheduler' }),
    issue('kubelet', { user: `system:node:${settings.nodeName}`, groups: ['system:nodes'] }),
    issue('front-proxy-client', { user: 'front-proxy-client' }, frontProxyCa),
  ]);
}

async function writeAuthority(settings: Settings, name: string, commonName: string): Promise<Authority> {
  const keys = await newKeys();
  const certificate = unsigned(keys.publicKey);
  const subject = [{ name: 'commonName', value: commonName }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, digitalSignature: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  await write(settings, name, certificate, keys.privatePem);
  return { certificate, privateKey: keys.privateKey };
}

async function writeCertificate(
  settings: Settings,
  name: string,
  identity: Identity,
  authority: Authority,
): Promise<void> {
  const keys = await newKeys();
  const certificate = unsigned(keys.publicKey);
  certificate.setSubject([
    ...(identity.groups ?? []).map((group) => ({ name: 'organizationName', value: group })),
    { name: 'commonName', value: identity.user },
  ]);
  certificate.setIssuer(authority.certificate.subject.attributes);
  const altNames = [
    ...(identity.dnsNames ?? []).map((value) => ({ type: 2, value })),
    ...(identity.ips ?? []).map((ip) => ({ type: 7, ip })),
  ];
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', ...(altNames.length > 0 ? { serverAuth: true } : { clientAuth: true }) },
    ...(altNames.length > 0 ? [{ name: 'subjectAltName', altNames }] : []),
  ]);
  certificate.sign(authority.privateKey, forge.md.sha256.create());
  await write(settings, name, certificate, keys.privatePem);
}

async function writeServiceAccountKey(settings: Settings): Promise<void> {
  const pem = await newKeyPems();
  await writeFile(pkiFile(settings, 'sa.pub'), pem.publicKey);
  await writeFile(pkiFile(settings, 'sa.key'), pem.privateKey, { mode: 0o600 });
}

function unsigned(publicKey: forge.pki.rsa.PublicKey): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  // The leading 01 keeps the number positive and its encoding minimal whatever the random bytes are.
  certificate.serialNumber = `01${randomBytes(16).toString('hex')}`;
  // A day in the past, for clocks that were set back since.
  certificate.validity.notBefore = new Date(Date.now() - 86_400_000);
  certificate.validity.notAfter = new Date(Date.now() + lifetimeDays * 86_400_000);
  return certificate;
}

async function newKeys() {
  const pem = await newKeyPems();
  return {
    publicKey: forge.pki.publicKeyFromPem(pem.publicKey),
    privateKey: forge.pki.privateKeyFromPem(pem.privateKey),
    privatePem: pem.privateKey,
  };
}

/** node-forge signs with RSA only; node makes the keys, off this thread. */
function newKeyPems(): Promise<{ publicKey: string; privateKey: string }> {
  return promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
}

async function write(
  settings: Settings,
  name: string,
  certificate: forge.pki.Certificate,
  privatePem: string,
): Promise<void> {
  await writeFile(pkiFile(settings, `${name}.crt`), forge.pki.certificateToPem(certificate));
  await writeFile(pkiFile(settings, `${name}.key`), privatePem, { mode: 0o600 });
}
