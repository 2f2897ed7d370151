/** A kubelet that is reached by way of kube-apiserver: what is asked of whom, with which credentials, and what is said when it fails. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import type { ApiServer } from '../../src/client/apiserver.ts';
import { createKubeletClient, type KubeletClient, type KubeletResponse } from '../../src/kubelet/client.ts';
import { explainFailure } from '../../src/kubelet/explain/explainfailure.ts';
import type { Explanation, ExplanationCode } from '../../src/kubelet/explain/explanation.ts';
import { explainStatus } from '../../src/kubelet/explain/explainstatus.ts';
import { createKubeletProxy, proxyCandidate } from '../../src/kubelet/proxy.ts';
import { createKubeletReader } from '../../src/scrape/endpoint/kubeletreader.ts';
import { createTarget } from '../../src/scrape/source/target.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createFakeKubelet, type FakeKubelet } from '../fakes/kubelet.ts';
import { listen } from '../fakes/listen.ts';

const node = 'node-a';
const authority = makeAuthority('kubelets');
let kubelet: FakeKubelet;
let apiServer: FakeApiServer;
let accepted = "kube-apiserver's";

before(async () => {
  kubelet = await createFakeKubelet({
    certificate: authority.issue({ cn: node, ips: ['127.0.0.1'], usages: ['server'] }),
    accepts: (token) => token === accepted,
    now: () => Date.parse('2026-11-22T21:54:07Z'),
  });
  const gone = await createFakeKubelet({ certificate: authority.issue({ cn: 'gone' }), accepts: () => true });
  await gone.close();
  const token = "kube-apiserver's";
  apiServer = await createFakeApiServer({
    kubelets: new Map([
      [node, { port: kubelet.port, ca: authority.cert, token }],
      ['node-gone', { port: gone.port, ca: authority.cert, token }],
    ]),
  });
});

after(async () => {
  await apiServer.close();
  await kubelet.close();
});

afterEach(() => {
  accepted = "kube-apiserver's";
  kubelet.faults.cadvisor = 'none';
  apiServer.faults.answer = undefined;
});

interface Asking {
  readonly node?: string;
  readonly path?: string;
  readonly gzip?: boolean;
  readonly signal?: AbortSignal;
}

function ask(client: KubeletClient, asking: Asking = {}): Promise<KubeletResponse> {
  const request = { node, path: '/metrics/cadvisor', accept: 'text/plain', gzip: false, alternatives: 0, ...asking };
  return client.fetch({ ...request, host: 'not-asked', port: 1 }, asking.signal ?? new AbortController().signal);
}

function proxyBy(connection: ApiServer, requestTimeoutMs = 30_000): KubeletClient {
  return createKubeletProxy({ apiServer: connection, requestTimeoutMs });
}

test('a node is scraped so, filtered, and its kubelet does not see our credentials', async () => {
  await using client = proxyBy(apiServer.connection);
  const clock = createFakeClock(Date.now());
  const target = createTarget({
    reader: createKubeletReader(node, client, clock),
    mode: 'auto',
    expectations: { isRunning: () => false, anyUnreported: () => false },
    clock,
  });
  const candidates = { kind: 'candidates', candidates: [proxyCandidate(apiServer.url)] } as const;
  const outcome = await target.scrape({ candidates, resourcePath: undefined }, new AbortController().signal);
  assert.equal(outcome.kind, 'scraped', JSON.stringify(outcome));
  const outer = apiServer.requests.at(-1);
  assert.equal(outer?.path, `/api/v1/nodes/${node}/proxy/metrics/cadvisor`);
  assert.equal(outer?.headers.authorization, 'Bearer fake');
  const inner = kubelet.requests.at(-1);
  assert.equal(inner?.path, '/metrics/cadvisor');
  assert.ok(inner?.names.includes('container_cpu_usage_seconds_total'));
  assert.match(inner?.accept ?? '', /application\/vnd\.google\.protobuf/);
  assert.equal(inner?.acceptEncoding, 'gzip');
  assert.equal(inner?.authorization, "Bearer kube-apiserver's");
});

test('the answer is the whole one of the kubelet, with its clock, as by the direct way', async () => {
  await using client = proxyBy(apiServer.connection);
  await using direct = createKubeletClient({
    tls: () => ({ ca: authority.cert, cert: undefined, key: undefined, insecure: false }),
    authorization: async () => "Bearer kube-apiserver's",
    plainHttp: false,
    requestTimeoutMs: 30_000,
  });
  for (const gzip of [false, true]) {
    const { via, address, verifiedBy, ...answer } = await ask(client, { gzip });
    const request = {
      node,
      host: '127.0.0.1',
      port: kubelet.port,
      path: '/metrics/cadvisor',
      accept: 'text/plain',
      gzip,
      alternatives: 0,
    };
    const straight = await direct.fetch(request, new AbortController().signal);
    assert.deepEqual(
      { via, address, verifiedBy },
      { via: 'apiserver', address: new URL(apiServer.url).host, verifiedBy: 'apiserver' },
    );
    assert.deepEqual([straight.via, straight.address], ['kubelet', `127.0.0.1:${kubelet.port}`]);
    assert.deepEqual(answer, {
      status: straight.status,
      contentType: straight.contentType,
      dateMs: Date.parse('2026-11-22T21:54:07Z'),
      body: straight.body,
      wireBytes: straight.wireBytes,
    });
    assert.equal(answer.wireBytes < answer.body.length, gzip);
  }
});

test('the URL of kube-apiserver may have a path, and a path of a node stays within its proxy', async () => {
  await using client = proxyBy({ ...apiServer.connection, url: `${apiServer.url}/k8s/clusters/c-1/` });
  apiServer.faults.answer = () => 500;
  for (const [path, expected] of [
    ['/metrics/resource', '/metrics/resource'],
    ['/../../../../../../api/v1/secrets', '/api/v1/secrets'],
    ['/%2e%2e/%2E./secrets', '/secrets'],
    ['//elsewhere/metrics', '/metrics'],
  ] as const) {
    await ask(client, { path });
    assert.equal(apiServer.requests.at(-1)?.path, `/k8s/clusters/c-1/api/v1/nodes/${node}/proxy${expected}`);
  }
});

test('nodes do not wait for each other, and connections are used again', async () => {
  await using client = proxyBy(apiServer.connection, 20_000);
  const hung = new AbortController();
  kubelet.faults.cadvisor = 'hang';
  const waiting = ask(client, { signal: hung.signal });
  const others = Array.from({ length: 50 }, () => ask(client, { path: '/metrics/resource' }));
  for (const answer of await Promise.all(others)) assert.equal(answer.status, 200);
  hung.abort(new Error('the server stops'));
  await assert.rejects(waiting, /given up, the server stops/);
});

test('credentials that kube-apiserver refuses are read anew for the next time', async () => {
  let refreshed = 0;
  await using client = proxyBy({ ...apiServer.connection, refresh: () => (refreshed += 1) });
  apiServer.faults.answer = () => 401;
  await ask(client);
  assert.equal(refreshed, 1);
});

test('other TLS material is used for new connections, and what is not verified is not called so', async () => {
  let material = apiServer.connection.tls();
  await using client = proxyBy({ ...apiServer.connection, tls: () => material });
  assert.equal((await ask(client)).verifiedBy, 'apiserver');
  material = { ca: makeAuthority('other').cert, rejectUnauthorized: true };
  await assert.rejects(ask(client));
  material = { rejectUnauthorized: false };
  assert.equal((await ask(client)).verifiedBy, 'nothing');
});

test('an API server over plain HTTP verifies no kubelet', async () => {
  const plain = createServer((_, response) => response.end('ok'));
  const port = await listen(plain, 0);
  await using client = proxyBy({ ...apiServer.connection, url: `http://127.0.0.1:${port}` });
  assert.equal((await ask(client)).verifiedBy, 'nothing');
  plain.closeAllConnections();
  plain.close();
});

describe('the explanation of a failure names the server that responded', () => {
  async function explained(
    asking: Asking = {},
    timeoutMs = 30_000,
    connection = apiServer.connection,
  ): Promise<Explanation> {
    await using client = proxyBy(connection, timeoutMs);
    try {
      return explainStatus(asking.node ?? node, await ask(client, asking));
    } catch (error) {
      return explainFailure(error);
    }
  }

  function check(explanation: Explanation, code: ExplanationCode, what: RegExp, remedy: RegExp | undefined): void {
    assert.equal(explanation.code, code, JSON.stringify(explanation));
    assert.match(explanation.what, what);
    if (remedy === undefined) assert.equal(explanation.remedy, undefined);
    else assert.match(explanation.remedy ?? '', remedy);
  }

  test('403 of kube-apiserver names the right, and what it amounts to', async () => {
    apiServer.faults.answer = () => 403;
    check(
      await explained(),
      'Forbidden',
      /^kube-apiserver at 127\.0\.0\.1:\d+ returned 403 for the kubelet of node node-a: the fake answers 403/,
      /allow our ServiceAccount to get nodes\/proxy .*resources: \[nodes\/proxy\], verbs: \[get\].*root on the nodes.*components\/kubelet-proxy/,
    );
  });

  test('401 of kube-apiserver is about our credentials', async () => {
    apiServer.faults.answer = () => 401;
    check(await explained(), 'Unauthorized', /^kube-apiserver at .* returned 401/, /our credentials/);
  });

  test('401 of the kubelet is about those of kube-apiserver', async () => {
    accepted = 'something else';
    check(
      await explained(),
      'Unauthorized',
      /^the kubelet of node node-a \(through kube-apiserver at .*\) returned 401: Unauthorized$/,
      /--kubelet-client-certificate of kube-apiserver/,
    );
  });

  test('403 of the kubelet, too', async () => {
    kubelet.faults.cadvisor = 403;
    check(await explained(), 'Forbidden', /^the kubelet of node node-a .* returned 403/, /system:kubelet-api-admin/);
  });

  test('a node that kube-apiserver does not know', async () => {
    check(await explained({ node: 'node-x' }), 'NotFound', /nodes "node-x" not found$/, undefined);
  });

  test('a kubelet that kube-apiserver does not reach', async () => {
    apiServer.faults.answer = undefined;
    const explanation = await explained({ node: 'node-gone' });
    assert.match(
      explanation.what,
      /^kube-apiserver at .* returned 503 for the kubelet of node node-gone: error trying to reach service: /,
    );
  });

  test('a kubelet that hangs', async () => {
    kubelet.faults.cadvisor = 'hang';
    check(
      await explained({}, 300),
      'Timeout',
      /no response within 300 ms from the kubelet of node node-a \(through/,
      /overloaded/,
    );
  });

  test('a kube-apiserver that is not there', async () => {
    const connection = { ...apiServer.connection, url: 'https://127.0.0.1:1' };
    check(
      await explained({}, 30_000, connection),
      'ConnectionRefused',
      /^kube-apiserver at 127\.0\.0\.1:1, .*, cannot be reached: connect ECONNREFUSED/,
      undefined,
    );
  });
});
