/** The one connection to a kubelet: how long it is kept, when it is another one, and what never goes over it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { after, before, beforeEach, describe, mock, test } from 'node:test';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { OnBody } from '../../src/kubelet/http/body.ts';
import { createKubeletClient, type KubeletClient, type KubeletResponse } from '../../src/kubelet/client.ts';
import type { KubeletTls } from '../../src/kubelet/http/kubelettls.ts';
import { keepAliveMs } from '../../src/kubelet/http/connection.ts';
import { explainFailure } from '../../src/kubelet/explain/explainfailure.ts';
import { HttpError } from '../../src/kubelet/http/responsehead.ts';
import { RequestDeadline } from '../../src/kubelet/http/requestdeadline.ts';
import { ConnectionLostError, KubeletSocket, readBufferBytes } from '../../src/kubelet/http/socket.ts';
import { createCollect } from '../bench/heap.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { httpClientOf } from '../fakes/httpclient.ts';
import { listen } from '../fakes/listen.ts';

const httpClient = httpClientOf(import.meta.url);
const builtIn = { skip: httpClient === 'undici' && 'undici asks once, and closes when it likes' };
const authority = makeAuthority('kubelets');
const clients = makeAuthority('clients');
const trust: KubeletTls = { ca: authority.cert, cert: undefined, key: undefined, insecure: false };
const good = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood';

let server: Server;
let port: number;
/** One socket per connection, in the order in which they came. */
let sockets: TLSSocket[] = [];
let questions: string[] = [];
let onQuestion: (socket: TLSSocket) => void = () => {};

before(async () => {
  const certificate = authority.issue({ cn: 'node-a', ips: ['127.0.0.1'], usages: ['server'] });
  const options = { ...certificate, requestCert: true, rejectUnauthorized: false, ca: clients.cert };
  server = createServer(options, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      questions.push(data.toString('latin1'));
      onQuestion(socket);
    });
  });
  server.on('tlsClientError', () => {});
  port = await listen(server, 0);
});

after(async () => {
  server.close();
  await once(server, 'close');
});

beforeEach(() => {
  sockets = [];
  questions = [];
  onQuestion = (socket) => void socket.write(good);
});

function makeClient(tls: () => KubeletTls = () => trust, authorization = async () => 'Bearer good'): KubeletClient {
  return createKubeletClient({ tls, authorization, plainHttp: false, requestTimeoutMs: 30_000, httpClient });
}

interface Asking {
  readonly path?: string;
  readonly signal?: AbortSignal;
  readonly onBody?: OnBody;
}

function fetch(client: KubeletClient, { path = '/', signal, onBody }: Asking = {}): Promise<KubeletResponse> {
  const asked = { node: 'node-a', host: '127.0.0.1', port, path, accept: 'text/plain', gzip: false, alternatives: 0 };
  const request = onBody === undefined ? asked : { ...asked, onBody };
  return client.fetch(request, signal ?? new AbortController().signal);
}

