/** Hostile clients: none is authenticated, and all other clients are served meanwhile. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { makeAuthority } from '../fakes/certificates.ts';
import { openConnection1 } from '../fakes/http1client.ts';
import { ask2, askLines2, keepInUse, openSession } from '../fakes/http2client.ts';
import { endHeaders, endStream, frameType, headerBlock, openRawHttp2, requestLine } from '../fakes/rawhttp2.ts';
import { until } from '../fakes/until.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const M = '/apis/metrics.k8s.io/v1beta1';
const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
/** Some hundred of anything are enough to show, and little enough to be quick. */
const many = 200;
/** Streams that a connection may have at a time. */
const streamLimit = 100;
const startLimitMs = 120_000;
let cluster: WholeCluster;
/** As kube-apiserver: it must be served whatever the others do. */
let victim: ClientHttp2Session;
const sockets: Socket[] = [];

before(async () => {
  cluster = await startWholeCluster([`--max-requests-inflight=${many / 2}`]);
  // An unknown user has no right at all; the fake knows no token either.
  cluster.apiServer.reviews.access = () => ({ allowed: false, reason: '' });
  // It asks for nothing before it listens.
  await until('it listens', () => cluster.apiServer.requests.length > 0);
  victim = await openSession(
    cluster.port,
    cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] }),
  );
  keepInUse(victim, admin);
  const endMs = performance.now() + startLimitMs;
  while ((await ask2(victim, '/readyz', admin)).status !== 200) {
    assert.ok(performance.now() < endMs, 'it does not become ready');
    await sleep(10);
  }
});

afterEach(async () => {
  const began = performance.now();
  assert.equal((await ask2(victim, `${M}/pods`, admin)).status, 200);
  assert.ok(performance.now() - began < servedWithinMs, 'others have to wait');
  for (const socket of sockets.splice(0)) socket.destroy();
});

after(async () => {
  victim.destroy();
  await cluster[Symbol.asyncDispose]();
});

/** Takes a few milliseconds; machines do other things too. */
const servedWithinMs = 8_000;

