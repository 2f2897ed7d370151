/** The flags of k8s.io/apiserver that say how to serve, as OpenShift gives them to metrics-server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { Issued } from '../fakes/certificates.ts';
import { openConnection1 } from '../fakes/http1client.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { until } from '../fakes/until.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const admin = 'X-Remote-User: admin\r\nX-Remote-Group: system:masters\r\n';
const alice = 'X-Remote-User: alice\r\n';
const get = (path: string, lines = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${lines}\r\n`;

async function start(flags: readonly string[]): Promise<{ cluster: WholeCluster; frontProxy: Issued }> {
  const cluster = await startWholeCluster(flags);
  await until('it listens', () => cluster.apiServer.requests.length > 0);
  const frontProxy = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  const endMs = performance.now() + 120_000;
  for (;;) {
    using connection = await openConnection1(cluster.port, frontProxy);
    if ((await connection.ask(get('/version', admin))).status === 200) return { cluster, frontProxy };
    assert.ok(performance.now() < endMs, 'it does not become ready');
  }
}

/** The protocol and the key exchange of a connection, or the error that it ended with. */
async function shake(port: number, options: ConnectionOptions): Promise<{ protocol: unknown; curve: unknown }> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  const failed = once(socket, 'error').then(([error]: Error[]) => error?.message);
  const connected = once(socket, 'secureConnect').then(() => undefined);
  connected.catch(() => undefined);
  failed.catch(() => undefined);
  const error = await Promise.race([failed, connected]);
  const { name } = socket.getEphemeralKeyInfo() as { readonly name?: string };
  const seen = { protocol: error ?? socket.alpnProtocol, curve: name };
  socket.destroy();
  return seen;
}

describe('--disable-http2-serving, --tls-curve-preferences and --shutdown-send-retry-after', () => {
  let cluster: WholeCluster;
  let frontProxy: Issued;

  before(async () => {
    ({ cluster, frontProxy } = await start([
      '--disable-http2-serving',
      '--tls-curve-preferences=24,CurveP256',
      '--shutdown-send-retry-after',
    ]));
  });
  after(() => cluster[Symbol.asyncDispose]());

  test('only HTTP/1.1 is offered', async () => {
    const both = await shake(cluster.port, { ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(both.protocol, 'http/1.1');
    assert.equal((await shake(cluster.port, {})).protocol, false);
    const none = await shake(cluster.port, { ALPNProtocols: ['h2'] });
    assert.match(String(none.protocol), /no application protocol/i);
  });

  test('only those curves are accepted', async () => {
    assert.equal((await shake(cluster.port, { ecdhCurve: 'X25519:P-256' })).curve, 'prime256v1');
    assert.equal((await shake(cluster.port, { ecdhCurve: 'P-384' })).curve, 'secp384r1');
    assert.match(String((await shake(cluster.port, { ecdhCurve: 'X25519' })).protocol), /handshake failure/i);
  });

  test('while the server drains, new requests get 429, except health, metrics and kube-apiserver', async () => {
    const [slow, idle, other, probe, metrics, apiServer] = await Promise.all(
      Array.from({ length: 6 }, () => openConnection1(cluster.port, frontProxy)),
    );
    assert.ok(slow && idle && other && probe && metrics && apiServer);
    const connections = [slow, idle, other, probe, metrics, apiServer];
    // Until everything below is done; the shutdown has to wait for it.
    const review = Promise.withResolvers<object>();
    cluster.apiServer.reviews.access = () => review.promise;
    assert.equal((await idle.ask(get('/version', admin))).status, 200);
    const before = cluster.apiServer.requests.length;
    const waiting = slow.ask(get('/version', alice));
    await until('it is reviewed', () => cluster.apiServer.requests.length > before);
    const stopped = cluster.stop();
    let refused = await other.ask(get('/livez', admin));
    while (refused.status !== 429) {
      // A new connection each time: a refusal ends its own.
      using connection = await openConnection1(cluster.port, frontProxy);
      refused = await connection.ask(get('/version', admin));
    }
    assert.equal(refused.text, 'The apiserver is shutting down, please try again later.\n');
    assert.equal(refused.headers.get('retry-after'), '5');
    assert.equal(refused.headers.get('connection'), 'close');
    assert.equal((await idle.ask(get('/version', admin))).status, 429);
    assert.equal((await probe.ask(get('/readyz', admin))).status, 500);
    assert.equal((await metrics.ask(get('/metrics', admin))).status, 200);
    assert.equal((await apiServer.ask(get('/version', `${admin}User-Agent: kube-apiserver/v1\r\n`))).status, 200);
    review.resolve({ allowed: false });
    assert.equal((await waiting).status, 403);
    await stopped;
    for (const connection of connections) connection[Symbol.dispose]();
  });
});

describe('--goaway-chance', () => {
  test('ends HTTP/2 connections now and then, after the response', async () => {
    const { cluster } = await start(['--goaway-chance=0.02']);
    await using _cluster = cluster;
    // The odds of none in so many are 1 to 10^17.
    let left = 2_000;
    const seen = { goaway: false };
    const certificate = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
    const session = await openSession(cluster.port, certificate);
    session.once('goaway', () => (seen.goaway = true));
    for (; left > 0 && !seen.goaway; left -= 1) {
      const answer = await ask2(session, '/livez', { 'x-remote-user': 'admin' }).catch((error: Error) => error);
      // GOAWAY may cross a request, which the server then refuses before it begins.
      if (answer instanceof Error) assert.match(answer.message, /REFUSED_STREAM/);
      else assert.equal(answer.status, 200);
    }
    assert.ok(seen.goaway, 'no GOAWAY');
    session.destroy();
  });
});
