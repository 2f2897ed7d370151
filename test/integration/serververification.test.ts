/** Which certificates of kubelets, kube-apiserver and identity providers are believed: Go's rules, over real TLS. */
import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import { describe, test } from 'node:test';
import { createOidcToken } from '../../src/client/oidc.ts';
import { createRestClient } from '../../src/client/rest.ts';
import { systemClock as clock } from '../../src/clock.ts';
import { createKubeletClient } from '../../src/kubelet/client.ts';
import { createKubeletProxy } from '../../src/kubelet/proxy.ts';
import { slowCurveSpki } from '../fakes/hostilekeys.ts';
import { listen } from '../fakes/listen.ts';
import {
  alternativeNames,
  type Algorithm,
  anyUsage,
  basicConstraints,
  clientAuth,
  ecKeys,
  extendedKeyUsage,
  extension,
  generalName,
  type KeyPair,
  keyUsage,
  nameConstraints,
  octets,
  pemOf,
  type RawCertificate,
  rawCertificate,
  rsaKeys,
  rsaSpki,
  serverAuth,
  spkiOf,
} from '../fakes/rawcertificates.ts';

const keys = { root: rsaKeys(), intermediate: ecKeys(), leaf: ecKeys() };
const loopback = generalName(7, Buffer.from([127, 0, 0, 1]));
const [names, forServers] = [alternativeNames(loopback), extendedKeyUsage(serverAuth)];
const keyCertSign = 0x04;
const ca = [basicConstraints(true), keyUsage(keyCertSign)];

function certificate(
  subject: string,
  issuer: string,
  of: KeyPair,
  signer: KeyObject,
  more: Partial<RawCertificate> = {},
): Buffer {
  const algorithm: Algorithm = signer.asymmetricKeyType === 'rsa' ? 'rsa-sha256' : 'ecdsa-sha256';
  return rawCertificate({ subject, issuer, spki: spkiOf(of), signer, algorithm, ...more });
}

const root = (more: Partial<RawCertificate> = {}) =>
  certificate('root', 'root', keys.root, keys.root.privateKey, { extensions: ca, ...more });
const intermediate = (more: Partial<RawCertificate> = {}) =>
  certificate('intermediate', 'root', keys.intermediate, keys.root.privateKey, { extensions: ca, ...more });
const leaf = (more: Partial<RawCertificate> = {}) =>
  certificate('node-a', 'intermediate', keys.leaf, keys.intermediate.privateKey, {
    extensions: [names, forServers],
    ...more,
  });
const direct = (more: Partial<RawCertificate> = {}) =>
  certificate('node-a', 'root', keys.leaf, keys.root.privateKey, { extensions: [names, forServers], ...more });

interface Case {
  /** The chain that the server shows, its own certificate first. */
  readonly shown: readonly Buffer[];
  readonly trusted: readonly Buffer[];
}

type Ask = (port: number, trusted: string) => Promise<void>;

const clients: ReadonlyMap<string, Ask> = new Map<string, Ask>([
  ['a kubelet', askKubelet('built-in')],
  ['a kubelet by undici', askKubelet('undici')],
  [
    'kube-apiserver',
    async (port, trusted) => {
      await using client = createRestClient({
        url: `https://127.0.0.1:${port}`,
        tls: () => ({ ca: trusted, rejectUnauthorized: true }),
        authorization: () => 'Bearer secret',
      });
      await client.get('/');
    },
  ],
  [
    'kube-apiserver, for a watch',
    async (port, trusted) => {
      await using client = createRestClient({
        url: `https://127.0.0.1:${port}`,
        tls: () => ({ ca: trusted, rejectUnauthorized: true }),
        authorization: () => 'Bearer secret',
      });
      const { body } = await client.stream('/');
      body.resume();
    },
  ],
  [
    'an identity provider',
    async (port, trusted) => {
      const config = {
        'idp-issuer-url': `https://127.0.0.1:${port}`,
        'idp-certificate-authority-data': Buffer.from(trusted).toString('base64'),
        'client-id': 'kubernetes',
        'refresh-token': 'secret',
      };
      // The server here has no discovery document.
      await createOidcToken({ config, clock, log: undefined })(AbortSignal.timeout(10_000)).catch((error: Error) => {
        if (!error.message.includes('has no OpenID discovery document')) throw error;
      });
    },
  ],
  [
    'kube-apiserver, for its node proxy',
    async (port, trusted) => {
      await using client = createKubeletProxy({
        apiServer: {
          url: `https://127.0.0.1:${port}`,
          tls: () => ({ ca: trusted, rejectUnauthorized: true }),
          authorization: () => 'Bearer secret',
        },
        requestTimeoutMs: 10_000,
      });
      await client.fetch(kubeletRequest(port), new AbortController().signal);
    },
  ],
]);

