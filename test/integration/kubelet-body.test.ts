/** A body that is read while it comes: what its reader is given, when it has had enough, and what happens when it throws. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ResponseBodyReader, OnBody } from '../../src/kubelet/http/body.ts';
import type { ResponseInfo } from '../../src/kubelet/http/responsehead.ts';
import { createKubeletClient, type KubeletClient } from '../../src/kubelet/client.ts';
import { BodyTooLargeError } from '../../src/kubelet/explain/kubeleterror.ts';
import { createKubeletProxy } from '../../src/kubelet/proxy.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { httpClientOf } from '../fakes/httpclient.ts';
import { listen } from '../fakes/listen.ts';

const httpClient = httpClientOf(import.meta.url);
const authority = makeAuthority('kubelets');
const date = 'Sun, 22 Nov 2026 21:54:07 GMT';
/** Larger than any one read, and different everywhere. */
const body = Buffer.from(Array.from({ length: 60_000 }, (_, line) => `line ${line}\n`).join(''));
const compressed = gzipSync(body);

let server: Server;
let port: number;
let connections = 0;

before(async () => {
  const certificate = authority.issue({ cn: 'node-a', ips: ['127.0.0.1'], usages: ['server'] });
  server = createServer(certificate, (request, response) => {
    const path = request.url?.replace(/^\/api\/v1\/nodes\/node-\w+\/proxy/, '');
    const gzip = request.headers['accept-encoding'] === 'gzip';
    const headers = { 'content-type': 'text/plain', date, ...(gzip ? { 'content-encoding': 'gzip' } : {}) };
    if (path === '/empty') response.writeHead(200, headers).end(gzip ? gzipSync('') : '');
    else if (path === '/missing') response.writeHead(404, { 'content-type': 'text/plain' }).end('none');
    else if (path === '/bomb') response.writeHead(200, headers).end(bomb());
    else if (path === '/broken') response.writeHead(200, headers).end(compressed.subarray(0, -100));
    else if (path?.startsWith('/own/') === true) sendSlowly(response.writeHead(200, headers), path, gzip);
    else response.writeHead(200, headers).end(gzip ? compressed : body);
  });
  server.on('secureConnection', () => (connections += 1));
  port = await listen(server, 0);
});

