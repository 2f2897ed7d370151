/** Clients share the event loop: connections are read and requests are served in turns, however many one client sends at once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo, Socket, TcpNetConnectOpts } from 'node:net';
import { describe, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { createOpenConnections } from '../../src/server/openconnections.ts';
import { setUpConnections } from '../../src/server/connectionsetup.ts';
import { sliceBytes } from '../../src/server/headslices.ts';
import { createReadGate } from '../../src/server/readgate.ts';
import { iterationBudgetMs } from '../../src/eventloopqueue.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';

const own = makeAuthority('server').issue({ cn: 'server', ips: ['127.0.0.1'], usages: ['server'] });

/** Starts an HTTP/2 server that answers with the path and records it. */
async function start(added: AsyncDisposableStack, handle: (path: string) => void = () => undefined) {
  const served: string[] = [];
  const server = createSecureServer({ ...own, allowHTTP1: true, requestCert: true, rejectUnauthorized: false, ca: [] });
  server.on('request', ({ url }, response) => {
    handle(url);
    served.push(url);
    response.end(url);
  });
  added.defer(() => void server.close());
  return { server, served };
}

async function listen(server: Http2SecureServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

type Origin = Pick<TcpNetConnectOpts, 'localAddress'>;

async function open(port: number, added: AsyncDisposableStack, origin: Origin = {}): Promise<ClientHttp2Session> {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, ...origin });
  session.on('error', () => undefined);
  added.defer(() => session.destroy());
  await once(session, 'remoteSettings');
  return session;
}

async function openHttp1(port: number, added: AsyncDisposableStack, origin: Origin): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...origin }).resume();
  socket.on('error', () => undefined);
  added.defer(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

async function get(session: ClientHttp2Session, path: string): Promise<string> {
  const stream = session.request({ ':path': path });
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** Holds the event loop. */
function spin(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

function setUp(server: Http2SecureServer) {
  const connections = createOpenConnections({ limit: 1000, limitPerAddress: 0, onClosed: () => undefined });
  return {
    connections,
    ...setUpConnections(server, { connections, maxConnectionAgeMs: 0, log: createRecordingLog().log }),
  };
}

describe('a read gate', () => {
  test('stops the connections of a group, and resumes them with all that they have sent', async () => {
    await using added = new AsyncDisposableStack();
    const { server, served } = await start(added);
    const groups = new WeakMap<object, string>();
    const sockets: Socket[] = [];
    const group = { next: 'strangers' };
    const gate = createReadGate(server, (socket) => groups.get(socket) ?? '');
    server.prependListener('secureConnection', (socket) => {
      sockets.push(socket);
      groups.set(socket, group.next);
    });
    const port = await listen(server);
    const stranger = await open(port, added);
    group.next = 'users';
    const user = await open(port, added);

    const [socket] = sockets;
    assert.ok(socket !== undefined);
    assert.deepEqual([gate.stop('strangers', socket), gate.stop('strangers', socket)], [true, false]);
    const waiting = get(stranger, '/stranger');
    // Each takes a round trip, so the stranger's request has arrived long before the last one.
    for (let count = 0; count < 10; count += 1) assert.equal(await get(user, '/user'), '/user');
    assert.equal(served.includes('/stranger'), false);

    gate.resume('strangers');
    assert.equal(await waiting, '/stranger');
    gate.resume('strangers');
  });
});

test('one iteration of the event loop reads few of the connections that send at once', async () => {
  await using added = new AsyncDisposableStack();
  const [sessions, streams] = [20, 40];
  const { server, served } = await start(added, () => spin(0.2));
  let created = 0;
  let most = 0;
  server.on('stream', () => (created += 1));
  setUp(server);
  const port = await listen(server);
  const clients = await Promise.all(Array.from({ length: sessions }, () => open(port, added)));
  let counting = true;
  const count = () => {
    most = Math.max(most, created);
    created = 0;
    if (counting) setImmediate(count);
  };
  count();
  for (const client of clients) {
    for (let stream = 0; stream < streams; stream += 1) client.request({ ':path': '/' }).resume();
  }
  await until('all are served', () => served.length === sessions * streams);
  counting = false;
  // What the budget allows to begin, and what one more read brings.
  const allowed = iterationBudgetMs / 0.2 + 2 * streams;
  assert.ok(most <= allowed, `${most} streams in one iteration, ${allowed} allowed`);
});

test('a stranger is read again although the stranger that made the server stop has many connections', async () => {
  await using added = new AsyncDisposableStack();
  const { server, served } = await start(added, () => spin(1));
  setUp(server);
  const port = await listen(server);
  const attacker = { localAddress: '127.0.0.2' };
  const [flood, single] = [await open(port, added, attacker), await open(port, added)];
  const others = await Promise.all(Array.from({ length: 100 }, () => openHttp1(port, added, attacker)));
  // Each slice has several requests, fewer than may be pipelined.
  const request = `GET /other HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(sliceBytes / 7)}\r\n\r\n`;
  for (const other of others) other.write(request.repeat(20));
  const answers = Array.from({ length: 40 }, () => get(flood, '/flood'));
  await until('the flood is served', () => served.includes('/flood'));
  const before = served.length;
  await get(single, '/single');
  const waited = served.indexOf('/single') - before;
  assert.ok(waited < 80, `served after ${waited} requests of another client`);
  await Promise.all(answers);
});

test('requests of one connection wait for those of others, also of the same network', async () => {
  await using added = new AsyncDisposableStack();
  const { server, served } = await start(added, () => spin(2));
  const { connections } = setUp(server);
  server.on('secureConnection', (socket) => connections.find(socket)?.markAuthenticated());
  const port = await listen(server);
  const [flood, single] = [await open(port, added), await open(port, added)];
  const answers = Array.from({ length: 60 }, () => get(flood, '/flood'));
  await until('some are served', () => served.length > 0);
  await get(single, '/single');
  const at = served.indexOf('/single');
  assert.ok(at < 40, `served after ${at} requests of another client`);
  await Promise.all(answers);
});
