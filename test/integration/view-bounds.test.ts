/** Reads of a cluster whose answers have no end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { describe, test } from 'node:test';
import { systemClock } from '../../src/clock.ts';
import { createClusterView, type OpenClusterView } from '../../src/view/clusterview.ts';
import { keeperLifetimeMs } from '../../src/view/historyreader.ts';
import { createReads, listTimeoutMs, pageLimit } from '../../src/view/reads.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { listen, loopback } from '../fakes/listen.ts';
import { node } from '../fakes/kubeobjects.ts';
import { until } from '../fakes/until.ts';

const metrics = '/apis/metrics.k8s.io/v1beta1';

async function withView(look: (view: OpenClusterView, apiServer: FakeApiServer) => Promise<void>): Promise<void> {
  await using apiServer = await createFakeApiServer();
  await using view = createClusterView({ server: apiServer.connection });
  await look(view, apiServer);
}

describe('a list whose pages always name a next one', () => {
  const endless = { metadata: { continue: 'more' }, items: [] };
  const reads: readonly (readonly [path: string, read: (view: OpenClusterView) => Promise<unknown>])[] = [
    ['/api/v1/nodes', (view) => view.nodes()],
    ['/apis/autoscaling/v2/horizontalpodautoscalers', (view) => view.autoscalers()],
    [`${metrics}/pods`, (view) => view.containerPoints()],
  ];
  for (const [path, read] of reads) {
    test(`${path} is refused after ${pageLimit} pages`, async () => {
      await withView(async (view, { documents, requests }) => {
        documents.set(path, endless);
        await assert.rejects(read(view), /cannot list .*: the list has more than 400 pages/);
        assert.equal(requests.filter((request) => request.path === path).length, pageLimit);
      });
    });
  }

  test('of pods costs the sums of requests, and the nodes are shown', async () => {
    await withView(async (view, { documents, objects, requests }) => {
      documents.set('/api/v1/pods', endless);
      objects.set(node('node-a'));
      assert.equal((await view.nodes()).length, 1);
      await until('the list ends', () => requests.filter(({ path }) => path === '/api/v1/pods').length === pageLimit);
      let degraded = '';
      await until('the last page was read, and the list is refused', () => {
        void view.summary().then((summary) => (degraded = summary.degraded.join('\n')));
        return degraded.includes('cannot list pods in all namespaces: the list has more than 400 pages');
      });
    });
  });

  test(`is refused after ${listTimeoutMs / 1000} s, also where each page is in time`, async () => {
    await using apiServer = await createFakeApiServer();
    const clock = createFakeClock();
    await using view = createClusterView({ server: apiServer.connection, clock });
    apiServer.documents.set('/api/v1/nodes', endless);
    apiServer.faults.answer = () => {
      clock.jump(listTimeoutMs / 10);
      return undefined;
    };
    await assert.rejects(view.nodes(), /cannot list nodes: the list takes longer than 300 s/);
  });

  test('of history is refused', async () => {
    await withView(async (view, apiServer) => {
      const path = `${metrics}/namespaces/shop/pods`;
      apiServer.documents.set(path, endless);
      apiServer.faults.answer = ({ query }) => (query.get('sinceSeconds') === '0' ? 400 : undefined);
      await assert.rejects(view.containerHistory({ namespace: 'shop', sinceSeconds: 60 }), /more than 400 pages/);
    });
  });
});

test('history with more points than one answer may have is refused, never cut', async () => {
  await withView(async (view, apiServer) => {
    const usage = { cpu: '1m', memory: '1Mi' };
    const containers = Array.from({ length: 60_000 }, (_, index) => ({ name: `c${index}`, usage }));
    const point = { metadata: { namespace: 'shop', name: 'web' }, timestamp: '2026-11-22T20:00:00Z', window: '60s' };
    const page = { metadata: { continue: 'more' }, items: [{ ...point, containers }] };
    apiServer.documents.set(`${metrics}/namespaces/shop/pods`, page);
    apiServer.faults.answer = ({ query }) => (query.get('sinceSeconds') === '0' ? 400 : undefined);
    const read = view.containerHistory({ namespace: 'shop', sinceSeconds: 60 });
    await assert.rejects(read, /more than 500000 points: ask for fewer pods, or for fewer points by stepSeconds/);
  });
});

test('a metrics server that takes the place of another is recognised within a minute, and an outage keeps what is known', async () => {
  await using apiServer = await createFakeApiServer();
  const clock = createFakeClock();
  await using view = createClusterView({ server: apiServer.connection, clock });
  apiServer.documents.set(`${metrics}/nodes`, { items: [] });
  const answerAs = (keeper: 'kubegauge' | 'other' | 'nobody') => {
    apiServer.faults.answer = ({ path, query }) => {
      if (path !== `${metrics}/nodes`) return undefined;
      if (keeper === 'nobody') return 503;
      return keeper === 'kubegauge' && query.get('sinceSeconds') === '0' ? 400 : undefined;
    };
  };
  const keepers: string[] = [];
  for (const keeper of ['other', 'kubegauge', 'nobody', 'other'] as const) {
    answerAs(keeper);
    clock.jump(keeperLifetimeMs);
    keepers.push((await view.summary()).server);
  }
  assert.deepEqual(keepers, ['metrics-server', 'kubegauge', 'kubegauge', 'metrics-server']);
});

test('large answers are read one after another: each takes several times its bytes while it is parsed', async () => {
  const chunk = `${JSON.stringify({ pad: 'x'.repeat(2 ** 20) })},`;
  const authority = makeAuthority('servers');
  const own = authority.issue({ cn: 'server', ips: [loopback], usages: ['server'], rsaBits: 2048 });
  const begun = Promise.withResolvers<void>();
  const others = Promise.withResolvers<void>();
  const send = async (path: string, response: ServerResponse): Promise<void> => {
    response.write('{"items":[');
    // Of 48 MiB the client has read what is large: sockets keep 36 MiB at most.
    for (let rest = { '/first': 48, '/large': 9 }[path] ?? 0; rest > 0; rest -= 1)
      if (!response.write(chunk)) await once(response, 'drain');
    if (path === '/first') {
      begun.resolve();
      await others.promise;
    }
    response.end('{}]}');
  };
  const server = createServer(own, ({ url = '' }, response) => void send(url, response));
  const port = await listen(server, 0);
  const tls = { ca: authority.cert, rejectUnauthorized: true };
  const connection = { url: `https://${loopback}:${port}`, tls: () => tls, authorization: () => 'Bearer fake' };
  await using reads = createReads(connection, systemClock);
  const order: string[] = [];
  const read = async (path: string): Promise<void> => {
    await reads.get('list', path);
    order.push(path);
  };
  const first = read('/first');
  await begun.promise;
  const large = read('/large');
  for (let count = 0; count < 20; count += 1) await read('/small');
  others.resolve();
  await Promise.all([first, large]);
  server.close();
  assert.deepEqual(
    order.filter((path) => path !== '/small'),
    ['/first', '/large'],
  );
});
