/** Limits of URL and headers, and how headers are parsed, over both protocols. */
import assert from 'node:assert/strict';
import type { ClientHttp2Session } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { openConnection1 } from '../fakes/http1client.ts';
import { ask2, askLines2, openSession } from '../fakes/http2client.ts';
import { until } from '../fakes/until.ts';
import { startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const M = '/apis/metrics.k8s.io/v1beta1';
const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
const urlLimit = 65_536;
let cluster: WholeCluster;

before(async () => {
  cluster = await startWholeCluster();
  cluster.apiServer.reviews.token = (token) =>
    token === 'good'
      ? { authenticated: true, user: { username: 'reader' } }
      : { user: {}, error: 'invalid bearer token' };
  cluster.apiServer.reviews.access = ({ user }) => ({ allowed: user === 'reader', reason: '' });
  await until('it listens', () => cluster.apiServer.requests.length > 0);
  // The server ends a session whose request comes before trust is known.
  const isTrusted = async () => {
    const session = await openProxied();
    const { status } = await ask2(session, '/version', admin);
    session.destroy();
    return status === 200;
  };
  const endMs = performance.now() + 120_000;
  while (!(await isTrusted())) assert.ok(performance.now() < endMs);
});

after(() => cluster[Symbol.asyncDispose]());

function openProxied(): Promise<ClientHttp2Session> {
  return openSession(cluster.port, cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] }));
}

interface Asked {
  readonly status: number;
  readonly header: (name: string) => unknown;
  readonly text: string;
}

type Ask = (path: string, lines?: readonly (readonly [string, string])[]) => Promise<Asked>;

/** A stranger's connection for each request. */
const protocols: ReadonlyMap<string, Ask> = new Map<string, Ask>([
  [
    'HTTP/1.1',
    async (path, lines = []) => {
      using connection = await openConnection1(cluster.port);
      const head = [`GET ${path} HTTP/1.1`, 'Host: x', ...lines.map(([name, value]) => `${name}: ${value}`), '', ''];
      const { status, headers, text } = await connection.ask(head.join('\r\n'));
      return { status, header: (name) => headers.get(name), text };
    },
  ],
  [
    'HTTP/2',
    async (path, lines = []) => {
      const session = await openSession(cluster.port, { strictFieldWhitespaceValidation: false });
      const start = [
        [':method', 'GET'],
        [':scheme', 'https'],
        [':authority', 'x'],
        [':path', path],
      ] as const;
      const { status, headers, text } = await askLines2(session, [...start, ...lines]);
      session.destroy();
      return { status, header: (name) => headers[name], text };
    },
  ],
]);

for (const [protocol, ask] of protocols) {
  describe(`over ${protocol}`, () => {
    test('a URL of 64 KiB is read, a longer one is answered by 414 and a Status', async () => {
      for (const path of ['/livez?', `${M}/nodes?labelSelector=`, '/']) {
        assert.notEqual((await ask(path.padEnd(urlLimit, 'a'))).status, 414);
        const { status, text } = await ask(path.padEnd(urlLimit + 1, 'a'));
        assert.equal(status, 414, path);
        const { message, code } = JSON.parse(text);
        assert.equal(code, 414);
        assert.equal(message, 'the URL has 65537 bytes: use at most 65536, for example by shorter selectors');
      }
    });

    test('a response repeats little of the request', async () => {
      const units = ['<', '%3C', '%22', '%01', '%F3%A0%80%81', 'a,', '-,', '/', '&exclude=<'];
      const starts = [
        '/',
        '/healthz?verbose&exclude=',
        `${M}/nodes/`,
        `${M}/namespaces/`,
        '/apis/',
        '/api/v1/',
        `${M}/nodes?labelSelector=`,
        `${M}/nodes?labelSelector=a+in+(`,
        `${M}/nodes?fieldSelector=`,
        `${M}/nodes?limit=`,
        `${M}/nodes?resourceVersionMatch=`,
        `${M}/nodes?timeout=`,
      ];
      for (const start of starts) {
        for (const unit of units) {
          // With and without the right to more than a refusal.
          for (const lines of [[], [['authorization', 'Bearer good']] as const]) {
            const { text } = await ask(start + unit.repeat(40_000 / unit.length), lines);
            assert.ok(text.length < 64_000, `${start}${unit}: ${text.length} characters`);
          }
        }
      }
    });

    test('spaces around the value of a header mean nothing', async () => {
      const { status } = await ask(`${M}/nodes`, [['authorization', 'Bearer good ']]);
      assert.equal(status, 200);
      assert.equal((await ask(`${M}/nodes`, [['authorization', '  Bearer good']])).status, 200);
      assert.equal((await ask(`${M}/nodes`, [['authorization', ' Bearer bad ']])).status, 401);
    });

    test('/metrics is compressed at any length, also for spaces around gzip', async () => {
      const token = ['authorization', 'Bearer good'] as const;
      for (const value of ['gzip', ' gzip ', 'deflate , gzip;q=0.5 ']) {
        const { status, header } = await ask('/metrics', [token, ['accept-encoding', value]]);
        assert.deepEqual([status, header('content-encoding')], [200, 'gzip'], value);
      }
      assert.equal((await ask('/metrics', [token])).header('content-encoding'), undefined);
    });
  });
}

describe('Host', () => {
  const refused = async (lines: readonly string[]) => {
    using connection = await openConnection1(cluster.port);
    return await connection.ask(['GET /livez HTTP/1.1', ...lines, '', ''].join('\r\n'));
  };

  test('with two lines, equal or not, is 400 and ends the connection', async () => {
    for (const [one, other] of [
      ['Host: x', 'Host: x'],
      ['Host: x', 'HOST: y'],
      ['host: x', 'host:'],
    ] as const) {
      const { status, headers, text } = await refused([one, 'X: y', other]);
      assert.deepEqual([status, text, headers.get('connection')], [400, '400 Bad Request', 'close']);
    }
  });

  test('that is malformed is 400, that of any host is not', async () => {
    for (const host of ['a b', 'a/b', 'a@b', 'a"b', '<x>', 'caf\u00e9']) {
      const { status, text } = await refused([`Host: ${host}`]);
      assert.deepEqual([status, text], [400, '400 Bad Request: malformed Host header'], host);
    }
    for (const host of ['', '[::1]:443', 'a_b.c:1', '10.0.0.1%25eth0']) {
      assert.equal((await refused([`Host: ${host}`])).status, 200, host);
    }
  });

  test('that is missing is 400', async () => assert.equal((await refused([])).status, 400));
});

test('compressed metrics are the same as uncompressed ones', async () => {
  const session = await openProxied();
  const stream = session.request({ ':path': '/metrics', 'accept-encoding': 'gzip', ...admin });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  session.destroy();
  assert.match(gunzipSync(Buffer.concat(chunks)).toString(), /^# HELP /);
});
