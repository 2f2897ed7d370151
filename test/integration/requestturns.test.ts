/** Requests of strangers begin when it is their turn, and not at all when they have ended before. */
import assert from 'node:assert/strict';
import { createServer as createHttp1Server } from 'node:http';
import { connect as connect2, createServer as createHttp2Server, type Http2SecureServer } from 'node:http2';
import { connect, type Server } from 'node:net';
import { test } from 'node:test';
import { takeRequestsInTurn } from '../../src/server/requestqueue.ts';
import { strangerPipelineLimit } from '../../src/server/waitinglimits.ts';
import { listen } from '../fakes/listen.ts';
import { until } from '../fakes/until.ts';

/** A server that answers with the URL, whose turns come when they are told to. */
async function setUp(server: Server, added: AsyncDisposableStack) {
  const begun: string[] = [];
  const steps: (() => void)[] = [];
  let closed = 0;
  server.on('request', ({ url }: { url: string }, response: { end(text: string): void }) => {
    begun.push(url);
    response.end(url);
  });
  takeRequestsInTurn(server as Http2SecureServer, {
    atOnce: (step) => void steps.push(step),
    isKnown: ({ url }) => url.startsWith('/known'),
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
  return { port, begun, steps, runAll, closed: () => closed };
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

test('a stranger waits for its turn, one who is known does not', async () => {
  await using added = new AsyncDisposableStack();
  const { port, begun, steps, runAll } = await setUp(createHttp1Server(), added);
  const socket = connect(port, '127.0.0.1').resume();
  socket.write(get('/a') + get('/b') + get('/known'));
  await until('all have come', () => steps.length === 2 && begun.length === 1);
  assert.deepEqual(begun, ['/known']);
  let received = '';
  socket.on('data', (chunk) => (received += String(chunk)));
  runAll();
  await until('all are answered', () => received.endsWith('/known'));
  assert.deepEqual(begun, ['/known', '/a', '/b']);
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
  const { port, begun, steps, runAll } = await setUp(server, added);
  let ended = 0;
  server.on('stream', (stream) => stream.once('close', () => (ended += 1)));
  const session = connect2(`http://127.0.0.1:${port}`);
  const reset = session.request({ ':path': '/a' }).on('error', () => undefined);
  const stays = session.request({ ':path': '/b' }).resume();
  await until('both have come', () => steps.length === 2);
  reset.close(8);
  await until('one has ended', () => ended === 1);
  runAll();
  await until('the other is answered', () => stays.closed);
  assert.deepEqual(begun, ['/b']);
  session.destroy();
});

test('a stranger whose pipelined requests wait in too large a number is closed', async () => {
  await using added = new AsyncDisposableStack();
  const { port, begun, runAll, closed } = await setUp(createHttp1Server(), added);
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write(get('/a').repeat(strangerPipelineLimit + 1));
  await until('it is closed', () => closed() > 0);
  runAll();
  assert.deepEqual(begun, []);
});
