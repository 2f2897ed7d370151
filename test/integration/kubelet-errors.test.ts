/** The message for each failure of a kubelet, tested against a real server that fails in this one way. */
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { KubeletAddress } from '../../src/cluster/address.ts';
import { createKubeletClient } from '../../src/kubelet/client.ts';
import type { KubeletTls } from '../../src/kubelet/http/kubelettls.ts';
import { explainFailure } from '../../src/kubelet/explain/explainfailure.ts';
import type { ExplanationCode } from '../../src/kubelet/explain/explanation.ts';
import { explainStatus } from '../../src/kubelet/explain/explainstatus.ts';
import { createAddressFallback } from '../../src/scrape/endpoint/addressfallback.ts';
import { type Issued, type IssueOptions, makeAuthority } from '../fakes/certificates.ts';
import { httpClientOf } from '../fakes/httpclient.ts';
import { createFakeKubelet, type FakeKubelet } from '../fakes/kubelet.ts';
import { listen } from '../fakes/listen.ts';

const httpClient = httpClientOf(import.meta.url);
const authority = makeAuthority('kubelets');
const dayMs = 24 * 60 * 60_000;
const node = 'node-a';

interface Setting {
  readonly host?: string;
  readonly tls?: Partial<KubeletTls>;
  readonly timeoutMs?: number;
}

/** Fetches from the port, and returns the outcome in words. */
async function explained(port: number, { host = '127.0.0.1', tls, timeoutMs = 30_000 }: Setting = {}) {
  const trust: KubeletTls = { ca: authority.cert, cert: undefined, key: undefined, insecure: false, ...tls };
  await using client = createKubeletClient({
    tls: () => trust,
    authorization: async () => 'Bearer good',
    plainHttp: false,
    httpClient,
    requestTimeoutMs: timeoutMs,
  });
  const request = { node, host, port, path: '/metrics/cadvisor', accept: 'text/plain', gzip: true, alternatives: 0 };
  try {
    return explainStatus(node, await client.fetch(request, new AbortController().signal));
  } catch (error) {
    return explainFailure(error);
  }
}

/** Serves while it is looked at. */
async function against(
  server: Server,
  setting: Setting,
  look: (result: ReadResult, address: string) => void,
): Promise<void> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    // The client hangs up on most of these servers.
    socket.on('error', () => {});
  });
  const port = await listen(server, 0);
  try {
    look(await explained(port, setting), `${setting.host ?? '127.0.0.1'}:${port}`);
  } finally {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
}

type ReadResult = Awaited<ReturnType<typeof explained>>;

/** The server leads to this explanation, which names the node and the address. */
function check(
  name: string,
  makeServer: () => Server,
  code: ExplanationCode,
  what: RegExp,
  remedy: RegExp,
  setting: Setting = {},
): void {
  test(`${name} is ${code}`, () =>
    against(makeServer(), setting, (result, address) => {
      assert.equal(result.code, code, JSON.stringify(result));
      assert.ok(result.what.includes(node) && result.what.includes(address), result.what);
      assert.match(result.what, what);
      assert.match(result.remedy ?? '', remedy);
      // Library words are for searching, not instead of ours.
      assert.doesNotMatch(result.what, /openssl|altnames|--use-system-ca/i);
    }));
}

/** An HTTPS server with a certificate of our authority that is good but for the given. */
function kubeletWith(certificate: Partial<IssueOptions> | Issued, options: ServerOptions = {}): Server {
  const issued =
    'cert' in certificate
      ? certificate
      : authority.issue({ cn: node, dns: [node], ips: ['127.0.0.1'], usages: ['server'], ...certificate });
  return quiet(createHttpsServer({ ...issued, ...options }, (_, response) => response.end('ok')));
}

/** A client that does not like a certificate is what these servers are for. */
function quiet<T extends Server>(server: T): T {
  return server.on('tlsClientError', () => {});
}

/** Answers whatever comes first with a fatal TLS alert, and hangs up. */
function alerting(description: number): Server {
  const record = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, description]);
  return createTcpServer((socket) => socket.once('data', () => socket.end(record)));
}

test('the server that all others differ from is fine', () =>
  against(kubeletWith({}), {}, (result) => assert.match(result.what, /returned 200: ok$/)));

