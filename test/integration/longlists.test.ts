/** Lists are written while their client reads them: whole, one piece at a time, and no longer than the client stays. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { encodeJson } from '../../src/apimachinery/meta.ts';
import { toJson } from '../../src/api/encode.ts';
import { createPodReader, podMetrics } from '../../src/api/pods.ts';
import type { UsageOrReason, PodUsage } from '../../src/sample/point.ts';
import { createRegistry } from '../../src/monitoring.ts';
import { createConnections } from '../../src/server/connectionmetrics.ts';
import { createInFlightLimit, type InFlightLimit } from '../../src/server/inflight.ts';
import { createRequestMetrics } from '../../src/server/requestmetrics.ts';
import { createResourceRoutes } from '../../src/server/resources.ts';
import { serveRoute } from '../../src/server/route.ts';
import { createServer, type Server } from '../../src/server/server.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { openConnection1 } from '../fakes/http1client.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { createRecordingLog, type RecordingLog } from '../fakes/recordinglog.ts';
import { usualServerOptions } from '../fakes/serveroptions.ts';
import { until } from '../fakes/until.ts';
import { freePort } from '../fakes/wholecluster.ts';

const all = '/apis/metrics.k8s.io/v1/pods';
const small = '/apis/metrics.k8s.io/v1/namespaces/small/pods';
/** Some MB, far more than sockets buffer. */
const longCount = 20_000;
const endlessCount = 400_000;

const usage: UsageOrReason<PodUsage> = {
  kind: 'ready',
  value: {
    timestampMs: 1_795_377_915_123,
    windowMs: 15_004,
    containers: [
      {
        name: 'app',
        timestampMs: 1_795_377_915_123,
        windowMs: 15_004,
        cpuNanocores: 123_456_789,
        memoryBytes: 12_640_256,
      },
    ],
  },
};

interface Running extends AsyncDisposable {
  readonly port: number;
  readonly server: Server;
  readonly inFlight: InFlightLimit;
  readonly recording: RecordingLog;
  /** How many pods were asked for their usage so far. */
  readonly made: () => number;
  /** How many connections are open. */
  readonly connections: () => number;
  /** The list of all as it has to be. */
  readonly expected: () => Buffer;
  /** Breaks the list at this pod. */
  failAt: number;
  /** Requests for all pods wait for it first. */
  gate: Promise<void>;
}

const authority = makeAuthority();
const certificate = authority.issue({ cn: 'server', ips: ['127.0.0.1'], usages: ['server'] });

/** Hard to compress, and the same in each run; a generator by Marsaglia. */
function createRandomText(): () => string {
  let state = 0x2545_f491;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0).toString(36);
  };
  return () => Array.from({ length: 12 }, next).join('');
}

async function start(count: number, limit = 0): Promise<Running> {
  const labels = new Map([['app', 'web']]);
  const randomText = createRandomText();
  const pods = Array.from({ length: count }, (_, index) => {
    const name = `web-${index}-${randomText()}`;
    return {
      namespace: index < 300 ? 'small' : 'large',
      name,
      uid: name,
      configHash: undefined,
      node: undefined,
      labels,
    };
  });
  let made = 0;
  const state = { failAt: -1, gate: Promise.resolve() };
  const api = createPodReader({
    pods: {
      get: () => undefined,
      list: (namespace) => (namespace === undefined ? pods : pods.filter((pod) => pod.namespace === namespace)),
    },
    usage: {
      podUsage() {
        made += 1;
        if (made === state.failAt) throw new Error('broken on purpose');
        return usage;
      },
    },
    troubleOf: () => undefined,
    now: () => 1_795_377_918_000,
  });
  const served = [{ resource: podMetrics, reader: api }];
  const group = createResourceRoutes(served, { cells: 'exact', fastPath: true });
  const inFlight = createInFlightLimit(limit);
  const recording = createRecordingLog();
  const connections = createConnections(createRegistry(), 0, recording.log);
  const port = await freePort();
  const server = await createServer({
    ...usualServerOptions,
    port,
    tls: certificate,
    inFlight,
    connections,
    writeDeadlineMs: 30_000,
    metrics: createRequestMetrics(createRegistry(), inFlight.count, [group]),
    authenticator: { authenticate: async () => ({ name: 'alice', uid: '', groups: [], extra: new Map() }) },
    authorizer: {
      async authorize(_user, attributes) {
        if (attributes.kind === 'resource' && attributes.namespace === '') await state.gate;
      },
      allows: async () => true,
    },
    router: {
      serve(request) {
        const route = group.route(request.info);
        return route === undefined ? { status: 404, contentType: '', body: '' } : serveRoute(route, request);
      },
      serveHealth: () => undefined,
    },
    log: recording.log,
  });
  await server.listen();
  return Object.assign(state, {
    port,
    server,
    inFlight,
    recording,
    made: () => made,
    connections: () => connections.count().known + connections.count().strangers,
    expected: () => encodeJson(toJson(podMetrics, api.list(), 'v1')),
    [Symbol.asyncDispose]: () => server.close(),
  });
}

