/** Certificates of clients and kubelets that are costly to verify, or that Go would refuse. */
import { createPrivateKey, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeAuthority } from '../../fakes/certificates.ts';
import * as raw from '../../fakes/rawcertificates.ts';
import type { Attack, AttackContext } from '../attack.ts';
import { answerWith, type HostileKubelet } from '../hostilekubelet.ts';
import { exchange, request, statusOf } from '../stranger.ts';

const target = 'auth/certificatechain.ts';
const nodes = '/apis/metrics.k8s.io/v1beta1/nodes';
const handshakes = 10;

interface Client {
  readonly cert: string;
  readonly key: string;
}

/** A leaf with a key of its own, and certificates that come with it. */
function client(certificate: Omit<raw.RawCertificate, 'spki' | 'subject'>, others: readonly Buffer[] = []): Client {
  const keys = raw.ecKeys();
  const leaf = raw.rawCertificate({
    subject: 'mallory',
    extensions: [raw.extendedKeyUsage(raw.clientAuth)],
    ...certificate,
    spki: raw.spkiOf(keys),
  });
  return {
    cert: [leaf, ...others].map(raw.pemOf).join(''),
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const caExtensions = [raw.basicConstraints(true), raw.keyUsage(0x04)];

/** As many intermediates of one name, each with such a key, as fit: the leaf could be signed by any of them, and they by each other. */
function heavyChain(bits: number, count: number): Client {
  const exponent = Buffer.concat([Buffer.from([0x7f]), randomBytes(6), Buffer.from([1])]);
  const signed = { algorithm: 'rsa-sha256', signatureBytes: bits / 8 } as const;
  const intermediates = Array.from({ length: count }, () =>
    raw.rawCertificate({
      subject: 'heavy',
      issuer: 'heavy',
      spki: raw.rsaSpki(bits, exponent),
      extensions: caExtensions,
      ...signed,
    }),
  );
  return client({ issuer: 'heavy', ...signed }, intermediates);
}

/** Each signed by the next, and the last in the name of the client CA: OpenSSL finds a chain to a trusted root, and verifies all of it. */
function trustedName(bits: number, count: number, { clientCa }: AttackContext): Client {
  const signed = { algorithm: 'rsa-sha256', signatureBytes: bits / 8 } as const;
  const exponent = Buffer.concat([Buffer.from([0x7f]), randomBytes(6), Buffer.from([1])]);
  const intermediates = Array.from({ length: count }, (_, at) =>
    raw.rawCertificate({
      subject: `heavy ${at}`,
      issuer: at + 1 === count ? subjectOf(clientCa.cert) : `heavy ${at + 1}`,
      spki: raw.rsaSpki(bits, exponent),
      extensions: caExtensions,
      ...signed,
    }),
  );
  return client({ issuer: 'heavy 0', ...signed }, intermediates);
}

/** A chain as long as OpenSSL takes it, each certificate well signed by the next. */
function longChain(length: number): Client {
  const all = Array.from({ length }, () => raw.ecKeys());
  const others = all.map((keys, at) =>
    raw.rawCertificate({
      subject: `link ${at}`,
      issuer: `link ${at + 1}`,
      spki: raw.spkiOf(keys),
      extensions: caExtensions,
      signer: (all[at + 1] ?? keys).privateKey,
    }),
  );
  return client({ issuer: 'link 0', ...(all[0] === undefined ? {} : { signer: all[0].privateKey }) }, others);
}

/** The certificate is made once, since it takes long. */
function shakes(name: string, make: (context: AttackContext) => Client): Attack {
  let certificate: Client | undefined;
  return {
    name: `a stranger comes ${handshakes} times with ${name}`,
    target,
    prepare: (context) => void (certificate ??= make(context)),
    async run(context) {
      const seen = new Set<number>();
      for (let time = 0; time < handshakes; time += 1)
        seen.add(statusOf(await exchange(context, request(nodes), certificate)));
      if (seen.has(200)) throw new Error('the stranger was let in');
      return `answered by ${[...seen].join(', ')} (0 is a refused handshake)`;
    },
  };
}

/** Certificates of the cluster's own CA: the first is good and shows that the others are refused for what they are. */
async function badExtensions(context: AttackContext): Promise<string> {
  const { cert, key } = context.clientCa;
  const signer = createPrivateKey(key);
  const issuer = subjectOf(cert);
  const usage = raw.extendedKeyUsage(raw.clientAuth);
  const dayMs = 86_400_000;
  const make = (more: Partial<raw.RawCertificate>) => client({ issuer, signer, extensions: [usage], ...more });
  const { status: good } = await ask(make({}));
  if (good !== 403) throw new Error(`a good certificate without rights gets status ${good}`);
  const bad: Readonly<Record<string, Partial<raw.RawCertificate>>> = {
    'an unknown critical extension': { extensions: [usage, raw.extension('1.2.3.4', Buffer.from([5, 0]), true)] },
    'a usage for servers only': { extensions: [raw.extendedKeyUsage(raw.serverAuth)] },
    'a SHA-1 signature': { algorithm: 'ecdsa-sha1' },
    'an expired end': { notAfter: new Date(Date.now() - dayMs) },
    'a beginning in the future': { notBefore: new Date(Date.now() + dayMs) },
    'an extension twice': { extensions: [usage, usage] },
    'a broken extended key usage': { extensions: [raw.extension('2.5.29.37', Buffer.from([0x30, 5, 6]))] },
    'a signature of random bytes': { signer: undefined as never },
    'another algorithm outside than inside': { outerAlgorithm: raw.sequence(raw.oid('1.2.840.10045.4.3.3')) },
  };
  const seen: string[] = [];
  for (const [name, more] of Object.entries(bad)) {
    const { status } = await ask(make(more));
    // 0 and 400 where the handshake is refused already.
    if (![0, 400, 401].includes(status)) throw new Error(`a certificate with ${name} gets status ${status}`);
    seen.push(`${name}: ${status}`);
  }
  return `refused ${seen.length}`;

  async function ask(certificate: Client): Promise<{ readonly status: number }> {
    return { status: statusOf(await exchange(context, request(nodes), certificate)) };
  }
}

/** The Name as forge writes it for a common name. */
function subjectOf(pem: string): Buffer {
  const text = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const id = raw.oid('2.5.4.3');
  const at = text.lastIndexOf(id);
  const length = text[at + id.length + 1] ?? 0;
  const attribute = text.subarray(at, at + id.length + 2 + length);
  return raw.sequence(raw.der(0x31, raw.sequence(attribute)));
}

/** A kubelet whose certificate is not one for the node gets no request, and so no token. */
async function kubeletWithout(context: AttackContext): Promise<string> {
  const { clientCa, addKubelet, askAsAdmin, signal } = context;
  const kubelets: HostileKubelet[] = [];
  for (const certificate of [
    clientCa.issue({ cn: '127.0.0.1', usages: ['server'] }),
    clientCa.issue({ cn: 'hostile-cn', usages: ['server'] }),
    makeAuthority('strangers').issue({ cn: '127.0.0.1', ips: ['127.0.0.1'], usages: ['server'] }),
    clientCa.issue({ cn: 'hostile', dns: ['other'], usages: ['server'] }),
  ]) {
    const name = kubelets.length === 1 ? { name: 'hostile-cn' } : {};
    kubelets.push(await addKubelet({ ...name, certificate, onRequest: (socket) => void socket.write(answerWith('')) }));
  }
  for (const { node } of kubelets) {
    for (;;) {
      signal.throwIfAborted();
      const { nodes: reports } = JSON.parse((await askAsAdmin(`/status?node=${node}`)).text) as {
        nodes: readonly { error?: { message: string } }[];
      };
      if (reports[0]?.error !== undefined) break;
      await sleep(50);
    }
  }
  const asked = kubelets.filter(({ requests }) => requests.length > 0);
  if (asked.length > 0) throw new Error(`${asked.length} kubelets without a good certificate were asked`);
  return `${kubelets.length} kubelets were asked nothing`;
}

export const attacks: readonly Attack[] = [
  shakes('20 intermediates of RSA-16384', () => heavyChain(16_384, 20)),
  shakes('20 intermediates of RSA-16384 in the name of the client CA', (context) => trustedName(16_384, 20, context)),
  shakes('8 intermediates of RSA-8192', () => heavyChain(8_192, 8)),
  shakes('4 intermediates of RSA-32768', () => heavyChain(32_768, 4)),
  shakes('a chain of 90 certificates', () => longChain(90)),
  { name: 'certificates of the client CA that Go refuses are refused', target, run: badExtensions },
  {
    name: 'kubelets whose certificate is not one for their node want the token',
    target: 'kubelet/http/kubelettls.ts',
    run: kubeletWithout,
  },
];