describe('who answered is verified by', () => {
  const checkVerified = (by: string, certificate: Partial<IssueOptions>, insecure = false) =>
    void test(`${by}${insecure ? ', if that is asked for' : ''}`, async () => {
      const server = kubeletWith(certificate);
      const port = await listen(server, 0);
      await using client = createKubeletClient({
        tls: () => ({ ca: insecure ? undefined : authority.cert, cert: undefined, key: undefined, insecure }),
        authorization: async () => undefined,
        plainHttp: false,
        httpClient,
        requestTimeoutMs: 30_000,
      });
      const request = { node, host: '127.0.0.1', port, path: '/', accept: 'text/plain', gzip: false, alternatives: 0 };
      const { verifiedBy, address, via } = await client.fetch(request, new AbortController().signal);
      assert.deepEqual({ verifiedBy, address, via }, { verifiedBy: by, address: `127.0.0.1:${port}`, via: 'kubelet' });
      server.close();
    });
  checkVerified('address', {});
  checkVerified('node-name', { ips: [] });
  checkVerified('nothing', {}, true);
});

describe('a certificate', () => {
  const bootstrap = /serverTLSBootstrap: true.*kubectl get csr.*kubectl certificate approve/;
  check(
    'that names neither the IP address nor the node',
    () => kubeletWith({ cn: 'node-b', ips: [], dns: ['node-b'] }),
    'CertificateNamesNeither',
    /neither that address nor the node's name: it names DNS:node-b \(/,
    new RegExp(`${bootstrap.source}.*--kubelet-preferred-address-types`),
  );
  check(
    'without any SAN',
    () => kubeletWith({ cn: 'node-b', ips: [], dns: [] }),
    'CertificateNamesNeither',
    /no subject alternative names/,
    bootstrap,
  );
  check(
    'of another CA',
    () => kubeletWith({}),
    'UnknownAuthority',
    /signed by a CA that is not trusted/,
    /--kubelet-certificate-authority/,
    { tls: { ca: makeAuthority('other').cert } },
  );
  check(
    'of another CA of the same name',
    () => kubeletWith({}),
    'UnknownAuthority',
    /signed by a CA that is not trusted/,
    /--kubelet-certificate-authority/,
    { tls: { ca: makeAuthority('kubelets').cert } },
  );
  check(
    'that signed itself',
    () => {
      const { cert, key } = makeAuthority(node);
      return quiet(createHttpsServer({ cert, key }));
    },
    'UnknownAuthority',
    /self-signed/,
    bootstrap,
  );
  check(
    'that the kubelet made with a CA of its own',
    () => {
      const own = makeAuthority(`${node}-ca@1795377592`);
      const { cert, key } = own.issue({ cn: `${node}@1795377592`, dns: [node], usages: ['server'] });
      return quiet(createHttpsServer({ cert: `${cert}${own.cert}`, key }));
    },
    'UnknownAuthority',
    /a CA that it sent along/,
    bootstrap,
  );
  check(
    'of yesterday',
    () => kubeletWith({ notBefore: new Date(Date.now() - 2 * dayMs), notAfter: new Date(Date.now() - dayMs) }),
    'CertificateExpired',
    /has expired/,
    /kubectl get csr/,
  );
  check(
    'of tomorrow',
    () => kubeletWith({ notBefore: new Date(Date.now() + dayMs) }),
    'CertificateNotYetValid',
    /not valid yet by our clock/,
    /NTP/,
  );
  check(
    'for clients',
    () => kubeletWith({ usages: ['client'] }),
    'CertificateNotForServers',
    /not a server certificate/,
    /server auth/,
  );
  const weakly = { ciphers: 'DEFAULT@SECLEVEL=0', maxVersion: 'TLSv1.2' } as const;
  for (const rsaBits of [512, 1024]) {
    check(
      `with RSA of ${rsaBits} bits`,
      () => kubeletWith({ rsaBits }, weakly),
      'WeakKey',
      /the certificate of the kubelet .* has a key that is too weak \(EE certificate key too weak\)|a key is weak, too large/,
      /RSA of 2048 bits/,
    );
  }
  check(
    'with RSA of 512 bits and TLS 1.3, for which such a key can sign nothing,',
    () => kubeletWith({ rsaBits: 512 }, { ciphers: 'DEFAULT@SECLEVEL=0' }),
    'NoCommonTls',
    /no TLS version or cipher suite/,
    /RSA of 2048 bits/,
  );
  const weakAuthority = makeAuthority('weak', {}, { rsaBits: 1024 });
  check(
    'of a CA with RSA of 1024 bits',
    () => kubeletWith(weakAuthority.issue({ cn: node, dns: [node], usages: ['server'] }), weakly),
    'WeakKey',
    /CA certificate key too weak/,
    /RSA of 2048 bits/,
    { tls: { ca: weakAuthority.cert } },
  );
  const oldAuthority = makeAuthority('old', {}, { hash: 'sha1' });
  check(
    'that is signed with SHA-1',
    () => kubeletWith(oldAuthority.issue({ cn: node, dns: [node], usages: ['server'] }), weakly),
    'WeakKey',
    /signed with a hash that is too weak/,
    /SHA-256/,
    { tls: { ca: oldAuthority.cert } },
  );
  check(
    'of ours that is weak',
    () => kubeletWith({}),
    'WeakKey',
    /our client certificate for the kubelet/,
    /--kubelet-client-certificate/,
    { tls: authority.issue({ cn: 'us', rsaBits: 1024 }) },
  );
});

