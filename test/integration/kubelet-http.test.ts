/** The built-in HTTP client held against undici on the same bytes: it may say no more often, but never accepts what undici does not, nor reads it otherwise. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { createKubeletClient, type KubeletClient } from '../../src/kubelet/client.ts';
import type { HttpClient } from '../../src/kubelet/nodeconnections.ts';
import { KubeletError } from '../../src/kubelet/explain/kubeleterror.ts';
import { type Pieces, responses } from '../fakes/httpresponses.ts';
import { listen } from '../fakes/listen.ts';

let server: Server;
let port: number;
let served: Pieces = [];
const clients = new Map<HttpClient, KubeletClient>();

before(async () => {
  server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      let next = 0;
      const send = () => {
        const piece = served[next];
        next += 1;
        if (piece === undefined) socket.end();
        else socket.write(piece, () => setImmediate(send));
      };
      send();
    });
  });
  port = await listen(server, 0);
  for (const httpClient of ['built-in', 'undici'] as const) {
    const authorization = async () => undefined;
    const tls = () => ({ ca: undefined, cert: undefined, key: undefined, insecure: false });
    clients.set(
      httpClient,
      createKubeletClient({ tls, authorization, plainHttp: true, requestTimeoutMs: 20_000, httpClient }),
    );
  }
});

after(async () => {
  for (const client of clients.values()) await client[Symbol.asyncDispose]();
  server.close();
});

/** The answer without what differs by client, or that there is none. */
async function read(httpClient: HttpClient): Promise<object | 'rejected'> {
  const client = clients.get(httpClient);
  assert.ok(client);
  const request = { node: 'node-a', host: '127.0.0.1', port, path: '/', accept: '*/*', gzip: true, alternatives: 0 };
  try {
    const { status, contentType, dateMs, body, wireBytes } = await client.fetch(request, new AbortController().signal);
    // undici leaves spaces behind a header's value, which are no part of it (RFC 9110, section 5.5).
    return {
      status,
      contentType: contentType.replace(/[\t ]+$/, ''),
      dateMs,
      body: body.toString('latin1'),
      wireBytes,
    };
  } catch (error) {
    assert.ok(error instanceof KubeletError, String(error));
    return 'rejected';
  }
}

const runs = 400;

test('what the built-in client reads, undici reads so, too', async () => {
  let accepted = 0;
  let stricter = 0;
  await fc.assert(
    fc.asyncProperty(responses, async (pieces) => {
      served = pieces;
      const [ours, reference] = [await read('built-in'), await read('undici')];
      if (ours === 'rejected') {
        if (reference !== 'rejected') stricter += 1;
        return;
      }
      accepted += 1;
      assert.deepEqual(ours, reference, Buffer.concat([...pieces]).toString('latin1'));
    }),
    { seed: 20_261_122, numRuns: runs },
  );
  // Otherwise little was compared.
  assert.ok(accepted > runs / 3, `only ${accepted} of ${runs} were accepted`);
  assert.ok(stricter < runs / 6, `${stricter} of ${runs} were rejected by the built-in client alone`);
});