const kubeletRequest = (port: number) => ({
  node: 'node-a',
  host: '127.0.0.1',
  port,
  path: '/',
  accept: '*/*',
  gzip: false,
  alternatives: 0,
});

function askKubelet(httpClient: 'built-in' | 'undici'): Ask {
  return async (port, trusted) => {
    await using client = createKubeletClient({
      tls: () => ({ ca: trusted, cert: undefined, key: undefined, insecure: false }),
      authorization: () => 'Bearer secret',
      plainHttp: false,
      requestTimeoutMs: 10_000,
      httpClient,
    });
    await client.fetch(kubeletRequest(port), new AbortController().signal);
  };
}

/** Reports whether the client asks a server with these certificates; if it does not, nothing may have been sent. */
async function isBelieved(ask: Ask, { shown, trusted }: Case): Promise<boolean> {
  let requests = 0;
  const server: Server = createServer(
    {
      cert: shown.map(pemOf).join(''),
      key: keys.leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      // Or it would not load what it is to show.
      ciphers: 'DEFAULT@SECLEVEL=0',
    },
    (_request, response) => {
      requests += 1;
      response.setHeader('content-type', 'application/json').end('{}');
    },
  );
  server.on('tlsClientError', () => undefined);
  const port = await listen(server, 0);
  try {
    const error = await ask(port, trusted.map(pemOf).join('')).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    assert.equal(error === undefined, requests > 0, String(error));
    return error === undefined;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const unknown = (critical: boolean) => extension('1.2.3.4.5', octets(Buffer.from('x')), critical);
const outside = generalName(7, Buffer.from([10, 0, 0, 0, 255, 0, 0, 0]));
const inside = generalName(7, Buffer.from([127, 0, 0, 0, 255, 0, 0, 0]));
const withCa = (...more: readonly Buffer[]) => ({ extensions: [...ca, ...more] });
const past = { notBefore: new Date(Date.now() - 2e9), notAfter: new Date(Date.now() - 1e9) };

const believed: Readonly<Record<string, () => Case>> = {
  'that the CA signed': () => ({ shown: [direct()], trusted: [root()] }),
  'that came with its intermediate': () => ({ shown: [leaf(), intermediate()], trusted: [root()] }),
  'whose intermediate is the CA, alone': () => ({ shown: [leaf()], trusted: [intermediate()] }),
  'whose intermediate is the CA, and is shown too': () => ({
    shown: [leaf(), intermediate()],
    trusted: [intermediate()],
  }),
  'that is trusted itself': () => {
    const itself = leaf();
    return { shown: [itself], trusted: [itself] };
  },
  'without usages': () => ({ shown: [direct({ extensions: [names] })], trusted: [root()] }),
  'with an unknown extension': () => ({ shown: [direct({ extensions: [names, unknown(false)] })], trusted: [root()] }),
  'within the name constraints': () => ({
    shown: [leaf(), intermediate(withCa(nameConstraints([inside])))],
    trusted: [root()],
  }),
  'behind a CA of path length 0': () => ({
    shown: [leaf(), intermediate({ extensions: [basicConstraints(true, 0)] })],
    trusted: [root()],
  }),
  'of a CA whose own signature is SHA-1': () => ({ shown: [direct()], trusted: [root({ algorithm: 'rsa-sha1' })] }),
};

const refused: Readonly<Record<string, () => Case>> = {
  'of another CA': () => ({ shown: [direct()], trusted: [certificate('root', 'root', ecKeys(), ecKeys().privateKey)] }),
  'without its intermediate': () => ({ shown: [leaf()], trusted: [root()] }),
  'that has only a common name': () => ({ shown: [direct({ extensions: [forServers] })], trusted: [root()] }),
  'for another address': () => ({
    shown: [direct({ subject: '127.0.0.1', extensions: [alternativeNames(generalName(2, 'node-b'))] })],
    trusted: [root()],
  }),
  // Go believes it; OpenSSL does not read any usage as this one.
  'for any usage, which does not name servers': () => ({
    shown: [direct({ extensions: [names, extendedKeyUsage(anyUsage)] })],
    trusted: [root()],
  }),
  'for clients': () => ({ shown: [direct({ extensions: [names, extendedKeyUsage(clientAuth)] })], trusted: [root()] }),
  'of a CA for clients': () => ({
    shown: [leaf(), intermediate(withCa(extendedKeyUsage(clientAuth)))],
    trusted: [root()],
  }),
  'that expired': () => ({ shown: [direct(past)], trusted: [root()] }),
  'of a CA that expired': () => ({ shown: [leaf(), intermediate({ extensions: ca, ...past })], trusted: [root()] }),
  'with an unknown critical extension': () => ({
    shown: [direct({ extensions: [names, unknown(true)] })],
    trusted: [root()],
  }),
  'of a CA with an unknown critical extension': () => ({
    shown: [leaf(), intermediate(withCa(unknown(true)))],
    trusted: [root()],
  }),
  'outside of the name constraints': () => ({
    shown: [leaf(), intermediate(withCa(nameConstraints([outside])))],
    trusted: [root()],
  }),
  'that the name constraints exclude': () => ({
    shown: [leaf(), intermediate(withCa(nameConstraints([], [inside])))],
    trusted: [root()],
  }),
  'outside of the name constraints of the trusted CA': () => ({
    shown: [direct()],
    trusted: [root({ extensions: [...ca, nameConstraints([outside])] })],
  }),
  'of an intermediate below a path length of 0': () => ({
    shown: [leaf(), intermediate()],
    trusted: [root({ extensions: [basicConstraints(true, 0), keyUsage(keyCertSign)] })],
  }),
  'of an intermediate that is no CA': () => ({
    shown: [leaf(), intermediate({ extensions: [basicConstraints(false)] })],
    trusted: [root()],
  }),
  'of an intermediate that may not sign': () => ({
    shown: [leaf(), intermediate({ extensions: [basicConstraints(true), keyUsage(0x80)] })],
    trusted: [root()],
  }),
  'that is signed with SHA-1': () => ({ shown: [direct({ algorithm: 'rsa-sha1' })], trusted: [root()] }),
  'that is signed with MD5': () => ({ shown: [direct({ algorithm: 'rsa-md5' })], trusted: [root()] }),
  'of an intermediate that is signed with SHA-1': () => ({
    shown: [leaf(), intermediate({ algorithm: 'rsa-sha1' })],
    trusted: [root()],
  }),
  'of a CA that is itself signed with SHA-1, and not trusted': () => ({
    shown: [leaf({ algorithm: 'ecdsa-sha1' }), intermediate()],
    trusted: [root()],
  }),
  'with the signature of another CA': () => ({
    shown: [certificate('node-a', 'root', keys.leaf, rsaKeys().privateKey, { extensions: [names] })],
    trusted: [root()],
  }),
};

for (const [who, ask] of clients) {
  describe(`a certificate of ${who}`, () => {
    for (const [what, make] of Object.entries(believed)) {
      test(`${what} is believed`, async () => assert.ok(await isBelieved(ask, make())));
    }
    for (const [what, make] of Object.entries(refused)) {
      test(`${what} is refused, and is sent no token`, async () => assert.ok(!(await isBelieved(ask, make()))));
    }
  });
}

for (const [who, ask] of clients) {
  describe(`a certificate of ${who} that OpenSSL would take long to decode`, () => {
    const costly: Readonly<Record<string, Buffer>> = {
      'a key on a curve of its own': slowCurveSpki(),
      'an RSA key of 16,384 bits': rsaSpki(16_384),
    };
    for (const [what, spki] of Object.entries(costly)) {
      test(`is refused before OpenSSL sees it, beside a chain that is good: ${what}`, async () => {
        const good = { shown: [leaf(), intermediate()], trusted: [root()] };
        const extra = rawCertificate({ subject: 'a', issuer: 'b', spki, extensions: ca });
        assert.ok(await isBelieved(ask, good));
        assert.ok(!(await isBelieved(ask, { ...good, shown: [...good.shown, extra] })));
      });
    }
  });
}

test('a kubelet may be known by the name of its node, but not by its common name', async () => {
  const ask = clients.get('a kubelet') ?? assert.fail();
  const named = alternativeNames(generalName(2, 'node-a'));
  assert.ok(await isBelieved(ask, { shown: [direct({ extensions: [named] })], trusted: [root()] }));
  assert.ok(!(await isBelieved(ask, { shown: [direct({ subject: 'node-a', extensions: [] })], trusted: [root()] })));
});
