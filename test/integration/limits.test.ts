/** The program at its limits and at its shutdown, over the wire. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Issued } from '../fakes/certificates.ts';
import { openConnection1 } from '../fakes/http1client.ts';
import { ask2, askLines2, keepInUse, openSession } from '../fakes/http2client.ts';
import {
  endHeaders,
  endStream,
  frameType,
  headerBlock,
  openRawHttp2,
  requestLine,
  status200,
} from '../fakes/rawhttp2.ts';
import { until } from '../fakes/until.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const M = '/apis/metrics.k8s.io/v1beta1';
const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
/** A user whose rights need a review. */
const alice = { 'x-remote-user': 'alice', 'x-remote-group': 'dev' };
const text = 'text/plain; charset=utf-8';
let cluster: WholeCluster;
let frontProxy: Issued;
let proxied: ClientHttp2Session;

before(async () => {
  cluster = await startWholeCluster(['--max-requests-inflight=3', '--shutdown-delay-duration=5s']);
  frontProxy = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  cluster.apiServer.reviews.access = ({ user }) => ({ allowed: user === 'alice', reason: '' });
  // It asks for nothing before it listens.
  await until('it listens', () => cluster.apiServer.requests.length > 0);
  proxied = await openSession(cluster.port, frontProxy);
  keepInUse(proxied, admin);
  const deadlineMs = performance.now() + 120_000;
  while ((await ask2(proxied, '/version', admin)).status !== 200) assert.ok(performance.now() < deadlineMs);
});

after(async () => {
  proxied.destroy();
  await cluster[Symbol.asyncDispose]();
});

