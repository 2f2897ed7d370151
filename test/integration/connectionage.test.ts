/** Connections end after their maximum age without losing a request: HTTP/2 by GOAWAY, HTTP/1.1 by Connection: close. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientHttp2Session, constants } from 'node:http2';
import { Agent, request as request1 } from 'node:https';
import type { Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { createRegistry } from '../../src/monitoring.ts';
import { ageJitter, quietWait } from '../../src/server/connectionage.ts';
import { createInFlightLimit } from '../../src/server/inflight.ts';
import { createOpenConnections } from '../../src/server/openconnections.ts';
import { createRequestMetrics } from '../../src/server/requestmetrics.ts';
import { createServer, type Server } from '../../src/server/server.ts';
import { bodyFromPieces } from '../../src/server/streamedbody.ts';
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
const maxAgeMs = 100;
/** Milliseconds; a busy machine ends connections late. */
const lateMs = 2_000;
const longestAgeMs = maxAgeMs * (1 + ageJitter + quietWait) + lateMs;
const requestCount = 4_000;
const workers = 8;

let server: Server | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

interface Rig {
  readonly port: number;
  /** How often each path was served. */
  readonly served: ReadonlyMap<string, number>;
  /** Ends of requests for `/held`. */
  readonly release: (() => void)[];
}

/** Starts a server that authenticates requests with `x-known`. */
async function serve(limits: { maxConnectionAgeMs?: number; goawayChance?: number } = {}): Promise<Rig> {
  const port = await freePort();
  const served = new Map<string, number>();
  const release: (() => void)[] = [];
  const inFlight = createInFlightLimit(0);
  server = await createServer({
    ...usualServerOptions,
    maxConnectionAgeMs: maxAgeMs,
    ...limits,
    port,
    tls: certificate,
    inFlight,
    connections: createOpenConnections({ limit: 1000, limitPerAddress: 0, onClosed: () => undefined }),
    metrics: createRequestMetrics(createRegistry(), inFlight.count, []),
    authenticator: knownByHeader,
    router: {
      async serve({ info: { path } }) {
        served.set(path, (served.get(path) ?? 0) + 1);
        if (path === '/held') await new Promise<void>((resolve) => release.push(resolve));
        // Some responses in several pieces, as long lists are.
        const body = path.endsWith('7') ? await bodyFromPieces(inPieces(path), () => undefined) : Buffer.from(path);
        return { status: 200, contentType: 'text/plain', body };
      },
      serveHealth: () => undefined,
    },
    log: createRecordingLog().log,
  });
  await server.listen();
  return { port, served, release };
}

function* inPieces(path: string): Generator<Buffer, Buffer> {
  for (let left = 3; left > 0; left -= 1) yield Buffer.alloc(100_000, ' ');
  return Buffer.from(path);
}

/** Sends all requests, `workers` at a time. */
async function load(send: (path: string) => Promise<string>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < requestCount) {
      const path = `/${next}`;
      next += 1;
      assert.equal((await send(path)).trimStart(), path);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}

/** Asserts that each request was served once: a repeated request had not been accepted before. */
function assertServedOnce(served: ReadonlyMap<string, number>): void {
  assert.equal(served.size, requestCount);
  assert.deepEqual(
    [...served].filter(([, count]) => count !== 1),
    [],
  );
}

/** Uses one connection, and repeats on the next one what the server has not accepted, as net/http's transport does. */
function createGoLikeClient(port: number) {
  const ages: number[] = [];
  const counts = { repeated: 0 };
  let current: Promise<ClientHttp2Session> | undefined;

  async function open(): Promise<ClientHttp2Session> {
    const session = await openSession(port);
    const sinceMs = performance.now();
    session.once('goaway', (code: number) => {
      assert.equal(code, constants.NGHTTP2_NO_ERROR);
      ages.push(performance.now() - sinceMs);
      current = undefined;
    });
    return session;
  }

  async function send(path: string): Promise<string> {
    for (;;) {
      current ??= open();
      const session = await current;
      // Between GOAWAY and its event.
      if (session.closed || session.destroyed) current = undefined;
      else {
        const stream = session.request({ ':path': path, ...known });
        let text = '';
        const ended = (async () => {
          for await (const chunk of stream) text += String(chunk);
        })();
        await ended.catch(() => undefined);
        if (stream.rstCode === constants.NGHTTP2_NO_ERROR && text !== '') return text;
        const wasRefused =
          stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ||
          (session.closed && text === '' && (stream.id ?? Infinity) > lastStreamOf(session));
        assert.ok(wasRefused, `${path} on stream ${stream.id} failed with code ${stream.rstCode}`);
        counts.repeated += 1;
      }
    }
  }
  return { send, ages, counts, close: async () => (await current)?.destroy() };
}

function lastStreamOf(session: ClientHttp2Session): number {
  return (session as unknown as { readonly goawayLastStreamID: number }).goawayLastStreamID;
}