describe('a handshake', () => {
  check(
    'that ends as that of a kubelet whose serving CSR is pending',
    () => alerting(80),
    'ServingCertificatePending',
    /"tls: internal error".*signing request is not approved/,
    /kubectl get csr.*Pending.*kubectl certificate approve <name>/,
  );
  for (const [alert, description] of [
    ['bad certificate', 42],
    ['certificate expired', 45],
    ['certificate unknown', 46],
    ['unknown CA', 48],
    ['certificate required', 116],
  ] as const) {
    check(
      `that ends with the alert ${alert}`,
      () => alerting(description),
      'ClientCertificateRefused',
      /our client certificate/,
      /authentication\.x509\.clientCAFile/,
    );
  }
  check(
    'with TLS 1.1',
    () => kubeletWith({}, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    'NoCommonTls',
    /no TLS version or cipher suite in common/,
    /tlsMinVersion/,
  );
  check('without a common cipher suite', () => alerting(40), 'NoCommonTls', /cipher suite/, /tlsCipherSuites/);
  check(
    'with a server for plain HTTP',
    () => createHttpServer((_, response) => response.end('ok')),
    'NotTls',
    /does not speak TLS/,
    /--kubelet-use-node-status-port/,
  );
  check(
    'with one that accepts and says nothing',
    () => createTcpServer(),
    'ConnectTimeout',
    /no connection within 1000 ms/,
    /NetworkPolicies/,
    { timeoutMs: 1_000 },
  );
  check(
    'with one that resets the connection',
    () => createTcpServer((socket) => socket.resetAndDestroy()),
    'ConnectionLost',
    /closed the connection before its response was complete/,
    /restart/,
  );
});

describe('an answer', () => {
  const certificate = () => authority.issue({ cn: node, ips: ['127.0.0.1'], usages: ['server'] });
  check(
    'that is not HTTP',
    () => quiet(createTlsServer(certificate(), (socket) => void socket.on('error', () => {}).end('hello\r\n\r\n'))),
    'NotHttp',
    /does not speak HTTP/,
    /--kubelet-port/,
  );
  check(
    'that never comes',
    () => quiet(createHttpsServer(certificate(), () => {})),
    'Timeout',
    /no response within 1000 ms/,
    /--kubelet-request-timeout/,
    { timeoutMs: 1_000 },
  );
  check(
    'that ends before it began',
    () => quiet(createHttpsServer(certificate(), ({ socket }) => socket.destroy())),
    'ConnectionLost',
    /closed the connection before its response was complete/,
    /restart/,
  );
  test('that is not gzip although it says so is BodyBroken', () =>
    against(
      quiet(
        createHttpsServer(certificate(), (_, response) =>
          response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip'),
        ),
      ),
      {},
      (result, address) => {
        assert.equal(result.code, 'BodyBroken', JSON.stringify(result));
        assert.ok(result.what.includes(address));
      },
    ));
});

describe('an address', () => {
  test('where nothing listens is ConnectionRefused', async () => {
    const server = createTcpServer();
    const port = await listen(server, 0);
    await new Promise((resolve) => server.close(resolve));
    const result = await explained(port);
    assert.equal(result.code, 'ConnectionRefused');
    assert.equal(
      result.what,
      `nothing listens at 127.0.0.1:${port}, the address of the kubelet of node node-a (ECONNREFUSED)`,
    );
    assert.match(result.remedy ?? '', /check whether the kubelet runs; .*--kubelet-use-node-status-port/);
  });

  test('that is an unknown name is NameUnknown', async () => {
    // A label of more than 63 characters cannot be in the DNS, so that no resolver is asked: tests stay on loopback, and do not wait for one.
    const result = await explained(10250, { host: `${'long-'.repeat(13)}name.invalid` });
    assert.equal(result.code, 'NameUnknown', JSON.stringify(result));
    assert.match(result.what, /the name in (long-)+name\.invalid:10250, .* node node-a/);
    assert.match(result.remedy ?? '', /InternalIP.*--kubelet-preferred-address-types/);
  });
});

describe('a kubelet that answers', () => {
  let kubelet: FakeKubelet;
  let known = true;
  before(async () => {
    const certificate = authority.issue({ cn: node, ips: ['127.0.0.1'], usages: ['server'] });
    kubelet = await createFakeKubelet({ certificate, accepts: () => known });
  });
  after(() => kubelet.close());

  const checkStatus = (status: number, code: ExplanationCode, what: RegExp, remedy: RegExp | undefined) =>
    void test(`${status} is ${code}`, async () => {
      kubelet.faults.cadvisor = status;
      const result = await explained(kubelet.port);
      assert.equal(result.code, code);
      assert.ok(result.what.startsWith(`the kubelet of node node-a at 127.0.0.1:${kubelet.port} returned ${status}`));
      assert.match(result.what, what);
      if (remedy === undefined) assert.equal(result.remedy, undefined);
      else assert.match(result.remedy ?? '', remedy);
    });
  checkStatus(
    403,
    'Forbidden',
    /user=standin/,
    /allow the ServiceAccount of --kubelet-service-account, or without it ours, to get nodes\/metrics .*resources: \[nodes\/metrics\], verbs: \[get\]/,
  );
  checkStatus(404, 'NotFound', /404 page not found$/, undefined);
  checkStatus(500, 'ServerError', /failed to list pod stats/, undefined);
  checkStatus(302, 'UnexpectedStatus', /returned 302/, undefined);

  test('401 is Unauthorized', async () => {
    known = false;
    const result = await explained(kubelet.port);
    assert.equal(result.code, 'Unauthorized');
    assert.match(result.what, /returned 401: Unauthorized$/);
    assert.match(result.remedy ?? '', /authentication\.webhook\.enabled: true/);
  });
});

test('credentials that OpenSSL cannot read are no fault of the kubelet', async () => {
  const result = await explained(1, { tls: { ca: authority.cert, cert: 'no PEM', key: 'no PEM' } });
  assert.equal(result.code, 'Other');
  assert.match(result.what, /^no request was sent to the kubelet of node node-a at 127\.0\.0\.1:1: /);
});

test('a key that is not that of its certificate is explained by what to check', async () => {
  const [{ cert }, { key }] = [authority.issue({ cn: 'one' }), authority.issue({ cn: 'other' })];
  assert.match(
    (await explained(1, { tls: { cert, key } })).what,
    /mismatch \(the key is not that of the certificate: check/,
  );
});

test('a credential file that cannot be read is reported once, whatever addresses the node has', async () => {
  let reads = 0;
  const tls = () => {
    reads += 1;
    throw new Error('cannot read --kubelet-client-key /nowhere; is the file mounted?');
  };
  const authorization = () => undefined;
  await using client = createKubeletClient({
    tls,
    authorization,
    plainHttp: false,
    httpClient,
    requestTimeoutMs: 30_000,
  });
  const at = [1, 2].map((port) => ({ host: '127.0.0.1', port })) as [KubeletAddress, KubeletAddress];
  const request = { node, path: '/metrics/cadvisor', accept: 'text/plain', gzip: true };
  const failure: unknown = await createAddressFallback(client)
    .fetch(at, request, new AbortController().signal)
    .catch((error: unknown) => error);
  assert.equal(
    explainFailure(failure).what,
    'no request was sent to the kubelet of node node-a at 127.0.0.1:1: cannot read --kubelet-client-key /nowhere; is the file mounted?',
  );
  assert.equal(reads, 1);
});