/** Sends bytes over TLS with HTTP/1.1 and returns the connection and all that came back so far. */
async function tls1(options: ConnectionOptions = {}): Promise<{ socket: TLSSocket; received: () => string }> {
  const socket = connectTls({ port: cluster.port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  let received = '';
  socket.on('error', () => undefined);
  socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
  return { socket, received: () => received };
}

test('the first answer to a new connection by HTTP/1.1 does not wait until the client has acknowledged the handshake', async () => {
  const tookMs: number[] = [];
  // Linux acknowledges after 40 ms; one that took less is enough, because the machine may be busy.
  const isOnce = () => tookMs.some((ms) => ms < 35);
  for (let index = 0; index < 300 && !isOnce(); index += 1) {
    using connection = await openConnection1(cluster.port, frontProxy);
    const startedMs = performance.now();
    // Only what takes a moment, such as a review, comes after the handshake's last bytes.
    await connection.ask(`GET /metrics?${index} HTTP/1.1\r\nHost: x\r\nX-Remote-User: stranger-${index}\r\n\r\n`);
    tookMs.push(performance.now() - startedMs);
  }
  assert.ok(isOnce(), tookMs.map(Math.round).join(' '));
});

test('a client that half-closes after its request gets the response, also one that needs a review', async () => {
  cluster.apiServer.faults.delayMs = 300;
  for (const [path, user, status] of [
    ['/version', 'admin\r\nX-Remote-Group: system:masters', '200 OK'],
    [`${M}/nodes?halfclose`, 'alice', '200 OK'],
  ] as const) {
    const { socket, received } = await tls1(frontProxy);
    socket.end(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-Remote-User: ${user}\r\n\r\n`);
    await once(socket, 'close');
    assert.ok(received().startsWith(`HTTP/1.1 ${status}`), `${path}: ${received().slice(0, 200)}`);
  }
  cluster.apiServer.faults.delayMs = 0;
});

// Users have two of the three.
describe('requests beyond the limit in flight', () => {
  let held: Promise<unknown>[];
  let release: () => void;
  before(async () => {
    const released = Promise.withResolvers<void>();
    ({ resolve: release } = released);
    const { access } = cluster.apiServer.reviews;
    cluster.apiServer.reviews.access = async (spec) => {
      await released.promise;
      return access(spec);
    };
    cluster.apiServer.faults.delayMs = 300;
    const isReview = ({ path }: { path: string }) => path.endsWith('subjectaccessreviews');
    const before = cluster.apiServer.requests.filter(isReview).length;
    held = ['/one', '/two'].map((path) => ask2(proxied, path, alice));
    await until('two are under way', () => cluster.apiServer.requests.filter(isReview).length === before + 2);
  });
  after(async () => {
    cluster.apiServer.faults.delayMs = 0;
    release();
    await Promise.all(held);
  });

  test('are refused with Retry-After, except those of cluster admins and for health', async () => {
    const [refused, mine, health] = await Promise.all([
      ask2(proxied, '/three', alice),
      ask2(proxied, '/version', admin),
      ask2(proxied, '/livez', alice),
    ]);
    assert.equal(refused.status, 429);
    assert.equal(refused.text, 'Too many requests, please try again later.\n');
    assert.equal(refused.headers['retry-after'], '1');
    assert.equal(refused.headers['content-type'], text);
    assert.equal(refused.headers['x-content-type-options'], 'nosniff');
    assert.equal(mine.status, 200);
    assert.equal(health.status, 200);
  });

  test('are answered when others have ended, also when their clients have cancelled them', async () => {
    release();
    await Promise.all(held);
    const aborted = ['/four', '/five'].map((path) => proxied.request({ ':path': path, ...alice }));
    aborted.forEach((stream) => stream.on('error', () => undefined).close());
    let served = 0;
    for (let tries = 0; served !== 404 && tries < 1000; tries += 1)
      ({ status: served } = await ask2(proxied, '/one', alice));
    assert.equal(served, 404);
  });
});

describe('health', () => {
  test('is two bytes for every caller and method', async () => {
    for (const path of ['/healthz', '/livez']) {
      for (const method of ['GET', 'POST', 'HEAD']) {
        const answer = await ask2(proxied, path, { ...admin, ':method': method });
        assert.equal(answer.status, 200);
        assert.equal(answer.text, method === 'HEAD' ? '' : 'ok');
        assert.equal(answer.headers['content-length'], '2', method);
        assert.equal(answer.headers['content-type'], text);
        assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      }
    }
  });

  test('is reported without its excluded checks', async () => {
    const { text: report } = await ask2(proxied, '/livez?verbose&exclude=ping&exclude=log&exclude=zzz', admin);
    assert.match(report, /^\[\+\]ping excluded: ok\n\[\+\]log excluded: ok\n/);
    assert.match(report, /\nwarn: some health checks cannot be excluded: no matches for "zzz"\nlivez check passed\n$/);
  });

  test('of a single check needs the right, and has no nosniff header when it is ok', async () => {
    const { status, text: body, headers } = await ask2(proxied, '/healthz/ping', admin);
    assert.deepEqual([status, body, headers['x-content-type-options']], [200, 'ok', undefined]);
    assert.equal((await ask2(proxied, '/healthz/ping', { 'x-remote-user': 'mallory' })).status, 403);
    assert.equal((await ask2(proxied, '/healthz/nope', admin)).status, 404);
  });
});

describe('strangers', () => {
  test('get one response and GOAWAY over HTTP/2, without and with bad credentials', async () => {
    for (const headers of [{}, { authorization: 'Bearer bad' }]) {
      const session = await openSession(cluster.port);
      const goaway = once(session, 'goaway');
      const closed = once(session, 'close');
      assert.equal((await ask2(session, `${M}/nodes`, headers)).status, 'authorization' in headers ? 401 : 403);
      assert.equal((await goaway)[0], 0);
      await closed;
    }
  });

  /** Answered before the user is known: method, path, status, a header. */
  const early = [
    ['OPTIONS', '*', 200],
    ['GET', '/%zz', 400],
    ['GET', `/${'a'.repeat(65_536)}`, 414],
    ['CONNECT', undefined, 405],
    ['GET', '/livez', 417, ['expect', 'x']],
  ] as const;

  test('get one response and GOAWAY over HTTP/2, also to what is answered without authentication', async () => {
    for (const [method, path, status, ...headers] of early) {
      const session = await openSession(cluster.port);
      const closed = once(session, 'close');
      const lines = [
        [':method', method],
        [':authority', 'x'],
        ...(path === undefined ? [] : schemeAndPath(path)),
        ...headers,
      ] as const;
      assert.equal((await askLines2(session, lines)).status, status);
      await closed;
    }
  });

  test('do not end the connection of a front proxy by what is answered without authentication', async () => {
    const gone = { goaway: false };
    proxied.once('goaway', () => (gone.goaway = true));
    for (const [method, path, status, ...headers] of early) {
      const lines = [
        [':method', method],
        [':authority', 'x'],
        ...(path === undefined ? [] : schemeAndPath(path)),
        ...headers,
      ] as const;
      assert.equal((await askLines2(proxied, lines)).status, status);
    }
    assert.equal((await ask2(proxied, '/version', admin)).status, 200);
    assert.equal(gone.goaway, false);
  });

  function schemeAndPath(path: string) {
    return [
      [':scheme', 'https'],
      [':path', path],
    ] as const;
  }

  test('keep their connection over HTTP/1.1', async () => {
    const { socket, received } = await tls1();
    for (const count of [1, 2]) {
      socket.write(`GET ${M}/nodes HTTP/1.1\r\nHost: x\r\n\r\n`);
      await until('it is answered', () => received().split('HTTP/1.1 403').length === count + 1);
    }
    socket.destroy();
  });

  test('are authenticated callers behind a front proxy', async () => {
    assert.equal((await ask2(proxied, `${M}/nodes`, { 'x-remote-user': 'mallory' })).status, 403);
    assert.equal((await ask2(proxied, '/version', admin)).status, 200);
  });
});

describe('input that is not a request', () => {
  test('HTTP without TLS is answered by a sentence', async () => {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const socket = connectTcp(cluster.port, '127.0.0.1');
      let received = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
      socket.write(`${method} / HTTP/1.1\r\nHost: x\r\n\r\n`);
      await once(socket, 'close');
      assert.equal(received, 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n');
    }
  });

  test('headers beyond 1 MiB are 431', async () => {
    const { socket, received } = await tls1();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
    for (let sent = 0; sent < 17 && !socket.destroyed; sent += 1) socket.write(`X-${sent}: ${'x'.repeat(65_536)}\r\n`);
    await until('it is answered', () => received() !== '');
    assert.match(received(), /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
    socket.destroy();
  });

  test('headers of almost 1 MiB are read over HTTP/2, and longer ones reset their stream only', async () => {
    using connection = await openRawHttp2(cluster.port, frontProxy);
    const block = (count: number) =>
      headerBlock([
        ...requestLine('/version'),
        ...Object.entries(admin),
        ...Array.from({ length: count }, (_, index): [string, string] => [`x-${index}`, 'x'.repeat(60_000)]),
      ]);
    const answers = (stream: number) => connection.received.filter((frame) => frame.stream === stream);
    connection.send(frameType.headers, endHeaders | endStream, 1, block(17));
    const tooLarge = block(18);
    connection.send(frameType.headers, endStream, 3, tooLarge.subarray(0, 1_000_000));
    connection.send(frameType.continuation, endHeaders, 3, tooLarge.subarray(1_000_000));
    connection.send(frameType.headers, endHeaders | endStream, 5, block(0));
    await until('all are answered', () => [1, 3, 5].every((stream) => answers(stream).length > 0));
    assert.equal(answers(1)[0]?.payload[0], status200);
    const [reset] = answers(3);
    assert.deepEqual(
      [reset?.type, reset?.payload.readUInt32BE()],
      [frameType.reset, constants.NGHTTP2_ENHANCE_YOUR_CALM],
    );
    assert.equal(answers(5)[0]?.payload[0], status200);
  });

  test('answers that are not read do not block others on the same connection', async () => {
    using connection = await openRawHttp2(cluster.port, frontProxy);
    const noWindow = Buffer.from([0, 4, 0, 0, 0, 0]);
    connection.send(frameType.settings, 0, 0, noWindow);
    const answered = (stream: number) =>
      connection.received.find((frame) => frame.stream === stream && frame.type !== frameType.data);
    const count = 99;
    const ask = (index: number, path: string) =>
      connection.send(
        frameType.headers,
        endHeaders | endStream,
        2 * index + 1,
        headerBlock([...requestLine(path), ...Object.entries(admin)]),
      );
    for (let index = 0; index < count; index += 1) ask(index, '/openapi/v2');
    await until('all wait', () => answered(2 * count - 1) !== undefined);
    ask(count, '/version');
    await until('it is answered', () => answered(2 * count + 1) !== undefined);
    assert.equal(answered(2 * count + 1)?.type, frameType.headers);
  });

  test('random bytes are 400', async () => {
    const { socket, received } = await tls1();
    socket.write('rubbish\r\n\r\n');
    await once(socket, 'close');
    assert.equal(
      received(),
      'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request',
    );
  });
});

test('no TLS session is resumed', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { minVersion: version, maxVersion: version, ...frontProxy };
    const { socket, received } = await tls1(options);
    let session: Buffer | undefined = socket.getSession();
    socket.on('session', (next: Buffer) => (session = next));
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('it is answered', () => received() !== '');
    socket.destroy();
    const again = await tls1({ ...options, ...(session === undefined ? {} : { session }) });
    assert.equal(again.socket.isSessionReused(), false, version);
    again.socket.destroy();
  }
});

test('after SIGTERM the server is not ready, but serves for the delay, then sends GOAWAY', async () => {
  const goaway = once(proxied, 'goaway');
  const stopped = cluster.stop();
  const ready = await ask2(proxied, '/readyz', { 'x-remote-user': 'mallory' });
  assert.equal(ready.status, 500);
  assert.equal(ready.headers['content-type'], text);
  assert.equal(ready.headers['x-content-type-options'], 'nosniff');
  assert.match(ready.text, /\n\[-\]shutdown failed: reason withheld\nreadyz check failed\n$/);
  assert.match(
    (await ask2(proxied, '/readyz', alice)).text,
    /\n\[-\]shutdown failed: process is shutting down \(ShuttingDown: /,
  );
  assert.equal((await ask2(proxied, '/livez', admin)).status, 200);
  assert.equal((await ask2(proxied, `${M}/nodes`, admin)).status, 200);
  assert.equal((await goaway)[0], 0);
  await stopped;
});
