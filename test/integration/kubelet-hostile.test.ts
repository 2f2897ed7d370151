/** Kubelets that mean harm, or are something else: each ends in an error that says so, within limits, and nothing of our credentials is in it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createServer, type Server } from 'node:tls';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { createKubeletClient, type KubeletClient, type KubeletResponse } from '../../src/kubelet/client.ts';
import { explainFailure } from '../../src/kubelet/explain/explainfailure.ts';
import { inOneLine, type ExplanationCode } from '../../src/kubelet/explain/explanation.ts';
import { KubeletError } from '../../src/kubelet/explain/kubeleterror.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { httpClientOf } from '../fakes/httpclient.ts';
import { listen } from '../fakes/listen.ts';

const httpClient = httpClientOf(import.meta.url);
const secret = 'c2VjcmV0';
const authority = makeAuthority('kubelets');
const trust = { ca: authority.cert, cert: undefined, key: undefined, insecure: false };

/** The server's reaction to a request. */
interface Behaviour {
  readonly onQuestion?: (socket: Socket, question: string) => void;
}

let server: Server;
let port: number;
let behaviour: Behaviour = {};
let connections = 0;

before(async () => {
  const certificate = authority.issue({ cn: 'node-a', ips: ['127.0.0.1'], usages: ['server'] });
  server = createServer(certificate, (socket) => {
    connections += 1;
    socket.on('error', () => {});
    socket.on('data', (data) => behaviour.onQuestion?.(socket, data.toString('latin1')));
  });
  port = await listen(server, 0);
});

after(async () => {
  server.close();
  await once(server, 'close');
});

function makeClient(requestTimeoutMs = 30_000): KubeletClient {
  const authorization = async () => `Bearer ${secret}`;
  return createKubeletClient({ tls: () => trust, authorization, plainHttp: false, requestTimeoutMs, httpClient });
}

function fetch(client: KubeletClient): Promise<KubeletResponse> {
  const request = { node: 'node-a', host: '127.0.0.1', port, path: '/', accept: '*/*', gzip: true, alternatives: 0 };
  return client.fetch(request, new AbortController().signal);
}

/** Sends the same again and again, as fast as it is read, until the connection is closed. */
function flood(socket: Socket, piece: string): void {
  const send = () => {
    while (!socket.destroyed && socket.write(piece));
    if (!socket.destroyed) socket.once('drain', send);
  };
  send();
}

const head = 'HTTP/1.1 200 OK\r\n';
const good = `${head}content-length: 4\r\n\r\ngood`;

function refuses(name: string, code: ExplanationCode, does: Behaviour, timeoutMs = 30_000): void {
  test(`${name} is ${code}`, async () => {
    behaviour = does;
    const seen = connections;
    await using client = makeClient(timeoutMs);
    const error = await fetch(client).then(
      () => assert.fail('it was accepted'),
      (cause: unknown) => cause,
    );
    assert.ok(error instanceof KubeletError, inspect(error));
    // undici hands on what came.
    assert.equal(explainFailure(error).code, code, inspect(error));
    if (httpClient === 'built-in') {
      assert.ok(!inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true }).includes(secret));
    }
    assert.ok(!inOneLine(explainFailure(error)).includes(secret));
    // Nothing was tried again: the connection was a new one.
    assert.equal(connections, seen + 1);
  });
}

const answers = (text: string): Behaviour => ({ onQuestion: (socket) => void socket.write(text, 'latin1') });
const floods = (start: string, piece: string): Behaviour => ({
  onQuestion: (socket) => {
    socket.write(start);
    flood(socket, piece);
  },
});