/** Also by a reset. */
function closing(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

/** Otherwise the first body of each of thousands of connections would be kept. */
test('who has read a body is let go of, though its connection is kept', async () => {
  await using client = makeClient();
  const collect = createCollect();
  const reader = await readOnce(client);
  await fetch(client);
  collect();
  assert.equal(sockets.length, 1);
  assert.equal(reader.deref(), undefined);
});

async function readOnce(client: KubeletClient): Promise<WeakRef<object>> {
  const reader = { write: () => true };
  await fetch(client, { onBody: () => reader });
  return new WeakRef(reader);
}

test('a question is what it was agreed to be, and the next one goes over the same connection', async () => {
  await using client = makeClient();
  for (const path of ['/a?name[]=b', '/c', '/c']) assert.equal((await fetch(client, { path })).body.toString(), 'good');
  assert.equal(sockets.length, 1);
  assert.deepEqual(
    questions.map((question) => question.split('\r\n')[0]),
    ['GET /a?name[]=b HTTP/1.1', 'GET /c HTTP/1.1', 'GET /c HTTP/1.1'],
  );
  const headers = questions[0]?.toLowerCase().split('\r\n').slice(1) ?? [];
  for (const header of [
    `host: 127.0.0.1:${port}`,
    'accept: text/plain',
    'accept-encoding: identity',
    'authorization: bearer good',
  ]) {
    assert.ok(headers.includes(header), header);
  }
  assert.ok(questions[0]?.endsWith('\r\n\r\n'));
});

test('a new token is shown at once, over the connection that there is', async () => {
  let token = 'one';
  await using client = makeClient(undefined, async () => `Bearer ${token}`);
  await fetch(client);
  token = 'two';
  await fetch(client);
  assert.deepEqual(
    questions.map((question) => /bearer \w+/i.exec(question)?.[0]),
    ['Bearer one', 'Bearer two'],
  );
  assert.equal(sockets.length, 1);
});

test('two questions at once are asked one after the other', async () => {
  onQuestion = (socket) => setImmediate(() => socket.write(good));
  await using client = makeClient();
  const answers = await Promise.all(['/a', '/b', '/c'].map((path) => fetch(client, { path })));
  assert.deepEqual(
    answers.map(({ body }) => body.toString()),
    ['good', 'good', 'good'],
  );
  assert.deepEqual([sockets.length, questions.length], [1, 3]);
});

describe('a kept connection that ends', builtIn, () => {
  test('in the meantime is replaced', async () => {
    await using client = makeClient();
    await fetch(client);
    sockets[0]?.destroy();
    // No wait: whether the end is known by then must not matter.
    assert.equal((await fetch(client)).body.toString(), 'good');
    assert.equal(sockets.length, 2);
  });

  test('when it is asked is replaced, and asked again', async () => {
    await using client = makeClient();
    await fetch(client);
    onQuestion = (socket) => (socket === sockets[0] ? socket.destroy() : void socket.write(good));
    assert.equal((await fetch(client)).body.toString(), 'good');
    assert.deepEqual([sockets.length, questions.length], [2, 3]);
  });

  test('as does the one after it, is not asked a third time', async () => {
    await using client = makeClient();
    await fetch(client);
    onQuestion = (socket) => socket.destroy();
    const error = await fetch(client).catch((cause: unknown) => cause);
    assert.equal(explainFailure(error).code, 'ConnectionLost');
    assert.deepEqual([sockets.length, questions.length], [2, 3]);
  });

  test('in the middle of its answer is not asked again', async () => {
    await using client = makeClient();
    await fetch(client);
    onQuestion = (socket) => void socket.end(good.slice(0, -1));
    const error = await fetch(client).catch((cause: unknown) => cause);
    assert.equal(explainFailure(error).code, 'ConnectionLost');
    assert.deepEqual([sockets.length, questions.length], [1, 2]);
  });
});

test('other TLS material is shown by a new connection, and the old one is closed', async () => {
  let tls = trust;
  await using client = makeClient(() => tls);
  await fetch(client);
  const [first] = sockets;
  assert.ok(first);
  const closed = closing(first);
  tls = { ...trust, ...clients.issue({ cn: 'kubegauge', usages: ['client'] }) };
  await fetch(client);
  await closed;
  assert.deepEqual(
    sockets.map((socket) => socket.authorized),
    [false, true],
  );
});

test('a question under way has its answer although there is other TLS material', async () => {
  let tls = trust;
  await using client = makeClient(() => tls);
  const asked = Promise.withResolvers<TLSSocket>();
  onQuestion = (socket) => asked.resolve(socket);
  const answer = fetch(client);
  const socket = await asked.promise;
  onQuestion = (other) => void other.write(good);
  tls = { ...trust };
  assert.equal((await fetch(client)).body.toString(), 'good');
  socket.write(good);
  assert.equal((await answer).body.toString(), 'good');
});

test('a node that left has no connection any more, and what it was asked ends', async () => {
  await using client = makeClient();
  const asked = Promise.withResolvers<TLSSocket>();
  onQuestion = (socket) => asked.resolve(socket);
  const failure = assert.rejects(fetch(client), { name: 'KubeletError' });
  const closed = closing(await asked.promise);
  client.release('node-a');
  await Promise.all([failure, closed]);
});

test('a request that is aborted closes its connection and rejects with the reason', async () => {
  await using client = makeClient();
  const asked = Promise.withResolvers<TLSSocket>();
  onQuestion = (socket) => {
    socket.write(good.slice(0, -1));
    asked.resolve(socket);
  };
  const stop = new AbortController();
  const failure = assert.rejects(fetch(client, { signal: stop.signal }), /given up, the server stops/);
  const closed = closing(await asked.promise);
  stop.abort(new Error('stop'));
  await Promise.all([failure, closed]);
});

test('nothing is written before the certificate is verified', async () => {
  await using client = makeClient(() => ({ ...trust, ca: makeAuthority('other').cert }));
  await assert.rejects(fetch(client));
  assert.deepEqual(questions, []);
});

describe('a request that would be two is not sent:', () => {
  for (const path of ['/ HTTP/1.1\r\nx: y', '/a b', '/\0', 'a', '']) {
    test(`path ${JSON.stringify(path)}`, async () => {
      await using client = makeClient();
      await assert.rejects(fetch(client, { path }), { name: 'KubeletError' });
      assert.deepEqual(questions, []);
    });
  }

  test('a token of two lines, which no error shows', async () => {
    await using client = makeClient(undefined, async () => 'Bearer secret\r\nx: y');
    const error = await fetch(client).catch((cause: unknown) => cause);
    assert.ok(error instanceof Error);
    assert.ok(!explainFailure(error).what.includes('secret'));
    assert.deepEqual(questions, []);
  });
});

describe('an idle connection', builtIn, () => {
  test('is closed before the kubelet would do so', async () => {
    await using client = makeClient();
    // A handshake needs timers that pass.
    await fetch(client);
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      await fetch(client);
      mock.timers.tick(keepAliveMs - 1);
      await fetch(client);
      mock.timers.tick(keepAliveMs - 1);
      assert.equal(sockets[0]?.destroyed, false);
      await fetch(client);
      const [first] = sockets;
      assert.ok(first);
      assert.equal(sockets.length, 1);
      const closed = closing(first);
      mock.timers.tick(keepAliveMs);
      await closed;
    } finally {
      mock.timers.reset();
    }
  });

  test('over which bytes arrive before a request is closed', async () => {
    const talking = createTcpServer((socket: Socket) => void socket.on('error', () => {}).write(good));
    const options = { host: '127.0.0.1', port: await listen(talking, 0), tls: undefined, connectTimeoutMs: 5_000 };
    const socket = new KubeletSocket({ ...options, resolve: unused, buffer: Buffer.alloc(readBufferBytes) });
    const limit = new RequestDeadline(5_000, new AbortController().signal);
    await socket.opened(limit);
    while (!socket.closed) await new Promise(setImmediate);
    const ignore = { onHead: () => {}, onBody: () => assert.fail('it was read'), resume: () => true, onEnd: () => {} };
    await assert.rejects(socket.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'), ignore, limit), HttpError);
    limit.clear();
    talking.close();
  });

  test('can be closed while it is being opened', async () => {
    const silent = createTcpServer((socket) => void socket.on('error', () => {}));
    const options = { host: '127.0.0.1', port: await listen(silent, 0), tls: {}, connectTimeoutMs: 5_000 };
    const socket = new KubeletSocket({ ...options, resolve: unused, buffer: Buffer.alloc(readBufferBytes) });
    const limit = new RequestDeadline(5_000, new AbortController().signal);
    const opened = assert.rejects(socket.opened(limit), ConnectionLostError);
    socket.fail(new ConnectionLostError('not needed'));
    await opened;
    limit.clear();
    silent.close();
  });
});

/** The host is an address. */
function unused(): never {
  throw new Error('no name is resolved');
}