describe('connections beyond their maximum age', () => {
  test('over HTTP/2, no request of thousands is lost or served twice, and no connection gets too old', async () => {
    const { port, served } = await serve();
    const client = createGoLikeClient(port);
    await load(client.send);
    await client.close();
    assertServedOnce(served);
    assert.ok(client.ages.length >= 3, `${client.ages.length} connections ended`);
    for (const ageMs of client.ages) {
      assert.ok(ageMs >= maxAgeMs * (1 - ageJitter) - 20 && ageMs <= longestAgeMs, `ended after ${ageMs} ms`);
    }
  });

  test('over HTTP/1.1, no request of thousands is lost or served twice, and no connection gets too old', async () => {
    const { port, served } = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: workers, rejectUnauthorized: false });
    const openedMs = new Map<Socket, number>();
    const oldest = { ms: 0 };
    await load(async (path) => {
      const request = request1({ agent, port, host: '127.0.0.1', path, headers: known });
      request.once('socket', (socket: Socket) => {
        if (!openedMs.has(socket)) openedMs.set(socket, performance.now());
      });
      request.end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      let text = '';
      for await (const chunk of response) text += String(chunk);
      oldest.ms = Math.max(oldest.ms, performance.now() - (openedMs.get(request.socket!) ?? 0));
      return text;
    });
    agent.destroy();
    assertServedOnce(served);
    assert.ok(openedMs.size >= 3 * workers, `${openedMs.size} connections`);
    assert.ok(oldest.ms <= longestAgeMs, `a request was answered after ${oldest.ms} ms`);
  });

  test('a request in progress is answered after GOAWAY, and GOAWAY names the last stream that was accepted', async () => {
    const { port, release } = await serve();
    using raw = await openRawHttp2(port);
    const ask = (stream: number, path: string) =>
      raw.send(
        frameType.headers,
        endHeaders | endStream,
        stream,
        headerBlock([...requestLine(path), ...Object.entries(known)]),
      );
    const frames = (type: number, stream: number) =>
      raw.received.filter((frame) => frame.type === type && frame.stream === stream);
    const sinceMs = performance.now();
    await until('it is beyond its age', () => performance.now() - sinceMs > 2 * maxAgeMs);
    ask(1, '/held');
    await until('GOAWAY', () => frames(frameType.goaway, 0).length > 0);
    ask(3, '/late');
    assert.equal(release.length, 1);
    assert.equal(frames(frameType.headers, 1).length, 0);
    release[0]?.();
    await once(raw.socket, 'end');
    assert.equal(frames(frameType.headers, 1).length, 1);
    assert.equal(frames(frameType.headers, 3).length, 0);
    for (const { payload } of frames(frameType.goaway, 0)) {
      assert.deepEqual([payload.readUInt32BE(0), payload.readUInt32BE(4)], [1, constants.NGHTTP2_NO_ERROR]);
    }
  });

  test('an idle HTTP/2 connection stays, and ends with its next request', async () => {
    const { port } = await serve();
    const session = await openSession(port);
    const sinceMs = performance.now();
    let goaways = 0;
    session.on('goaway', () => {
      goaways += 1;
    });
    assert.equal((await ask2(session, '/first', known)).status, 200);
    await until('it is beyond its age', () => performance.now() - sinceMs > 2 * maxAgeMs);
    assert.equal(goaways, 0);
    const closed = once(session, 'close');
    assert.equal((await ask2(session, '/last', known)).status, 200);
    await closed;
    assert.equal(goaways, 1);
  });

  test('pipelined HTTP/1.1 requests are answered before the connection ends', async () => {
    const { port, release } = await serve();
    using connection = await openConnection1(port);
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\nx-known: yes\r\n\r\n`;
    const sinceMs = performance.now();
    const first = connection.ask(get('/held') + get('/second'));
    await until('it is beyond its age', () => performance.now() - sinceMs > maxAgeMs * (1 + ageJitter) + 20);
    release[0]?.();
    assert.equal((await first).headers.get('connection'), 'keep-alive');
    assert.equal((await connection.ask('')).text, '/second');
    const third = await connection.ask(get('/third'));
    assert.deepEqual([third.text, third.headers.get('connection')], ['/third', 'close']);
  });

  test('without a maximum age, connections stay', async () => {
    const { port } = await serve({ maxConnectionAgeMs: 0 });
    const sinceMs = performance.now();
    const session = await openSession(port);
    await until('it would be beyond its age', () => performance.now() - sinceMs > 2 * maxAgeMs);
    assert.equal((await ask2(session, '/once', known)).status, 200);
    assert.equal(session.closed, false);
    session.destroy();
  });
});

test('--goaway-chance loses no request of thousands either, beside a maximum age', async () => {
  const { port, served } = await serve({ goawayChance: 0.02, maxConnectionAgeMs: 60_000 });
  const client = createGoLikeClient(port);
  await load(client.send);
  await client.close();
  assertServedOnce(served);
  assert.ok(client.ages.length > 5, `${client.ages.length} connections ended`);
});
