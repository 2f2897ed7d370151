/** Tokens that kubelets, kube-apiserver or what stands between repeat are in no error, log or status; nor are control characters. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { createRestClient } from '../../src/client/rest.ts';
import { createTokenReviewer } from '../../src/client/reviews.ts';
import { systemClock } from '../../src/clock.ts';
import { createKubeletClient, type KubeletClientOptions } from '../../src/kubelet/client.ts';
import { createLogger, describeError, type LogFormat, silentLogger } from '../../src/logging.ts';
import { createLocalPool } from '../../src/scrape/endpoint/localpool.ts';
import { createWorkerPool } from '../../src/scrape/endpoint/workers/workerpool.ts';
import { createFakeApiServer } from '../fakes/apiserver.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { listen } from '../fakes/listen.ts';

const never = new AbortController().signal;
const previous = `previous-${'pqrstuvwxyz0123456789'.repeat(40)}`;
const current = `current-${'ABCDEFGHIJKLMNOP.qrst-uvw_'.repeat(40)}`;
const controls = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

/** Reports that neither token is in what is shown, nor a part of it that is worth something, nor a control character. */
function assertClean(shown: unknown): void {
  const text =
    typeof shown === 'string' ? shown : inspect(shown, { depth: 10, maxStringLength: null }).replaceAll('\n', ' ');
  for (const token of [previous, current]) {
    for (const form of [token, Buffer.from(token).toString('base64'), Buffer.from(token).toString('hex')]) {
      for (let at = 0; at + 16 <= form.length; at += 1)
        assert.ok(!text.includes(form.slice(at, at + 16)), `${text} has ${form.slice(at, at + 16)}`);
    }
  }
  assert.doesNotMatch(text, controls);
}

/** Ways in which a kubelet may repeat the header that it got. */
const repeats: Readonly<Record<string, (authorization: string) => string>> = {
  'as it is': (authorization) => `you sent ${authorization}`,
  'across the cut': (authorization) => `${'x'.repeat(280)}${authorization}`,
  'from its middle': (authorization) => `...${authorization.slice(100, 150)}...`,
  'in base64': (authorization) => Buffer.from(`Authorization: ${authorization}`).toString('base64'),
  'in hexadecimal': (authorization) => Buffer.from(authorization).toString('hex'),
  'of yesterday': () => `your last token was ${previous}`,
  'with control characters': (authorization) => `\u001b[2J\u009b31m\u202e\u2028${authorization}\u0007`,
};

describe('a kubelet that repeats the token', () => {
  let server: Server;
  let port: number;
  let repeat: (authorization: string) => string = () => '';
  let status = 500;
  let contentType: ((said: string) => string) | undefined;

  before(async () => {
    const authority = makeAuthority('kubelets');
    const certificate = authority.issue({ cn: 'node-a', ips: ['127.0.0.1'], usages: ['server'] });
    server = createTlsServer(certificate, ({ headers }, response) => {
      const said = repeat(headers.authorization ?? '');
      const type = contentType?.(said) ?? 'text/plain';
      response.writeHead(status, { 'content-type': type.replaceAll(/[^ -~]/g, '') }).end(said);
    });
    options = { ...options, tls: () => ({ ca: authority.cert, cert: undefined, key: undefined, insecure: false }) };
    port = await listen(server, 0);
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  let token = previous;
  let options: KubeletClientOptions = {
    tls: () => assert.fail(),
    authorization: () => `Bearer ${token}`,
    plainHttp: false,
    requestTimeoutMs: 60_000,
  };
  const makers = {
    'in this thread': () => createLocalPool(createKubeletClient(options), systemClock),
    'in a worker thread': () => createWorkerPool({ ...options, clock: systemClock, log: silentLogger }),
  };

  for (const [where, make] of Object.entries(makers)) {
    for (const [how, say] of Object.entries(repeats)) {
      test(`${how}, asked ${where}`, async () => {
        repeat = say;
        await using endpoints = make();
        const endpoint = endpoints.of('node-a');
        const at = [{ host: '127.0.0.1', port }] as const;
        token = previous;
        status = 500;
        contentType = undefined;
        assertClean(await endpoint.resource(at, never));
        token = current;
        const result = await endpoint.resource(at, never);
        assert.match(inspect(result), /returned 500/);
        assertClean(result);
        status = 200;
        contentType = (said) => `odd/${said}`;
        assertClean(await endpoint.resource(at, never));
        contentType = undefined;
        assertClean(await endpoint.cadvisor(at, never));
      });
    }
  }
});

describe('kube-apiserver, or what stands before it,', () => {
  for (const [how, say] of Object.entries(repeats)) {
    test(`may repeat the reviewed token ${how}`, async () => {
      await using fake = await createFakeApiServer();
      await using rest = createRestClient(fake.connection);
      const reviewer = createTokenReviewer(rest);
      fake.reviews.token = (token) => ({ user: {}, error: say(token) });
      const result = await reviewer.review(current);
      assert.equal(result.kind, 'failed');
      assertClean(result);
    });
  }

  test('may repeat our own token in an error, and the reviewed one in a page', async () => {
    const pages = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const said = `<p>${'x'.repeat(150)}${body}${request.headers.authorization}\u001b[2J`;
        if (request.url?.startsWith('/apis/') === true) response.writeHead(403).end(said);
        else response.writeHead(403).end(JSON.stringify({ kind: 'Status', message: said, code: 403 }));
      });
    });
    const port = await listen(pages, 0);
    const connection = {
      url: `http://127.0.0.1:${port}`,
      tls: () => material,
      authorization: () => `Bearer ${previous}`,
    };
    const material = { rejectUnauthorized: true };
    try {
      await using rest = createRestClient(connection);
      await assert.rejects(createTokenReviewer(rest).review(current), (error) => {
        assertClean(describeError(error));
        return true;
      });
      await assert.rejects(rest.get('/api/v1/nodes'), (error) => {
        assertClean(describeError(error));
        return true;
      });
    } finally {
      pages.closeAllConnections();
      pages.close();
    }
  });
});

for (const format of ['text', 'json'] satisfies LogFormat[]) {
  test(`a log of ${format} has neither tokens nor control characters, in messages and fields`, async () => {
    // The log knows what was shown to kubelets.
    await using kubelet = createKubeletClient({
      tls: () => assert.fail(),
      authorization: () => `Bearer ${current}`,
      plainHttp: false,
      requestTimeoutMs: 1,
    });
    const request = { node: 'a', host: '127.0.0.1', port: 1, path: '/', accept: '', gzip: false, alternatives: 0 };
    await kubelet.fetch(request, never).catch(() => undefined);
    const lines: string[] = [];
    const log = createLogger(format, 0, { write: (line) => void lines.push(line) });
    const bad = `a\n\u001b[31m\u009b\u2028\u202e${current}`;
    log.warn(
      { code: 'Other', reason: bad, nested: { list: [bad] }, err: new Error(bad, { cause: new Error(bad) }) },
      bad,
    );
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /\n$/);
    const [line = ''] = lines;
    assertClean(line.slice(0, -1));
    if (format === 'json') assertClean(JSON.parse(line));
  });
}