describe('a long list', () => {
  let running: Running;
  let session: ClientHttp2Session;
  let expected: Buffer;
  before(async () => {
    running = await start(longCount);
    session = await openSession(running.port);
    expected = running.expected();
  });
  after(async () => {
    session.destroy();
    await running[Symbol.asyncDispose]();
  });

  const ask1 = (connection: Awaited<ReturnType<typeof openConnection1>>, path: string, header = '') =>
    connection.ask(`GET ${path} HTTP/1.1\r\nHost: x\r\n${header}\r\n`);

  test('is sent in chunks over HTTP/1.1, as from Go, and the connection stays open', async () => {
    using connection = await openConnection1(running.port);
    for (let time = 0; time < 2; time += 1) {
      const { status, headers, text } = await ask1(connection, all);
      assert.equal(status, 200);
      assert.equal(headers.get('content-type'), 'application/json');
      assert.equal(headers.get('transfer-encoding'), 'chunked');
      assert.equal(headers.get('content-length'), undefined);
      assert.match(headers.get('audit-id') ?? '', /^[0-9a-f-]{36}$/);
      assert.equal(headers.get('cache-control'), 'no-cache, private');
      assert.ok(Buffer.from(text, 'latin1').equals(expected));
    }
  });

  test('is sent over HTTP/2, several at a time', async () => {
    for (const { status, headers, text } of await Promise.all([1, 2, 3].map(() => ask2(session, all)))) {
      assert.equal(status, 200);
      assert.equal(headers['content-length'], undefined);
      assert.ok(Buffer.from(text).equals(expected));
    }
  });

  test('is sent compressed', async () => {
    using connection = await openConnection1(running.port);
    const { headers, text } = await ask1(connection, all, 'Accept-Encoding: gzip\r\n');
    assert.equal(headers.get('content-encoding'), 'gzip');
    assert.equal(headers.get('vary'), 'Accept-Encoding');
    assert.ok(gunzipSync(Buffer.from(text, 'latin1')).equals(expected));
    const stream = session.request({ ':path': all, 'accept-encoding': 'gzip' });
    assert.ok(gunzipSync(Buffer.concat(await stream.toArray())).equals(expected));
  });

  test('is sent in every form: indented, as a table, as protobuf', async () => {
    const pretty = await ask2(session, `${all}?pretty=1`);
    assert.deepEqual(JSON.parse(pretty.text), JSON.parse(expected.toString()));
    const table = await ask2(session, all, { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' });
    assert.equal(JSON.parse(table.text).rows.length, longCount);
    const stream = session.request({ ':path': all, accept: 'application/vnd.kubernetes.protobuf' });
    const bytes = Buffer.concat(await stream.toArray());
    assert.equal(bytes.subarray(0, 4).toString('latin1'), 'k8s\0');
    assert.ok(bytes.includes(`web-${longCount - 1}-`));
  });

  test('that fits into one piece has a length, also compressed', async () => {
    using connection = await openConnection1(running.port);
    const plain = await ask1(connection, small);
    assert.equal(plain.headers.get('content-length'), String(plain.text.length));
    assert.equal(JSON.parse(plain.text).items.length, 300);
    const session2 = await ask2(session, small);
    assert.equal(session2.headers['content-length'], String(plain.text.length));
    assert.equal(session2.text, plain.text);
  });
});

describe('of a list of 100 MB', () => {
  let running: Running;
  before(async () => {
    running = await start(endlessCount, 1);
  });
  after(() => running[Symbol.asyncDispose]());

  /** Others are served a hundred times, and nothing more is made meanwhile. */
  async function standsStill(): Promise<boolean> {
    const session = await openSession(running.port);
    const started = running.made();
    for (let time = 0; time < 100; time += 1) assert.equal((await ask2(session, '/nothing')).status, 404);
    session.destroy();
    return running.made() === started;
  }

  /** @param before how many had been made before. */
  async function untilItStands(before: number): Promise<void> {
    for (let tries = 0; !(await standsStill()); tries += 1) assert.ok(tries < 100, 'it goes on');
    const made = running.made() - before;
    assert.ok(made < endlessCount / 2, `${made} pods were written after the client had gone`);
  }

  const ways: readonly [name: string, headers: Record<string, string>][] = [
    ['', {}],
    [', compressed', { 'accept-encoding': 'gzip' }],
  ];
  for (const [name, headers] of ways) {
    test(`no more is encoded than the client reads over HTTP/2, it does not count as in flight, and ends with its client${name}`, async () => {
      const session = await openSession(running.port);
      const before = running.made();
      const stream: ClientHttp2Stream = session.request({ ':path': all, ...headers });
      stream.on('error', () => undefined);
      await once(stream, 'response');
      stream.pause();
      await untilItStands(before);
      assert.ok(running.made() > before);
      assert.equal(running.inFlight.count(), 0);
      session.destroy();
      await untilItStands(before);
    });

    test(`no more is encoded than the client reads over HTTP/1.1, and it ends with its client${name}`, async () => {
      const before = running.made();
      const socket = await openRaw(running.port, headers);
      await once(socket, 'readable');
      await untilItStands(before);
      assert.ok(running.made() > before);
      assert.equal(running.inFlight.count(), 0);
      socket.destroy();
      await untilItStands(before);
    });
  }

  test('only the first piece is encoded for a client that has disconnected', async () => {
    const session = await openSession(running.port);
    const before = running.made();
    const gate = Promise.withResolvers<void>();
    running.gate = gate.promise;
    const stream = session.request({ ':path': all });
    stream.on('error', () => undefined);
    await until('it is under way', () => running.inFlight.count() === 1);
    stream.close(constants.NGHTTP2_CANCEL);
    // It comes behind the reset.
    await ask2(session, '/livez');
    gate.resolve();
    await until('its work is done', () => running.inFlight.count() === 0);
    session.destroy();
    await untilItStands(before);
    assert.ok(running.made() - before < 2_000, `${running.made() - before} pods`);
  });

  test('a response that is not read in time is aborted: its stream is reset and the connection stays open', async () => {
    const session = await openSession(running.port);
    const before = running.made();
    const stream = session.request({ ':path': `${all}?timeout=3s` });
    const failed = once(stream, 'error');
    await once(stream, 'response');
    stream.pause();
    await failed;
    assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
    assert.equal((await ask2(session, small)).status, 200);
    session.destroy();
    await untilItStands(before);
  });

  test('a response that is not read in time is aborted: HTTP/1.1 closes before the last chunk', async () => {
    const before = running.made();
    const socket = await openRaw(running.port, {}, '?timeout=3s');
    await once(socket, 'readable');
    await untilItStands(before);
    // A client that went on to read could have all within the 3 s.
    await until('the server has closed the connection', () => running.connections() === 0);
    const received = await remaining(socket);
    assert.ok(!received.endsWith('0\r\n\r\n'));
    assert.ok(received.length < 100e6);
  });

  test('an error in the middle aborts it, and is logged', async () => {
    const session = await openSession(running.port);
    running.failAt = running.made() + 10_000;
    const stream = session.request({ ':path': all });
    stream.on('data', () => undefined);
    await once(stream, 'error');
    assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
    const errors = running.recording.lines.filter((line) => line.startsWith('error'));
    assert.deepEqual(errors, ['error: an answer broke off']);
    session.destroy();
  });
});

test('a list in progress is finished when the server stops', async () => {
  const running = await start(longCount);
  const expected = running.expected();
  const [session, socket] = [await openSession(running.port), await openRaw(running.port, {})];
  const stream = session.request({ ':path': all });
  await Promise.all([once(stream, 'response'), once(socket, 'readable')]);
  const closed = running.server.close();
  const [bytes, received] = await Promise.all([stream.toArray(), remaining(socket, '0\r\n\r\n')]);
  assert.ok(Buffer.concat(bytes).equals(expected));
  assert.ok(received.length > expected.length);
  await closed;
  session.destroy();
  socket.destroy();
});

/** A connection by HTTP/1.1 that has asked for all pods and reads nothing by itself. */
async function openRaw(port: number, headers: Record<string, string>, query = ''): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  const lines = Object.entries({ host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${all}${query} HTTP/1.1\r\n${lines.join('')}\r\n`);
  return socket;
}

/** All that comes until the end, or until the mark. */
async function remaining(socket: TLSSocket, mark?: string): Promise<string> {
  const chunks: Buffer[] = [];
  let ended = socket.destroyed;
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (mark !== undefined && chunk.toString('latin1').endsWith(mark)) ended = true;
  });
  socket.on('close', () => (ended = true));
  await until('it ends', () => ended);
  return Buffer.concat(chunks).toString('latin1');
}
