/** Limits of connections, and of responses that clients do not read. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, describe, mock, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { bodyFromPieces } from '../../src/server/streamedbody.ts';
import { createInFlightLimit } from '../../src/server/inflight.ts';
import { type CloseReason, createOpenConnections, type OpenConnections } from '../../src/server/openconnections.ts';
import { createRequestMetrics } from '../../src/server/requestmetrics.ts';
import { createServer, type Server } from '../../src/server/server.ts';
import { drainLimitMs, strangerWaitingBytesLimit, waitingBytesLimit } from '../../src/server/waitinglimits.ts';
import { createRegistry } from '../../src/monitoring.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { openConnection1 } from '../fakes/http1client.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { endHeaders, endStream, frameType, headerBlock, openRawHttp2, requestLine } from '../fakes/rawhttp2.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { knownByHeader, usualServerOptions } from '../fakes/serveroptions.ts';
import { until } from '../fakes/until.ts';
import { freePort } from '../fakes/wholecluster.ts';

const certificate = makeAuthority('server').issue({ cn: 'server', ips: ['127.0.0.1'], usages: ['server'] });
const known = { 'x-known': 'yes' };
/** Longer than the kernel's buffers for a client that does not read. */
const largeBytes = 16 * 1024 * 1024;

interface Rig {
  readonly port: number;
  readonly connections: OpenConnections;
  readonly closed: readonly CloseReason[];
}

const clients: Socket[] = [];
let server: Server | undefined;

afterEach(async () => {
  for (const socket of clients.splice(0)) socket.destroy();
  await server?.close();
  server = undefined;
});

/** Starts a server that authenticates requests with `x-known`, and whose responses are as long as their path says. */
async function serve(
  limits: {
    limit?: number;
    limitPerAddress?: number;
    writeDeadlineMs?: number;
    requestTimeoutMs?: number;
    shutdownSendRetryAfter?: boolean;
  } = {},
): Promise<Rig> {
  const port = await freePort();
  const closed: CloseReason[] = [];
  const { limit = 100, limitPerAddress = 0, ...options } = limits;
  const connections = createOpenConnections({ limit, limitPerAddress, onClosed: (why) => closed.push(why) });
  const inFlight = createInFlightLimit(0);
  server = await createServer({
    ...usualServerOptions,
    ...options,
    port,
    tls: certificate,
    inFlight,
    connections,
    metrics: createRequestMetrics(createRegistry(), inFlight.count, []),
    authenticator: knownByHeader,
    router: {
      async serve({ info }) {
        const [, kind, length] = info.path.split('/');
        if (kind === 'hang') return new Promise(() => undefined);
        const body = Buffer.alloc(Number(length ?? 2), 'a');
        if (kind !== 'made') return { status: 200, contentType: 'text/plain', body };
        return { status: 200, contentType: 'text/plain', body: await bodyFromPieces(inPieces(body), () => undefined) };
      },
      serveHealth: () => undefined,
    },
    log: createRecordingLog().log,
  });
  await server.listen();
  return { port, connections, closed };
}

function* inPieces(body: Buffer): Generator<Buffer, Buffer> {
  const pieceBytes = 200_000;
  let at = 0;
  for (; body.length - at > pieceBytes; at += pieceBytes) yield body.subarray(at, at + pieceBytes);
  return body.subarray(at);
}

async function tcp(port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1').on('error', () => undefined);
  clients.push(socket);
  await once(socket, 'connect');
  return socket.resume();
}

async function tls(port: number, protocol = 'http/1.1'): Promise<TLSSocket> {
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: [protocol] };
  const socket = connectTls(options).on('error', () => undefined);
  clients.push(socket);
  await once(socket, 'secureConnect');
  return socket;
}