describe('what is refused:', () => {
  refuses('a head without end', 'NotHttp', floods(head, `x: ${'y'.repeat(1_000)}\r\n`));
  refuses('one header without end', 'NotHttp', floods(`${head}x: `, 'y'.repeat(10_000)));
  refuses(
    'trailers without end',
    'NotHttp',
    floods(`${head}transfer-encoding: chunked\r\n\r\n0\r\n`, `x: ${'y'.repeat(1_000)}\r\n`),
  );
  refuses(
    'a body of another length than that of its chunks',
    'NotHttp',
    answers(`${head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
  );
  refuses(
    'a length that no body has',
    'BodyTooLarge',
    floods(`${head}content-length: 900000000000\r\n\r\n`, 'x'.repeat(60_000)),
  );
  refuses(
    'a chunk that is larger than any body',
    'BodyTooLarge',
    floods(`${head}transfer-encoding: chunked\r\n\r\nffffffff\r\n`, 'x'.repeat(60_000)),
  );
  refuses(
    'a chunk of a size beyond numbers',
    'NotHttp',
    answers(`${head}transfer-encoding: chunked\r\n\r\n${'f'.repeat(17)}\r\n`),
  );
  refuses(
    'a chunk size without end',
    'NotHttp',
    floods(`${head}transfer-encoding: chunked\r\n\r\n`, 'g'.repeat(1_000)),
  );
  refuses('NUL bytes', 'NotHttp', answers(`${head}x: \0\r\ncontent-length: 0\r\n\r\n`));
  refuses('a line that ends early, and nothing more', 'NotHttp', answers('SSH-2.0-OpenSSH\r\n'));
  refuses('our own words', 'NotHttp', { onQuestion: (socket, question) => void socket.write(question) });
  refuses('our own words as a header', 'NotHttp', {
    onQuestion: (socket, question) => void socket.write(`${head}x\0${question}`),
  });
  refuses('an answer that gets slower and slower', 'Timeout', answers(`${head}content-length: 4\r\n\r\ngoo`), 1_500);
  refuses(
    'a compressed body that is none',
    'BodyBroken',
    answers(`${head}content-encoding: gzip\r\ncontent-length: 4\r\n\r\ngood`),
  );
  refuses(
    'a body in an encoding that was not asked for',
    'Other',
    answers(`${head}content-encoding: br\r\ncontent-length: 4\r\n\r\ngood`),
  );
  refuses(
    'a body that was compressed twice',
    'Other',
    answers(`${head}content-encoding: gzip, gzip\r\ncontent-length: 4\r\n\r\ngood`),
  );
  const ends = (text: string | Buffer): Behaviour => ({ onQuestion: (socket) => void socket.end(text) });
  refuses('a body that ends with its connection', 'BodyBroken', ends(`${head}\r\ngood\n`));
  refuses('no body, and the end of the connection', 'BodyBroken', ends(`${head}content-type: text/plain\r\n\r\n`));
  refuses(
    'a body of several gzip members that was cut between two',
    'BodyBroken',
    ends(Buffer.concat([Buffer.from(`${head}content-encoding: gzip\r\n\r\n`), gzipSync('good\n')])),
  );
});

describe('what is for the built-in client alone:', { skip: httpClient === 'undici' && 'undici takes them' }, () => {
  refuses('lines that end without a carriage return', 'NotHttp', answers('HTTP/1.1 200 OK\ncontent-length: 4\n\ngood'));
  refuses('answers before the answer without end', 'NotHttp', floods('', 'HTTP/1.1 103 Early Hints\r\n\r\n'));
});

for (const coding of ['gzip', 'GZIP', 'x-gzip', 'identity', 'Identity']) {
  test(`a body in the encoding ${coding} is read`, async () => {
    const body = coding.toLowerCase() === 'identity' ? Buffer.from('good') : gzipSync('good');
    const lines = [`content-encoding: ${coding}`, `content-length: ${body.length}`];
    const answer = Buffer.concat([Buffer.from(`${head}${lines.join('\r\n')}\r\n\r\n`), body]);
    behaviour = { onQuestion: (socket) => void socket.write(answer) };
    await using client = makeClient();
    assert.equal((await fetch(client)).body.toString(), 'good');
  });
}

test('an error that ends with its connection is quoted', async () => {
  behaviour = { onQuestion: (socket) => void socket.end('HTTP/1.1 503 Unavailable\r\n\r\nnot now') };
  await using client = makeClient();
  const { status, body } = await fetch(client);
  assert.deepEqual([status, body.toString()], [503, 'not now']);
});

test('a body of very small chunks is one body', async () => {
  const digits = Array.from({ length: 20_000 }, (_, at) => `${at % 10}`);
  const chunks = digits.map((digit) => `1\r\n${digit}\r\n`).join('');
  behaviour = answers(`${head}transfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
  await using client = makeClient();
  assert.equal((await fetch(client)).body.toString(), digits.join(''));
});

describe('an answer that is followed by', () => {
  for (const [name, more] of [
    ['more', 'x'],
    ['another', `${head}content-length: 4\r\n\r\nevil`],
  ] as const) {
    for (const late of [false, true]) {
      test(`${name}${late ? ' later on' : ''} is one answer, and the last over its connection`, async () => {
        const sent = Promise.withResolvers<Socket>();
        behaviour = {
          onQuestion(socket) {
            socket.write(late ? good : `${good}${more}`);
            sent.resolve(socket);
          },
        };
        await using client = makeClient();
        const first = connections;
        assert.equal((await fetch(client)).body.toString(), 'good');
        const socket = await sent.promise;
        const closed = new Promise((resolve) => socket.once('close', resolve));
        if (late) socket.write(more);
        await closed;
        behaviour = answers(good);
        assert.equal((await fetch(client)).body.toString(), 'good');
        assert.equal(connections, first + 2);
      });
    }
  }
});