function tcp(): Socket {
  const socket = connectTcp(cluster.port, '127.0.0.1').on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

async function tls(options: { readonly cert?: string; readonly key?: string } = {}): Promise<TLSSocket> {
  const socket = connectTls({ port: cluster.port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'secureConnect');
  return socket;
}

/** With an error or without. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

describe('hostile credentials are refused', () => {
  const rogues = makeAuthority('rogues');
  const certificates = () => ({
    none: {},
    'of another CA': rogues.issue({ cn: 'front-proxy-client', o: ['system:masters'], usages: ['client'] }),
    'of a CA with the same name': makeAuthority('front proxies').issue({
      cn: 'front-proxy-client',
      usages: ['client'],
    }),
    'of the clients, but named as the front proxy': cluster.clients.issue({
      cn: 'front-proxy-client',
      usages: ['client'],
    }),
    'of the front proxies, but with another name': cluster.frontProxies.issue({ cn: 'mallory', usages: ['client'] }),
    'of the front proxies, but for servers': cluster.frontProxies.issue({
      cn: 'front-proxy-client',
      usages: ['server'],
    }),
    'of the front proxies, but expired': cluster.frontProxies.issue({
      cn: 'front-proxy-client',
      usages: ['client'],
      notAfter: new Date(Date.now() - 1000),
    }),
    'signed by itself': makeAuthority('front-proxy-client'),
  });
  const headers: readonly Record<string, string | string[]>[] = [
    admin,
    { 'X-Remote-User': 'admin', 'X-REMOTE-GROUP': 'system:masters' },
    { 'x-remote-user': 'admin', 'x-remote-group': ['x', 'system:masters'] },
    { 'x-remote-user': 'system:serviceaccount:kube-system:metrics', 'x-remote-extra-scopes': 'system:masters' },
    { authorization: 'Bearer x', ...admin },
    { 'impersonate-user': 'admin', 'impersonate-group': 'system:masters' },
  ];

  test("with any certificate but the front proxy's, whatever the headers", async () => {
    for (const [what, certificate] of Object.entries(certificates())) {
      for (const lines of headers) {
        const session = await openSession(cluster.port, certificate);
        const { status } = await ask2(session, `${M}/nodes`, lines);
        assert.ok(status === 401 || status === 403, `certificate ${what}, ${JSON.stringify(lines)}: ${status}`);
        session.destroy();
      }
    }
  });

  test('through the front proxy with a group that is not one of system:masters', async () => {
    for (const group of [
      'x, system:masters',
      'system:masters,x',
      'system:masters ,',
      'SYSTEM:MASTERS',
      'system:masters\t, x',
    ]) {
      const { status } = await ask2(victim, `${M}/nodes`, { 'x-remote-user': 'mallory', 'x-remote-group': group });
      assert.equal(status, 403, group);
    }
  });

  test('by a path that could be parsed in two ways', async () => {
    for (const path of [
      '/healthz/../metrics',
      '/livez%2f..%2fmetrics',
      '/healthz/%2e%2e/metrics',
      '//healthz/../metrics',
      '/healthz;/../metrics',
      '/metrics?/healthz',
      '/metrics#/healthz',
    ]) {
      const { status } = await ask2(victim, path, { 'x-remote-user': 'mallory' });
      assert.ok(status === 403 || status === 400, `${path}: ${status}`);
    }
  });

  test('by a header smuggled behind another request', async () => {
    const socket = await tls();
    let received = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
    socket.write(
      'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n' +
        `0\r\n\r\nGET ${M}/nodes HTTP/1.1\r\nHost: x\r\nX-Remote-User: admin\r\nX-Remote-Group: system:masters\r\n\r\n`,
    );
    await closed(socket);
    assert.match(received, /^HTTP\/1\.1 400 /);
    assert.doesNotMatch(received, / 200 /);
  });
});

describe('others are served beside', () => {
  test('connections that send nothing, or stop in their handshake', async () => {
    const connected = Array.from({ length: many }, (_, index) => {
      const socket = tcp();
      // The head of a TLS record that never comes.
      if (index % 2 === 0) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x40, 0x00]));
      return once(socket, 'connect');
    });
    await Promise.all(connected);
    assert.equal((await ask2(victim, `${M}/nodes`, admin)).status, 200);
  });

  test('slow loris: requests that never end', async () => {
    const slow = await Promise.all(Array.from({ length: many / 4 }, () => tls()));
    for (const socket of slow) socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
    for (let line = 0; line < 5; line += 1) {
      for (const socket of slow) socket.write(`X-${line}: a\r\n`);
      assert.equal((await ask2(victim, `${M}/nodes`, admin)).status, 200);
    }
  });

  test('sessions that do not read', async () => {
    using connection = await openRawHttp2(cluster.port, cluster.clients.issue({ cn: 'mallory', usages: ['client'] }));
    // No window for any answer.
    const noWindow = Buffer.from([0, 4, 0, 0, 0, 0]);
    connection.send(frameType.settings, 0, 0, noWindow);
    for (let index = 0; index < streamLimit; index += 1) {
      connection.send(frameType.headers, endHeaders | endStream, 2 * index + 1, headerBlock(requestLine(`${M}/nodes`)));
    }
    await until(
      'they are answered',
      () => connection.received.filter(({ type }) => type === frameType.headers).length === streamLimit,
    );
    const alice = await ask2(victim, `${M}/nodes`, { 'x-remote-user': 'alice' });
    assert.equal(alice.status, 403);
  });

  test('a flood of streams that are reset at once loses its connection', async () => {
    using connection = await openRawHttp2(cluster.port);
    const cancelled = Buffer.from([0, 0, 0, 8]);
    const block = headerBlock(requestLine('/healthz'));
    // Somewhat more than the burst that is forgiven.
    for (let index = 0; index < 1500; index += 1) {
      connection.send(frameType.headers, endHeaders | endStream, 2 * index + 1, block);
      connection.send(frameType.reset, 0, 2 * index + 1, cancelled);
    }
    await until('the connection ends', () => connection.socket.destroyed);
  });

  test('a flood of pings or settings', async () => {
    const floods: readonly [string, number, Buffer][] = [
      ['settings', frameType.settings, Buffer.alloc(0)],
      ['pings', frameType.ping, Buffer.alloc(8)],
    ];
    for (const [what, type, payload] of floods) {
      using connection = await openRawHttp2(cluster.port);
      for (let index = 0; index < 5000; index += 1) connection.send(type, 0, 0, payload);
      assert.equal((await ask2(victim, `${M}/nodes`, admin)).status, 200, what);
    }
  });

  test('headers without an end', async () => {
    using connection = await openRawHttp2(cluster.port);
    connection.send(frameType.headers, endStream, 1, headerBlock(requestLine('/healthz')));
    const piece = headerBlock([['x', 'x'.repeat(10_000)]]);
    for (let index = 0; index < many; index += 1) connection.send(frameType.continuation, 0, 1, piece);
    await until('the connection ends', () => connection.socket.destroyed);
  });

  test('more strangers than the limit in flight', async () => {
    // However slowly they arrive, reviews last until one is too many.
    const full = Promise.withResolvers<void>();
    const { access } = cluster.apiServer.reviews;
    cluster.apiServer.reviews.access = async (spec) => {
      await full.promise;
      return access(spec);
    };
    const ask = async (session: ClientHttp2Session, path: string) => {
      const { status } = await ask2(session, path);
      if (status === 429) full.resolve();
      return status;
    };
    const asked = Array.from({ length: 4 }, async (_, one) => {
      const session = await openSession(cluster.port);
      const statuses = await Promise.all(Array.from({ length: 100 }, (_, other) => ask(session, `/${one}/${other}`)));
      session.destroy();
      return statuses;
    });
    const [statuses, health, mine] = await Promise.all([
      Promise.all(asked),
      ask2(victim, '/readyz', admin),
      ask2(victim, `${M}/nodes`, admin),
    ]);
    cluster.apiServer.reviews.access = access;
    assert.deepEqual(new Set(statuses.flat()), new Set([403, 429]));
    assert.equal(health.status, 200, health.text);
    assert.equal(mine.status, 200);
  });

  test('tunnels, of clients that wait for a response and that do not', async () => {
    for (let index = 0; index < many / 10; index += 1) {
      const plain = tcp();
      const impatient = connectTls({ socket: plain, rejectUnauthorized: false }).on('error', () => undefined);
      await once(impatient, 'secureConnect');
      impatient.write('CONNECT /livez HTTP/1.1\r\nHost: x\r\n\r\n', () => plain.resetAndDestroy());
      await closed(plain);
    }
    using patient = await openConnection1(cluster.port);
    assert.equal((await patient.ask('CONNECT /livez HTTP/1.1\r\nHost: x\r\n\r\n')).status, 405);
    assert.equal(
      (
        await askLines2(victim, [
          [':method', 'CONNECT'],
          [':authority', 'x:1'],
        ])
      ).status,
      405,
    );
  });

  test('random bytes, before TLS and within', async () => {
    const kinds = [
      Buffer.alloc(20_000, 0xff),
      Buffer.from('SSH-2.0-x\r\n'),
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      Buffer.alloc(1),
      Buffer.alloc(100_000, 0x16),
    ];
    for (const bytes of kinds) {
      const plain = tcp();
      plain.resume().end(bytes);
      await closed(plain);
      const secure = await tls();
      secure.resume().end(bytes);
      await closed(secure);
    }
  });
});
