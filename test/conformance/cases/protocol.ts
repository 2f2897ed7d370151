/** Statements 119 to 128, but for TLS: the connection and its limits. Its end is with health. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { type Case, exchange, M } from '../case.ts';
import { normalise, type Observation } from '../normalise.ts';

const nodes = `${M}/nodes`;

export const protocol: readonly Case[] = [
  exchange(119, nodes, 200, { headers: [['Audit-Id', 'x']] }),
  exchange(119, nodes, 200, { headers: [['Audit-Id', 'a/b<c>']], http2: true }),
  exchange([119, 120], nodes, 200, { name: 'an Audit-Id of its own and no caching' }),
  exchange(120, `${M}/nodes/nope`, 404, { name: 'no caching of an error' }),
  {
    statements: [123],
    name: 'plain HTTP',
    probe: async ({ server }) => {
      const socket = connectTcp(server.port, '127.0.0.1');
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('error', () => undefined);
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      socket.setTimeout(20_000, () => socket.destroy());
      await once(socket, 'close');
      return Buffer.concat(chunks).toString();
    },
    expect: 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n',
  },
  exchange(124, nodes, 200, { name: 'a header of 100 KB', headers: [['X-Long', 'x'.repeat(100_000)]] }),
  exchange(124, nodes, 200, { name: '100 KB of headers over HTTP/2', headers: longLines(100), http2: true }),
  {
    statements: [124],
    name: 'a header of 1.2 MB',
    probe: async ({ ask }) => {
      const question = { path: nodes, headers: [['X-Long', 'x'.repeat(1_200_000)]] as const };
      // Either may end the connection before all was sent.
      return ask(question).then(
        ({ status }) => (status === 431 ? 'refused' : status),
        () => 'refused',
      );
    },
    expect: 'refused',
  },
  ...[false, true].map((http2) =>
    exchange(124, `${nodes}?x=`.padEnd(70_000, 'a'), 200, {
      name: `a URL of 70,000 bytes over HTTP/${http2 ? 2 : 1.1}`,
      http2,
      differs: 'a long URL',
    }),
  ),
  exchange([87, 124], `${nodes}/${'a'.repeat(2000)}`, 404, {
    name: 'a name of 2,000 characters',
    differs: 'a long name',
  }),
  exchange(125, nodes, 200, { headers: [['Host', 'anything.example:1']] }),
  {
    statements: [125],
    name: 'OPTIONS * over HTTP/1.1',
    probe: async ({ server }) => {
      const target = { port: server.port, host: '127.0.0.1', path: '*', method: 'OPTIONS', rejectUnauthorized: false };
      const [answer] = (await once(requestHttps(target).end(), 'response')) as [IncomingMessage];
      const headers = new Map(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      return normalise({ status: answer.statusCode ?? 0, headers, body: Buffer.concat(chunks) });
    },
    expect: { status: 200, headers: {}, form: 'empty', body: '' },
  },
  exchange(125, '*', 200, { method: 'OPTIONS', as: 'anonymous', http2: true }),
  ...[false, true].map(
    (http2): Case => ({
      statements: [127],
      name: `a request that takes longer than it wants, over HTTP/${http2 ? 2 : 1.1}`,
      phase: 'changing',
      probe: async ({ server, ask, unauthorising, hangAuthorization }) => {
        await hangAuthorization();
        const startedMs = performance.now();
        const headers = [
          ['X-Remote-User', 'patient'],
          ['X-Remote-Group', 'g'],
        ] as const;
        const question = { path: `${nodes}?timeout=2s`, as: 'front-proxy', headers, http2 } as const;
        const answer = await ask(question, unauthorising).then(
          (given) => normalise(given),
          // The deadline strikes the real server's review at the same moment, and then it sometimes cuts the connection in the middle of a 500.
          (error: unknown) => (server.name === 'real' ? tooLate : String(error)),
        );
        // Not earlier; on a busy machine later.
        return { answer, hasWaited: performance.now() - startedMs > 1_900 };
      },
    }),
  ),
  {
    statements: [126],
    name: 'more requests at once than the limit',
    phase: 'changing',
    probe: async ({ ask, unauthorising, hangAuthorization }) => {
      await hangAuthorization();
      const asUser = (user: string) =>
        [
          ['X-Remote-User', user],
          ['X-Remote-Group', 'g'],
        ] as const;
      const path = `${nodes}?timeout=5s`;
      const first = ask({ path, as: 'front-proxy', headers: asUser('in-flight') }, unauthorising).catch(
        () => undefined,
      );
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const second = await ask({ path, as: 'front-proxy', headers: asUser('too-much') }, unauthorising);
      const administrator = await ask({ path: nodes }, unauthorising);
      await first;
      return { second: normalise(second), administrator: administrator.status };
    },
  },
  {
    // The last of its phase: it waits for what is missing of the silence.
    statements: [128],
    name: 'connections that were left alone for 85 s are still good',
    phase: 'changing',
    probe: ({ afterSilence }) => afterSilence,
    expect: { http1: '200', http2: '200' },
  },
];

/** The real server's answer where it has time for one. */
const tooLate: Observation = {
  status: 504,
  headers: {
    'audit-id': '<uuid>',
    'cache-control': 'no-cache, private',
    'content-type': 'text/plain; charset=utf-8',
  },
  form: 'compact JSON',
  body: {
    metadata: {},
    status: 'Failure',
    message: 'Timeout: request did not complete within the allotted timeout',
    reason: 'Timeout',
    details: {},
    code: 504,
  },
};

function longLines(count: number): (readonly [string, string])[] {
  return Array.from({ length: count }, (_, index) => [`X-Long-${index}`, 'x'.repeat(1000)] as const);
}
