/** Requests of any kind, by both protocols: each has an answer, none is an error of ours, and the server lives on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import fc from 'fast-check';
import type { Issued } from '../fakes/certificates.ts';
import { type Connection1, openConnection1 } from '../fakes/http1client.ts';
import { type Answer2, ask2, askLines2, openSession } from '../fakes/http2client.ts';
import { endHeaders, endStream, frame, frameType, headerBlock, preface } from '../fakes/rawhttp2.ts';
import { until } from '../fakes/until.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';
import { anyRequest, type AnyRequest } from './anyrequest.ts';

/** The same requests every time. With a failure, fast-check prints the seed and the smallest request that fails. */
const runs = { seed: 20_261_122, numRuns: 300 };
const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
const startLimitMs = 60_000;
let cluster: WholeCluster;
let frontProxy: Issued;

before(async () => {
  cluster = await startWholeCluster();
  // Who asks what is as random as the rest, and so is what they hear.
  cluster.apiServer.reviews.access = (spec) => ({ allowed: JSON.stringify(spec).length % 2 === 0 });
  cluster.apiServer.reviews.token = (token) =>
    token.length % 2 === 0 ? { authenticated: true, user: { username: token } } : { user: {} };
  frontProxy = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  // It asks for nothing before it listens.
  await until('it listens', () => cluster.apiServer.requests.length > 0);
  const endMs = performance.now() + startLimitMs;
  while ((await askAsAdmin('/readyz')) !== 200) {
    assert.ok(performance.now() < endMs, 'it does not become ready');
    await sleep(10);
  }
});

afterEach(async () => {
  assert.equal(await askAsAdmin('/livez'), 200);
  assert.equal(await askAsAdmin('/apis/metrics.k8s.io/v1/pods'), 200);
});

after(() => cluster[Symbol.asyncDispose]());

async function askAsAdmin(path: string): Promise<number> {
  const session = await openSession(cluster.port, frontProxy);
  const { status } = await ask2(session, path, admin);
  session.destroy();
  return status;
}

test('by HTTP/1.1', async () => {
  let connection: Connection1 | undefined;
  await fc.assert(
    fc.asyncProperty(anyRequest, async (request) => {
      if (connection?.isOpen() !== true) connection = await openConnection1(cluster.port, frontProxy);
      const lines = [['host', 'x'], ...request.headers].map(([name, value]) => `${name}: ${value}\r\n`);
      const { status, headers, text } = await connection.ask(
        `${request.method} ${request.target} HTTP/1.1\r\n${lines.join('')}\r\n`,
      );
      checkAnswer(request, status, (name) => headers.get(name), text);
    }),
    runs,
  );
  connection?.[Symbol.dispose]();
});

test('by HTTP/2', async () => {
  let session: ClientHttp2Session | undefined;
  const ask = async (request: AnyRequest): Promise<Answer2> => {
    if (session?.closed !== false) session = await openSession(cluster.port, frontProxy);
    return askLines2(session, linesOf(request));
  };
  await fc.assert(
    fc.asyncProperty(anyRequest, async (request) => {
      const { status, headers, text } = await ask(request).catch((error: unknown) => {
        // An unauthenticated client gets one answer and then GOAWAY, which crossed this request: clients retry.
        if (!String(error).includes('NGHTTP2_REFUSED_STREAM')) throw error;
        return ask(request);
      });
      checkAnswer(request, status, (name) => headers[name], text);
    }),
    runs,
  );
  session?.destroy();
});

test('by requests with bytes changed, of which some are none any more', async () => {
  const change = fc.tuple(fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 4 }));
  const request1 = anyRequest.map(({ method, target, headers }) => {
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    return Buffer.from(`${method} ${target} HTTP/1.1\r\nhost: x\r\n${lines}\r\n`, 'latin1');
  });
  const request2 = anyRequest.map((request) => headerBlock(linesOf(request))).map(asFrames);
  const broken = (request: fc.Arbitrary<Buffer>) =>
    fc
      .tuple(request, fc.array(change, { minLength: 1, maxLength: 3 }))
      .map(([bytes, changes]) => changes.reduce<Buffer>(changed, bytes));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('http/1.1', 'h2'),
      broken(request1),
      broken(request2),
      async (protocol, bytes1, bytes2) => {
        const answer = await allThatComesBack(protocol, protocol === 'h2' ? bytes2 : bytes1);
        if (protocol === 'http/1.1' && answer !== '') assert.match(answer, /^HTTP\/1\.1 [1-4]\d\d /);
      },
    ),
    { ...runs, numRuns: 100 },
  );
});

function changed(bytes: Buffer, [where, removed, added]: readonly [number, number, Uint8Array]): Buffer {
  const at = where % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
}

/** A whole connection by HTTP/2: its preface, no settings, and a request. */
function asFrames(block: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(preface),
    frame(frameType.settings, 0, 0),
    frame(frameType.headers, endHeaders | endStream, 1, block),
  ]);
}

async function allThatComesBack(protocol: string, bytes: Buffer): Promise<string> {
  const to = { host: '127.0.0.1', port: cluster.port, rejectUnauthorized: false, ALPNProtocols: [protocol] };
  const socket = connect({ ...to, ...frontProxy });
  let received = '';
  socket.on('error', () => undefined);
  socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
  await once(socket, 'secureConnect');
  // The end of what is sent, so that the server does not wait for more.
  socket.end(bytes);
  if (!socket.closed) await once(socket, 'close');
  return received;
}

function linesOf({ method, target, headers }: AnyRequest): [string, string][] {
  const authority: [string, string] = [':authority', 'x'];
  // A tunnel has no path.
  if (method === 'CONNECT') return [[':method', method], authority];
  return [
    [':method', method],
    [':scheme', 'https'],
    authority,
    [':path', target],
    ...headers.map(([name, value]): [string, string] => [name, value]),
  ];
}

type Header = (name: 'content-type' | 'content-encoding') => string | undefined;

function checkAnswer({ target }: AnyRequest, status: number, header: Header, text: string): void {
  // A request with ?timeout= may get 504.
  assert.ok((status >= 200 && status < 500) || (status === 504 && target.includes('timeout=')), `${status}: ${text}`);
  const isCompressed = header('content-encoding') !== undefined;
  if (header('content-type') === 'application/json' && text !== '' && !isCompressed) JSON.parse(text);
}
