/** HTTP/1.1 is parsed slice by slice, in order, with the results of Node's own parsing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Http2SecureServer } from 'node:http2';
import { createServer } from 'node:https';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { answerHalfClosed } from '../../src/server/connections.ts';
import { parseInSlices, sliceBytes } from '../../src/server/headslices.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { listen } from '../fakes/listen.ts';
import { until } from '../fakes/until.ts';

const own = makeAuthority('server').issue({ cn: 'server', ips: ['127.0.0.1'], usages: ['server'] });
/** Longer than what may wait for a client that reads nothing. */
const longAnswer = 'a'.repeat(200_000);

/** Starts a server that answers with the request's path, or with a long text and the path. Its queue runs when the test says so. */
async function setUp(added: AsyncDisposableStack) {
  const begun: string[] = [];
  const steps: (() => void)[] = [];
  const state = { open: 0, ended: 0 };
  const tunnels: Duplex[] = [];
  const server = createServer(own, ({ url = '' }, response) => {
    begun.push(url);
    response.end(url.startsWith('/long') ? `${longAnswer}${url}.` : `${url}.`);
  });
  server.on('connect', (_request, socket) => void tunnels.push(socket.resume()));
  server.on('secureConnection', (socket) => {
    state.open += 1;
    socket.on('error', () => undefined).once('close', () => (state.open -= 1));
  });
  answerHalfClosed(server as unknown as Http2SecureServer);
  const enqueue = (step: () => void) => void steps.push(step);
  parseInSlices(server as unknown as Http2SecureServer, () => ({
    enqueue,
    runOrEnqueue(step) {
      enqueue(step);
      return false;
    },
    turn: () => undefined,
  }));
  server.on('secureConnection', (socket) => socket.on('end', () => (state.ended += 1)));
  const port = await listen(server, 0);
  added.defer(() => new Promise((resolve) => void server.close(() => resolve())));
  let received = '';
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  client.on('data', (chunk) => (received += String(chunk))).on('error', () => undefined);
  added.defer(() => void client.destroy());
  const run = () => {
    for (const step of steps.splice(0)) step();
  };
  return { port, begun, steps, run, state, tunnels, client, received: () => received };
}

const get = (path: string, bytes = 0) => `GET ${path} HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(bytes)}\r\n\r\n`;

/** Runs steps until all is received. */
async function receive({ run, received }: Awaited<ReturnType<typeof setUp>>, end: string): Promise<void> {
  await until('all is answered', () => {
    run();
    return received().endsWith(end);
  });
}

test('a step parses one slice, and all requests are answered in their order', async () => {
  await using added = new AsyncDisposableStack();
  const lab = await setUp(added);
  const each = get('/00');
  const paths = Array.from({ length: 60 }, (_, at) => `/${String(at).padStart(2, '0')}`);
  lab.client.write(paths.map((path) => get(path, 200)).join(''));
  await until('a step waits', () => lab.steps.length > 0);
  assert.deepEqual(lab.begun, []);
  lab.run();
  assert.ok(lab.begun.length > 0 && lab.begun.length <= sliceBytes / each.length, `${lab.begun.length} have begun`);
  await receive(lab, '/59.');
  assert.deepEqual(lab.begun, paths);
});

test('a head that is longer than a slice is parsed', async () => {
  await using added = new AsyncDisposableStack();
  const lab = await setUp(added);
  lab.client.write(get('/a', 2 * sliceBytes) + get('/b'));
  await receive(lab, '/b.');
  assert.deepEqual(lab.begun, ['/a', '/b']);
});

test('answers that are not read stop the parsing, and it goes on when they are', async () => {
  await using added = new AsyncDisposableStack();
  const lab = await setUp(added);
  lab.client.pause();
  const count = 40;
  for (let at = 1; at <= count; at += 1) lab.client.write(get(`/long/${at}`, 2_000));
  await until('nothing goes on', () => {
    lab.run();
    return lab.begun.length > 1 && lab.steps.length === 0;
  });
  lab.client.resume();
  await receive(lab, `/long/${count}.`);
  assert.equal(lab.begun.length, count);
});

test('a client that half-closes while its bytes wait is answered', async () => {
  await using added = new AsyncDisposableStack();
  const lab = await setUp(added);
  // A relay that passes the last record and the end of TLS in one segment: the server then sees the end although it has paused the socket.
  let held: Buffer[] | undefined;
  const relay = createTcpServer({ allowHalfOpen: true }, (near) => {
    const far = connectTcp({ port: lab.port, host: '127.0.0.1', allowHalfOpen: true });
    far.pipe(near);
    near.on('data', (chunk: Buffer) => void (held === undefined ? far.write(chunk) : held.push(chunk)));
    near.on('end', () => far.end(Buffer.concat(held ?? [])));
    for (const socket of [near, far]) socket.on('error', () => undefined);
  });
  const port = await listen(relay, 0);
  added.defer(() => void relay.close());
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  let received = '';
  client.on('data', (chunk) => (received += String(chunk))).on('error', () => undefined);
  await once(client, 'secureConnect');
  await until('the server has its handshake', () => lab.state.open === 2);
  held = [];
  client.end(get('/a'));
  await until('the server has seen the end', () => lab.state.ended > 0);
  await until('it is answered', () => {
    lab.run();
    return client.closed;
  });
  assert.match(received, /\/a\.$/);
});

test('a connection that ends while its requests wait is closed', async () => {
  await using added = new AsyncDisposableStack();
  const lab = await setUp(added);
  lab.client.write(get('/a').repeat(100));
  await until('a step waits', () => lab.steps.length > 0);
  lab.client.destroy();
  await until('it is closed', () => {
    lab.run();
    return lab.state.open === 0;
  });
});

test('the end of a tunnel does not reach the parser, which another connection has by then', async () => {
  await using added = new AsyncDisposableStack();
  const lab = await setUp(added);
  lab.client.write('CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the tunnel is asked for', () => {
    lab.run();
    return lab.tunnels.length === 1;
  });
  const next = connect({ port: lab.port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  added.defer(() => void next.destroy());
  let answer = '';
  next.on('data', (chunk) => (answer += String(chunk))).on('error', () => undefined);
  const head = get('/a');
  next.write(head.slice(0, 10));
  await until('half of a head is parsed', () => lab.steps.length > 0);
  lab.run();
  lab.client.end();
  await until('the tunnel has ended', () => lab.state.ended === 1);
  lab.tunnels[0]?.end('HTTP/1.1 405 Method Not Allowed\r\n\r\n');
  await until('the tunnel is refused', () => lab.client.closed);
  assert.equal(lab.received(), 'HTTP/1.1 405 Method Not Allowed\r\n\r\n');
  next.write(head.slice(10));
  await until('it is answered', () => {
    lab.run();
    return answer.endsWith('/a.');
  });
});