const get = (path: string, lines = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${lines}\r\n`;
const ofKnown = 'x-known: yes\r\n';

describe('at the limit of connections', () => {
  test('a stranger that resets its connection and comes back by the same port is one connection', async () => {
    const { port, connections } = await serve({ limit: 8 });
    const localPort = await freePort();
    const openOnce = async () => {
      const socket = connectTcp({ port, host: '127.0.0.1', localPort }).on('error', () => undefined);
      clients.push(socket);
      await once(socket, 'connect');
      return socket;
    };
    for (let left = 20; left > 0; left -= 1) {
      const socket = await openOnce();
      // The beginning of a record: the server looks for the rest of it now and then, and sees a reset no sooner.
      socket.write(Buffer.from([0x16, 0x03, 0x01]));
      await until('it is there', () => connections.count().strangers > 0);
      socket.resetAndDestroy();
    }
    await until('all are gone', () => connections.count().strangers === 0);
    assert.deepEqual(connections.count(), { known: 0, strangers: 0 });
  });

  test('the oldest stranger is closed, whatever it does, and authenticated clients are served', async () => {
    const { port, connections, closed } = await serve({ limit: 8 });
    const proxy = await openSession(port);
    assert.equal((await ask2(proxy, '/', known)).status, 200);
    using kept = await openConnection1(port);
    assert.equal((await kept.ask(get('/', ofKnown))).status, 200);
    assert.deepEqual(connections.count(), { known: 2, strangers: 0 });

    const silent = await tcp(port);
    const shaking = await tcp(port);
    shaking.write(Buffer.from([0x16, 0x03, 0x01, 0x40, 0x00]));
    const slow = await tls(port);
    slow.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    const idle = await tls(port);
    idle.write(get('/'));
    const unread = (await tls(port)).pause();
    unread.write(get(`/long/${largeBytes}`));
    const frames = await tls(port, 'h2');
    frames.resume().write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    await until('all are there', () => connections.count().strangers === 6);
    for (const oldest of [silent, shaking, slow, idle, unread, frames]) {
      // What is not read hides the end of the connection from the client.
      const ended = new Promise((resolve) => void oldest.resume().once('close', resolve));
      await tcp(port);
      await ended;
      assert.equal(connections.count().strangers, 6);
    }
    assert.deepEqual(
      closed,
      Array.from({ length: 6 }, () => 'connections'),
    );
    assert.equal((await kept.ask(get('/', ofKnown))).status, 200);
    assert.equal((await ask2(proxy, '/', known)).status, 200);
    // Another replica of kube-apiserver.
    const another = await openSession(port);
    assert.equal((await ask2(another, '/', known)).status, 200);
    assert.deepEqual(connections.count(), { known: 3, strangers: 5 });
    another.destroy();
    proxy.destroy();
  });

  test('without strangers, the least recently used connection is closed', async () => {
    const { port, connections, closed } = await serve({ limit: 3 });
    const sockets: TLSSocket[] = [];
    for (let index = 0; index < 3; index += 1) {
      const socket = await tls(port);
      socket.write(get('/', ofKnown));
      await once(socket, 'data');
      sockets.push(socket);
    }
    assert.equal(connections.count().known, 3);
    const [first, second] = sockets;
    assert.ok(first && second);
    first.write(get('/', ofKnown));
    await once(first, 'data');
    const ended = once(second, 'close');
    using next = await openConnection1(port);
    assert.equal((await next.ask(get('/', ofKnown))).status, 200);
    await ended;
    assert.deepEqual(closed, ['connections']);
    assert.deepEqual(
      sockets.map((socket) => socket.destroyed),
      [false, true, false],
    );
  });

  test('connections that end count no longer', async () => {
    const { port, connections, closed } = await serve({ limit: 2 });
    for (let index = 0; index < 5; index += 1) {
      const socket = await tls(port);
      socket.destroy();
      await until('it is gone', () => connections.count().strangers === 0);
    }
    assert.deepEqual(closed, []);
  });

  test('the oldest stranger of an address is closed at the limit per address', async () => {
    const { port, connections, closed } = await serve({ limitPerAddress: 2 });
    const [first] = [await tcp(port), await tcp(port)];
    const ended = once(first, 'close');
    await tcp(port);
    await ended;
    assert.deepEqual(closed, ['address']);
    assert.equal(connections.count().strangers, 2);
  });
});

test('a session that has ended is closed although its client does not read', async () => {
  const { port, connections } = await serve();
  using client = await openRawHttp2(port);
  await until('the server has answered', () => client.received.length > 0);
  client.socket.pause();
  const noError = Buffer.alloc(8);
  client.send(frameType.goaway, 0, 0, noError);
  assert.equal(connections.count().strangers, 1);
  await until('it is closed', () => connections.count().strangers === 0);
});

describe('responses that are not read', () => {
  test('over HTTP/1.1 end with their connection, whole or in pieces, also pipelined ones', async () => {
    for (const path of [`/long/${largeBytes}`, `/made/${largeBytes}`]) {
      for (const lines of ['', ofKnown]) {
        const { port, closed, connections } = await serve({ writeDeadlineMs: 200 });
        const socket = (await tls(port)).pause();
        socket.write(get(path, lines).repeat(4));
        await until('the server closes it', () => connections.count().known + connections.count().strangers === 0);
        // 64 MiB of a stranger are too much at once.
        assert.deepEqual(closed, [lines === '' && path.startsWith('/long') ? 'bytes' : 'unread'], path);
        await server?.close();
      }
    }
  });

  test('a client that reads slowly, but reads, is served', async () => {
    // All of it takes longer.
    const { port, closed } = await serve({ writeDeadlineMs: 2_000 });
    const socket = (await tls(port)).pause();
    socket.write(get('/made/8000000', `${ofKnown}Connection: close\r\n`));
    let received = 0;
    for await (const chunk of socket) {
      received += (chunk as Buffer).length;
      await sleep(5);
    }
    assert.ok(received > 8_000_000, `${received}`);
    assert.deepEqual(closed, []);
  });

  test('a client that reads a little now and then gets no more time, over both protocols', async () => {
    for (const [path, limits] of [
      ['/made/64000000', { requestTimeoutMs: 1_000 }],
      [`/long/${largeBytes}`, { writeDeadlineMs: 1_000 }],
    ] as const) {
      const { port, closed, connections } = await serve(limits);
      const socket = (await tls(port)).pause();
      socket.write(get(path, ofKnown));
      const timer = setInterval(() => socket.read(1), 20);
      await until('the server closes it', () => connections.count().known + connections.count().strangers === 0);
      clearInterval(timer);
      assert.deepEqual(closed, ['unread'], path);
      await server?.close();
    }
    for (const [path, limits] of [
      ['/made/1000000', { requestTimeoutMs: 2_000 }],
      ['/long/100000', { writeDeadlineMs: 2_000 }],
    ] as const) {
      const { port } = await serve(limits);
      using connection = await openRawHttp2(port);
      connection.send(frameType.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
      const block = headerBlock([...requestLine(path), ...Object.entries(known)]);
      connection.send(frameType.headers, endHeaders | endStream, 1, block);
      const windowUpdate = 8;
      const timer = setInterval(() => connection.send(windowUpdate, 0, 1, Buffer.from([0, 0, 0, 1])), 20);
      await until('it is reset', () => connection.received.some(({ type }) => type === frameType.reset));
      clearInterval(timer);
      assert.ok(connection.received.filter(({ type }) => type === frameType.data).length > 2, path);
      await server?.close();
    }
  });

  test('over HTTP/2 end with their stream, and others on the connection are served', async () => {
    const { port, closed } = await serve({ writeDeadlineMs: 200 });
    using connection = await openRawHttp2(port);
    connection.send(frameType.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
    const ask = (stream: number, path: string) =>
      connection.send(
        frameType.headers,
        endHeaders | endStream,
        stream,
        headerBlock([...requestLine(path), ...Object.entries(known)]),
      );
    ask(1, '/long/100');
    ask(3, '/made/1000000');
    const resetOf = (stream: number) =>
      connection.received.find((frame) => frame.type === frameType.reset && frame.stream === stream);
    await until('both are reset', () => resetOf(1) !== undefined && resetOf(3) !== undefined);
    // An answer without a body needs no window.
    ask(5, '/long/0');
    await until('it is answered', () => connection.received.some(({ stream }) => stream === 5));
    assert.deepEqual(closed, []);
  });

  test('requests that are pipelined without an end close their connection, and free their memory', async () => {
    const { port, connections, closed } = await serve();
    const socket = (await tls(port)).pause();
    socket.write(get('/', 'A: a\r\n').repeat(1600));
    await until('the server closes it', () => connections.count().strangers === 0);
    assert.deepEqual(closed, ['pipelining']);
    // Would wait for what has not ended.
    await server?.close();
  });

  test('a client that pipelines some requests gets all answers in order', async () => {
    const { port } = await serve();
    const socket = await tls(port);
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => (received += text));
    socket.write([1, 2, 3, 4, 5, 6, 7, 8].map((length) => get(`/long/${length}`)).join(''));
    await until('all are answered', () => received.endsWith('aaaaaaaa'));
    assert.deepEqual(
      [...received.matchAll(/\r\n\r\n(a+)/g)].map(([, body = '']) => body.length),
      [1, 2, 3, 4, 5, 6, 7, 8],
    );
  });

  test('headers of unanswered requests count: a stranger is closed', async () => {
    const { port, connections, closed } = await serve();
    using connection = await openRawHttp2(port);
    connection.send(frameType.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
    const lines = Array.from({ length: 15 }, (_, index): [string, string] => [`x-${index}`, 'x'.repeat(60_000)]);
    for (let stream = 1; stream <= 11; stream += 2) {
      connection.send(frameType.headers, endHeaders | endStream, stream, headerBlock([...requestLine('/'), ...lines]));
    }
    await until('the server closes it', () => connections.count().strangers === 0);
    assert.deepEqual(closed, ['bytes']);
  });

  test('bytes without a request count: a stranger is closed', async () => {
    const { port, connections, closed } = await serve();
    const socket = await tls(port, 'h2');
    socket.resume().write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    // Its settings: the session has begun.
    await once(socket, 'data');
    // Frames of an unknown type, which servers ignore (RFC 9113, section 4.1). Many pings are a flood to nghttp2 in Node 26, which ends the session before.
    const frame = Buffer.concat([Buffer.from('\0\x40\0\xf0\0\0\0\0\0', 'latin1'), Buffer.alloc(0x4000)]);
    socket.write(Buffer.concat(Array.from({ length: 1 + strangerWaitingBytesLimit / frame.length }, () => frame)));
    await until('the server closes it', () => connections.count().strangers === 0);
    assert.deepEqual(closed, ['bytes']);
  });
});

test('beyond the bytes that all connections may hold, the stranger that holds most is closed, then the client that holds most', async () => {
  const listener = createTcpServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const connections = createOpenConnections({ limit: 10, limitPerAddress: 0, onClosed: () => undefined });
  const open = async () => {
    const accepted = once(listener, 'connection') as Promise<[Socket]>;
    await tcp(port);
    const [socket] = await accepted;
    connections.opened(socket);
    return { socket, connection: connections.find(socket) ?? assert.fail() };
  };
  const [large, larger, stranger] = [await open(), await open(), await open()];
  const begin = ({ connection }: typeof large) => connection.beginRequest(0, () => undefined);
  large.connection.markAuthenticated();
  larger.connection.markAuthenticated();
  begin(large).addBytes(waitingBytesLimit / 2 - 10);
  begin(stranger).addBytes(1);
  const load = begin(larger);
  load.addBytes(waitingBytesLimit / 2 + 9);
  assert.deepEqual(
    [large, larger, stranger].map(({ socket }) => socket.destroyed),
    [false, false, false],
  );
  load.addBytes(1);
  assert.deepEqual(
    [large, larger, stranger].map(({ socket }) => socket.destroyed),
    [false, false, true],
  );
  load.addBytes(1);
  assert.deepEqual(
    [large, larger].map(({ socket }) => socket.destroyed),
    [false, true],
  );
  listener.close();
  large.socket.destroy();
});

for (const shutdownSendRetryAfter of [false, true]) {
  test(`a request that never ends holds the shutdown up for ${drainLimitMs} ms${shutdownSendRetryAfter ? ', also where new ones get Retry-After' : ''}`, async () => {
    const { port, connections } = await serve({ shutdownSendRetryAfter });
    const socket = await tls(port);
    socket.write(get('/hang', ofKnown));
    await until('it is under way', () => connections.count().known === 1);
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      let isClosed = false;
      void server?.close().then(() => (isClosed = true));
      await turns(() => false);
      mock.timers.tick(drainLimitMs - 1);
      await turns(() => isClosed);
      assert.ok(!isClosed);
      mock.timers.tick(1);
      await turns(() => isClosed);
      assert.ok(isClosed);
    } finally {
      mock.timers.reset();
    }
  });
}

/** Lets the event loop go on until the condition holds, for some turns. */
async function turns(condition: () => boolean): Promise<void> {
  for (let left = 100; left > 0 && !condition(); left -= 1) await nextTurn();
}
