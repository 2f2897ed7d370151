/** Requests begin in the share of their connection, and not at all if they have ended before. */
import assert from 'node:assert/strict';
import { createServer as createHttp1Server } from 'node:http';
import { connect as connect2, createServer as createHttp2Server, type Http2SecureServer } from 'node:http2';
import { connect, type Server } from 'node:net';
import { test } from 'node:test';
import { queueRequests } from '../../src/server/requestqueue.ts';
import { pipelineLimit, strangerPipelineLimit } from '../../src/server/waitinglimits.ts';
import { listen } from '../fakes/listen.ts';
import { until } from '../fakes/until.ts';

/** Starts a server that answers with the URL. Its queue runs when the test says so. */
async function setUp(server: Server, added: AsyncDisposableStack) {
  const begun: string[] = [];
  const steps: (() => void)[] = [];
  let closed = 0;
  const waiting: string[] = [];
  const urgent: boolean[] = [];
  const enqueue = (step: () => void) => void steps.push(step);
  const runOrEnqueue = (step: () => void, isUrgent = false) => {
    urgent.push(isUrgent);
    enqueue(step);
    return false;
  };
  server.on('request', ({ url }: { url: string }, response: { end(text: string): void }) => {
    begun.push(url);
    response.end(url);
  });
  queueRequests(server as Http2SecureServer, {
    shareOf: () => ({ enqueue, runOrEnqueue, turn: () => undefined }),
    // A tunnel has no path.
    isKnown: ({ url }: { readonly url: string | undefined }) => url?.startsWith('/known') === true,
    onWaiting: ({ url }) => void waiting.push(url),
    close({ socket }) {
      closed += 1;
      socket.destroy();
    },
  });
  const port = await listen(server, 0);
  added.defer(() => new Promise((resolve) => void server.close(() => resolve())));
  const runAll = () => {
    for (const step of steps.splice(0)) step();
  };
  return { port, begun, steps, waiting, urgent, runAll, closed: () => closed };
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

test('requests wait for the share of their connection and are answered in their order', async () => {
  await using added = new AsyncDisposableStack();
  const { port, begun, steps, urgent, runAll } = await setUp(createHttp1Server(), added);
  const socket = connect(port, '127.0.0.1').resume();
  socket.write(get('/a') + get('/b') + get('/known'));
  await until('all have come', () => steps.length === 3);
  assert.deepEqual(urgent, [true, true, false], "users' requests do not delay their other work");
  assert.deepEqual(begun, []);
  let received = '';
  socket.on('data', (chunk) => (received += String(chunk)));
  runAll();
  await until('all are answered', () => received.endsWith('/known'));
  assert.deepEqual(begun, ['/a', '/b', '/known']);
  assert.match(received, /\/a[^]*\/b[^]*\/known/);
  socket.destroy();
});

test('a request over HTTP/1.1 does not begin once its connection has ended', async () => {
  await using added = new AsyncDisposableStack();
  const server = createHttp1Server();
  const { port, begun, steps, runAll } = await setUp(server, added);
  let open = 0;
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => (open -= 1));
  });
  const socket = connect(port, '127.0.0.1');
  socket.write(get('/a'));
  await until('it has come', () => steps.length === 1);
  socket.resetAndDestroy();
  await until('the connection has ended', () => open === 0);
  runAll();
  assert.deepEqual(begun, []);
});

test('a request over HTTP/2 does not begin once it was reset', async () => {
  await using added = new AsyncDisposableStack();
  const server = createHttp2Server();
  const { port, begun, steps, waiting, runAll } = await setUp(server, added);
  let ended = 0;
  server.on('stream', (stream) => stream.once('close', () => (ended += 1)));
  const session = connect2(`http://127.0.0.1:${port}`);
  const reset = session.request({ ':path': '/a' }).on('error', () => undefined);
  const stays = session.request({ ':path': '/b' }).resume();
  await until('both have come', () => steps.length === 2);
  assert.deepEqual(waiting, ['/a', '/b']);
  reset.close(8);
  await until('one has ended', () => ended === 1);
  runAll();
  await until('the other is answered', () => stays.closed);
  assert.deepEqual(begun, ['/b']);
  session.destroy();
});

for (const [what, event, lines] of [
  ['a tunnel', 'connect', { ':method': 'CONNECT', ':authority': 'x:1' }],
  ['what the server cannot fulfil', 'checkExpectation', { ':path': '/a', expect: 'x' }],
] as const) {
  test(`a request for ${what} waits over HTTP/2, as others do`, async () => {
    await using added = new AsyncDisposableStack();
    const server = createHttp2Server();
    let begun = 0;
    server.on(event, (_request, response: { writeHead(status: number): { end(): void } }) => {
      begun += 1;
      response.writeHead(400).end();
    });
    const { port, steps, runAll } = await setUp(server, added);
    const session = connect2(`http://127.0.0.1:${port}`);
    added.defer(() => session.destroy());
    const stream = session.request(lines).on('error', () => undefined);
    await until('it has come', () => steps.length === 1);
    assert.equal(begun, 0);
    runAll();
    await until('it is answered', () => stream.resume().closed);
    assert.equal(begun, 1);
  });
}

for (const [who, path, limit] of [
  ['a stranger', '/a', strangerPipelineLimit],
  ['an authenticated client', '/known', pipelineLimit],
] as const) {
  test(`the connection of ${who} is closed when more than ${limit} pipelined requests wait`, async () => {
    await using added = new AsyncDisposableStack();
    const { port, begun, steps, runAll, closed } = await setUp(createHttp1Server(), added);
    const good = connect(port, '127.0.0.1').on('error', () => undefined);
    good.write(get(path).repeat(limit));
    await until('all wait', () => steps.length === limit);
    assert.equal(closed(), 0);
    good.destroy();
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write(get(path).repeat(limit + 1));
    await until('it is closed', () => closed() > 0);
    await until('the other one has ended', () => good.closed);
    runAll();
    assert.deepEqual(begun, []);
  });
}