after(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** Only this path's, in pieces between which others have their turn. */
function sendSlowly(response: ServerResponse, path: string, gzip: boolean): void {
  const bytes = gzip ? gzipSync(bodyOf(path)) : bodyOf(path);
  let at = 0;
  const send = () => {
    response.write(bytes.subarray(at, at + 5_000));
    at += 5_000;
    if (at < bytes.length) setImmediate(send);
    else response.end();
  };
  send();
}

function bodyOf(path: string): Buffer {
  return Buffer.from(`${path} ${createHash('sha512').update(path).digest('hex')}\n`.repeat(1_000));
}

/** More than the limit once it is inflated, and little before. */
function bomb(): Buffer {
  return gzipSync(Buffer.alloc(80 * 1024 * 1024));
}

class Collector implements ResponseBodyReader {
  readonly chunks: Buffer[] = [];

  write(chunk: Buffer): boolean {
    // The bytes are not ours to keep.
    this.chunks.push(Buffer.from(chunk));
    return true;
  }
}

const clients: Readonly<Record<string, () => KubeletClient>> = {
  direct: () =>
    createKubeletClient({
      tls: () => trust,
      authorization: async () => 'Bearer good',
      plainHttp: false,
      httpClient,
      requestTimeoutMs: 60_000,
    }),
  proxy: () =>
    createKubeletProxy({
      apiServer: {
        url: `https://127.0.0.1:${port}`,
        tls: () => material,
        authorization: async () => 'Bearer good',
      },
      requestTimeoutMs: 60_000,
    }),
};
/** The same object each time, as long as nothing changed. */
const trust = { ca: authority.cert, cert: undefined, key: undefined, insecure: false };
const material = { ca: authority.cert, rejectUnauthorized: true };

for (const [name, makeClient] of Object.entries(clients)) {
  describe(`by ${name}`, () => {
    const fetch = (client: KubeletClient, path: string, gzip: boolean, onBody?: OnBody, node = 'node-a') =>
      client.fetch(
        {
          node,
          host: '127.0.0.1',
          port,
          path,
          accept: 'text/plain',
          gzip,
          alternatives: 0,
          ...(onBody === undefined ? {} : { onBody }),
        },
        new AbortController().signal,
      );

    for (const gzip of [false, true]) {
      const form = gzip ? 'gzip' : 'identity';

      test(`${form}: a reader is given the head first, then all of the body in order, and the answer has none`, async () => {
        await using client = makeClient();
        const heads: ResponseInfo[] = [];
        const reader = new Collector();
        const answer = await fetch(client, '/', gzip, (head) => {
          heads.push(head);
          return reader;
        });
        const head = { status: 200, contentType: 'text/plain', dateMs: Date.parse(date) };
        assert.deepEqual(heads, [head]);
        assert.ok(Buffer.concat(reader.chunks).equals(body));
        assert.equal(answer.body.length, 0);
        assert.equal(answer.wireBytes, gzip ? compressed.length : body.length);
      });

      test(`${form}: without a reader the answer has the body, whatever its status`, async () => {
        await using client = makeClient();
        const statuses: number[] = [];
        const choose: OnBody = ({ status }) => void statuses.push(status);
        assert.ok((await fetch(client, '/', gzip)).body.equals(body));
        assert.ok((await fetch(client, '/', gzip, choose)).body.equals(body));
        const missing = await fetch(client, '/missing', gzip, choose);
        assert.equal(missing.body.toString(), 'none');
        assert.deepEqual(statuses, [200, 404]);
      });

      test(`${form}: a reader of an empty body is asked for nothing`, async () => {
        await using client = makeClient();
        const reader = new Collector();
        assert.equal((await fetch(client, '/empty', gzip, () => reader)).body.length, 0);
        assert.deepEqual(reader.chunks, []);
      });

      test(`${form}: a reader that has had enough is given no more, and the connection is used again`, async () => {
        await using client = makeClient();
        let writes = 0;
        const first = connections;
        for (let turn = 0; turn < 5; turn += 1) {
          const answer = await fetch(client, '/', gzip, () => ({
            write: () => {
              writes += 1;
              return false;
            },
          }));
          assert.equal(answer.wireBytes, gzip ? compressed.length : body.length);
        }
        assert.equal(writes, 5);
        // A pool may not know yet that its first one is free again.
        assert.ok(connections - first <= (name === 'proxy' ? 2 : 1));
      });

      test(`${form}: what a reader throws is what the request rejects with, and the connection is not used again`, async () => {
        await using client = makeClient();
        const thrown = new Error('of the reader');
        const first = connections;
        const throwing: ResponseBodyReader = {
          write() {
            throw thrown;
          },
        };
        await assert.rejects(
          fetch(client, '/', gzip, () => throwing),
          (error) => error === thrown,
        );
        await assert.rejects(
          fetch(client, '/', gzip, () => {
            throw thrown;
          }),
          (error) => error === thrown,
        );
        assert.ok((await fetch(client, '/', gzip)).body.equals(body));
        assert.equal(connections - first, 3);
      });
    }

    test('bodies of many nodes at once do not mix', async () => {
      await using client = makeClient();
      const nodes = Array.from({ length: 24 }, (_, index) => `node-${index}`);
      await Promise.all(
        nodes.map(async (node, index) => {
          const reader = new Collector();
          const onBody = () => (index % 3 === 0 ? undefined : reader);
          const answer = await fetch(client, `/own/${node}`, index % 2 === 0, onBody, node);
          const read = Buffer.concat([answer.body, ...reader.chunks]);
          assert.ok(read.equals(bodyOf(`/own/${node}`)), node);
        }),
      );
    });

    for (const onBody of [undefined, () => new Collector()]) {
      const whose = onBody === undefined ? 'that is kept' : 'that is read';
      test(`a body ${whose} has a limit after inflating, too`, async () => {
        await using client = makeClient();
        await assert.rejects(fetch(client, '/bomb', true, onBody), BodyTooLargeError);
      });

      test(`a compressed body ${whose} and that ends early is broken`, async () => {
        await using client = makeClient();
        await assert.rejects(fetch(client, '/broken', true, onBody), { name: 'KubeletError', message: /is broken$/ });
      });
    }
  });
}
