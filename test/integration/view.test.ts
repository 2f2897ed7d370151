/** What is read of a cluster for people: with kubegauge, with a server without pages and history, and without some rights. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiServer } from '../../src/client/apiserver.ts';
import { UiCollector } from '../../src/ui/collector.ts';
import { createClusterView, type OpenClusterView } from '../../src/view/clusterview.ts';
import { rejectedCredentials, ViewError } from '../../src/view/viewerror.ts';
import { startAggregatedCluster } from '../fakes/aggregatedcluster.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { autoscaler, node, pod } from '../fakes/kubeobjects.ts';
import { coresUsed } from '../fakes/wholecluster.ts';
import { until } from '../fakes/until.ts';

const metrics = '/apis/metrics.k8s.io/v1beta1';
const longAgo = new Date(Date.now() - 3_600_000).toISOString();
const running = { state: { running: { startedAt: longAgo } }, restartCount: 2 };
const spec = {
  containers: [
    { name: 'app', resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m' } } },
    { name: 'proxy', resources: { requests: { cpu: '100m' } } },
  ],
};
const status = { containerStatuses: ['app', 'proxy'].map((name) => ({ name, ...running })) };

function usageOf(namespace: string, name: string): object {
  const usage = { cpu: '50m', memory: '32Mi' };
  const containers = ['app', 'proxy'].map((each) => ({ name: each, usage }));
  return { metadata: { namespace, name }, timestamp: new Date().toISOString(), window: '15s', containers };
}

/** A server as metrics-server: it answers all at once, and knows no parameter. */
async function withMetricsServer(
  look: (view: OpenClusterView, apiServer: FakeApiServer) => Promise<void>,
): Promise<void> {
  await using apiServer = await createFakeApiServer();
  const { objects, documents } = apiServer;
  for (const name of ['node-a', 'node-b']) objects.set(node(name));
  for (const name of ['web-0', 'web-1', 'web-2']) {
    objects.set(pod('shop', name, { nodeName: 'node-a', spec, status, labels: { app: 'web' } }));
  }
  const timestamp = new Date().toISOString();
  const usage = { cpu: '1500m', memory: '4Gi' };
  documents.set(`${metrics}/nodes`, { items: [{ metadata: { name: 'node-a' }, timestamp, window: '15s', usage }] });
  const items = [usageOf('shop', 'web-0'), usageOf('shop', 'web-1')];
  documents.set(`${metrics}/pods`, { items });
  documents.set(`${metrics}/namespaces/shop/pods`, { items });
  await using view = createClusterView({ server: apiServer.connection });
  await look(view, apiServer);
}

describe('a cluster with metrics-server', () => {
  test('has nodes with what they use, reserve and can have, and a reason where there is no usage', async () => {
    await withMetricsServer(async (view) => {
      const [a, b] = await view.nodes();
      assert.deepEqual([a?.cpu.used, a?.cpu.limit, a?.cpu.allocatable], [1.5, undefined, 16]);
      assert.equal(a?.cpu.requested?.toFixed(3), '0.600');
      assert.equal(a?.memory.requested, 3 * 64 * 1024 ** 2);
      assert.deepEqual([a?.pods, a?.windowSeconds, a?.reason], [3, 15, undefined]);
      assert.deepEqual([b?.cpu.used, b?.pods], [undefined, 0]);
      assert.match(b?.reason ?? '', /no usage/);
      assert.equal((await view.nodes())[0]?.source, undefined);
    });
  });

  test('has a summary without history, and pods with requests, limits and containers', async () => {
    await withMetricsServer(async (view) => {
      const summary = await view.summary();
      assert.deepEqual(
        [summary.server, summary.keepsHistory, summary.nodes, summary.cpu.used, summary.cpu.allocatable],
        ['metrics-server', false, 2, 1.5, 32],
      );
      assert.deepEqual(summary.degraded, ['1 of 2 nodes have no usage']);
      assert.equal((await view.nodeHistory({ sinceSeconds: 600 })).size, 0);
      const { items } = await view.pods({});
      const [web] = items;
      assert.deepEqual(web?.cpu, { used: 0.1, requested: 0.2 });
      assert.deepEqual(web.containers[0]?.cpu, { used: 0.05, requested: 0.1, limit: 0.2 });
      assert.equal(web.restarts, 4);
      assert.match(items[2]?.reason ?? '', /whose usage is served, but has no usage itself/);
    });
  });

  test('has pages of pods, and the busiest', async () => {
    await withMetricsServer(async (view) => {
      const first = await view.pods({ limit: 2 });
      assert.deepEqual(
        first.items.map(({ name }) => name),
        ['web-0', 'web-1'],
      );
      const second = await view.pods({ limit: 2, continue: first.continue ?? '' });
      assert.deepEqual([second.items.map(({ name }) => name), second.continue], [['web-2'], undefined]);
      const busiest = await view.busiestPods({ resource: 'cpu', limit: 1 });
      assert.deepEqual(
        busiest.map(({ name }) => name),
        ['web-0'],
      );
      assert.equal((await view.pods({ node: 'node-b' })).items.length, 0);
      assert.equal((await view.pods({ labelSelector: 'app=other' })).items.length, 0);
    });
  });
});

describe('a list of nodes that is older than what is shown', () => {
  const listsOfNodes = ({ requests }: FakeApiServer) => requests.filter(({ path }) => path === '/api/v1/nodes').length;
  const addPod = ({ objects }: FakeApiServer, name: string, nodeName: string) =>
    objects.set(pod('shop', name, { nodeName, spec, status }));
  const reasonOf = async (view: OpenClusterView, name: string) =>
    (await view.pods({})).items.find((item) => item.name === name)?.reason ?? '';

  test('is read again before a node is said not to exist, once while it is fresh', async () => {
    await withMetricsServer(async (view, apiServer) => {
      await view.nodes();
      apiServer.objects.set(node('node-new'));
      addPod(apiServer, 'fresh', 'node-new');
      assert.match(await reasonOf(view, 'fresh'), /^no usage of node node-new is served/);
      assert.equal(listsOfNodes(apiServer), 2);
      addPod(apiServer, 'orphan', 'node-gone');
      assert.match(await reasonOf(view, 'orphan'), /^its node node-gone does not exist/);
      assert.match(await reasonOf(view, 'orphan'), /^its node node-gone does not exist/);
      assert.equal(listsOfNodes(apiServer), 3);
      apiServer.faults.answer = ({ path }) => (path === '/api/v1/nodes' ? 503 : undefined);
      addPod(apiServer, 'late', 'node-late');
      assert.match(await reasonOf(view, 'late'), /^no usage of node node-late is served/);
    });
  });

  test('is not read again for each look while pods name nodes that are gone, also where they cannot be read', async () => {
    await using apiServer = await createFakeApiServer();
    const clock = createFakeClock();
    await using view = createClusterView({ server: apiServer.connection, clock });
    apiServer.objects.set(node('node-a'));
    apiServer.documents.set(`${metrics}/nodes`, { items: [] });
    apiServer.documents.set(`${metrics}/pods`, { items: [] });
    const gone = ['gone-0', 'gone-1'];
    for (const name of gone) {
      apiServer.documents.set(`${metrics}/namespaces/${name}/pods`, { items: [] });
      apiServer.objects.set(pod(name, 'web', { nodeName: name, spec, status }));
    }
    // Pages that are open beside each other, each of another namespace.
    const look = async () => {
      const pages = await Promise.all(gone.map((namespace) => view.pods({ namespace })));
      for (const { items } of pages) assert.match(items[0]?.reason ?? '', /^its node gone-\d does not exist/);
    };
    await look();
    const first = listsOfNodes(apiServer);
    assert.ok(first <= 1 + gone.length, `${first} lists`);
    for (let count = 0; count < 5; count += 1) await look();
    assert.equal(listsOfNodes(apiServer), first, 'while the list is fresh');
    for (let count = 0; count < 5; count += 1) {
      clock.jump(60_000);
      await look();
    }
    assert.equal(listsOfNodes(apiServer), first + 5, 'once each time the list is old');
    apiServer.objects.set(node('gone-0'));
    clock.jump(60_000);
    const reasonOfFirst = async () => (await view.pods({ namespace: 'gone-0' })).items[0]?.reason ?? '';
    assert.match(await reasonOfFirst(), /^no usage of node gone-0 is served/);
    clock.jump(60_000);
    apiServer.faults.answer = ({ path }) => (path === '/api/v1/nodes' ? 403 : undefined);
    const before = listsOfNodes(apiServer);
    for (let count = 0; count < 5; count += 1) assert.doesNotMatch(await reasonOfFirst(), /does not exist/);
    assert.equal(listsOfNodes(apiServer), before + 1, 'nor for a right that is missing');
  });

  test('is shown after a failure, beside the problem', async () => {
    await using apiServer = await createFakeApiServer();
    const clock = createFakeClock();
    await using view = createClusterView({ server: apiServer.connection, clock });
    for (const name of ['node-a', 'node-b']) apiServer.objects.set(node(name));
    const timestamp = new Date(clock.wallMs()).toISOString();
    const usage = { cpu: '1500m', memory: '4Gi' };
    apiServer.documents.set(`${metrics}/nodes`, { items: [{ metadata: { name: 'node-a' }, timestamp, usage }] });
    const shown = async () => (await view.nodes()).map(({ name, ready, cpu }) => [name, ready, cpu.allocatable]);
    const before = await shown();
    assert.equal(before.length, 2);
    apiServer.faults.answer = ({ path }) => (path === '/api/v1/nodes' ? 503 : undefined);
    clock.jump(60_000);
    assert.deepEqual(await shown(), before);
    const { nodes, degraded } = await view.summary();
    assert.equal(nodes, 2);
    assert.match(degraded[0] ?? '', /^cannot list nodes: kube-apiserver answers 503/);
    apiServer.faults.answer = undefined;
    clock.jump(60_000);
    assert.deepEqual((await view.summary()).degraded, ['1 of 2 nodes have no usage']);
  });
});

test('a namespace that a URL would resolve is refused, not read as all namespaces', async () => {
  await withMetricsServer(async (view) => {
    for (const namespace of ['..', '.', 'a/b', '']) {
      const refused = { name: 'ViewError', message: /no namespace can be named/ };
      await assert.rejects(view.pods({ namespace }), refused);
      await assert.rejects(view.busiestPods({ namespace, resource: 'cpu', limit: 1 }), refused);
      await assert.rejects(view.pod(namespace, 'web-0'), refused);
      await assert.rejects(view.autoscalers(namespace), refused);
      await assert.rejects(view.containerHistory({ namespace, sinceSeconds: 60 }), refused);
    }
  });
});

test("ages are by kube-apiserver's clock, not by that of the metrics server behind it", async () => {
  await withMetricsServer(async (view, apiServer) => {
    apiServer.faults.answer = ({ path }) => (path.startsWith(metrics) ? 503 : undefined);
    apiServer.faults.headers = { date: new Date(Date.now() + 300_000).toUTCString() };
    await assert.rejects(view.containerPoints(), /503/);
    assert.ok(Math.abs(view.nowMs() - Date.now()) < 60_000);
    apiServer.faults.answer = () => 503;
    await assert.rejects(view.autoscalers(), /503/);
    assert.ok(view.nowMs() - Date.now() > 200_000);
  });

  test('shows the nodes of a large cluster before all pods are read, of which it reads the rest last', async () => {
    await using apiServer = await createFakeApiServer();
    for (let index = 0; index < 250; index += 1) apiServer.objects.set(node(`node-${index}`));
    for (let index = 0; index < 1_100; index += 1)
      apiServer.objects.set(pod('shop', `web-${index}`, { nodeName: `node-${index % 250}`, spec, status }));
    await using view = createClusterView({ server: apiServer.connection });
    const [first] = await view.nodes();
    assert.deepEqual([first?.cpu.allocatable, first?.cpu.requested], [16, undefined]);
    await view.requestsRead;
    const asked = apiServer.requests.map(({ path }) => path);
    const pages = (path: string) => asked.flatMap((each, at) => (each === path ? at : []));
    assert.equal(pages('/api/v1/pods').length, 3);
    assert.ok((pages('/api/v1/nodes').at(-1) ?? 0) < (pages('/api/v1/pods')[1] ?? 0), asked.join(' '));
    assert.equal((await view.nodes())[0]?.cpu.requested?.toFixed(3), '1.000');
    assert.equal((await view.summary()).cpu.requested?.toFixed(3), '220.000');
  });
});

describe('a user without some rights', () => {
  const refuseList = (apiServer: FakeApiServer, path: string) => {
    apiServer.faults.answer = (request) => (request.path === path ? 403 : undefined);
  };

  test('sees usages of nodes without Nodes, and which right is missing', async () => {
    await withMetricsServer(async (view, apiServer) => {
      refuseList(apiServer, '/api/v1/nodes');
      const nodes = await view.nodes();
      assert.deepEqual(
        nodes.map(({ name, cpu }) => [name, cpu.used, cpu.allocatable]),
        [['node-a', 1.5, undefined]],
      );
      assert.equal(nodes[0]?.ready, undefined);
      const { degraded, readyNodes } = await view.summary();
      assert.deepEqual(degraded, ['cannot list nodes: this user lacks the right to list nodes']);
      assert.equal(readyNodes, undefined);
    });
  });

  test('keeps the last known requests where pods cannot be listed any more, and says so', async () => {
    await using apiServer = await createFakeApiServer();
    const clock = createFakeClock();
    await using view = createClusterView({ server: apiServer.connection, clock });
    apiServer.objects.set(node('node-a'));
    apiServer.objects.set(pod('shop', 'web-0', { nodeName: 'node-a', spec, status }));
    const requested = async () => (await view.nodes())[0]?.cpu.requested;
    assert.equal(await requested(), 0.2);
    refuseList(apiServer, '/api/v1/pods');
    clock.jump(300_000);
    await requested();
    await until(
      'pods are refused',
      () => apiServer.requests.filter(({ path }) => path === '/api/v1/pods').length === 2,
    );
    let degraded = '';
    while (degraded === '')
      degraded = (await view.summary()).degraded.find((line) => line.includes('list pods in all namespaces:')) ?? '';
    assert.match(degraded, /: this user lacks the right to list pods in all namespaces/);
    assert.equal(await requested(), 0.2);
  });

  test('sees pods without usages, and which right is missing', async () => {
    await withMetricsServer(async (view, apiServer) => {
      refuseList(apiServer, `${metrics}/pods`);
      const { items } = await view.pods({});
      assert.equal(items.length, 3);
      assert.equal(
        items[0]?.reason,
        'cannot list pods.metrics.k8s.io: this user lacks the right to list pods.metrics.k8s.io',
      );
      assert.equal(items[0].cpu.requested, 0.2);
    });
  });

  test('sees why a pod has no usage as far as the rest can be read, and no claim about what cannot', async () => {
    await withMetricsServer(async (_view, apiServer) => {
      const state = (name: string, of: object) =>
        apiServer.objects.set(
          pod('shop', name, {
            nodeName: 'node-b',
            spec: { containers: [{ name: 'app' }] },
            status: { containerStatuses: [{ name: 'app', state: of }] },
          }),
        );
      state('crashing', { waiting: { reason: 'CrashLoopBackOff' } });
      state('mute', running.state);
      state('young', { running: { startedAt: new Date().toISOString() } });
      const reasons = async (...refused: string[]) => {
        apiServer.faults.answer = ({ path }) => (refused.includes(path) ? 403 : undefined);
        await using view = createClusterView({ server: apiServer.connection });
        const { items } = await view.pods({});
        return ['crashing', 'mute', 'young'].map((name) => items.find((item) => item.name === name)?.reason);
      };
      const unserved = 'no usage of node node-b is served; the check `kubelets` says why';
      assert.deepEqual(await reasons(), [unserved, unserved, unserved]);
      const own = [
        'none of its containers runs (CrashLoopBackOff), so there is no usage',
        'it runs on node node-b, but has no usage',
        'a container started less than 90 s ago; usage needs two samples',
      ];
      assert.deepEqual(await reasons(`${metrics}/nodes`), own);
      assert.deepEqual(await reasons('/api/v1/nodes', `${metrics}/nodes`), own);
      assert.deepEqual(await reasons('/api/v1/nodes'), [unserved, unserved, unserved]);
    });
  });

  test('learns of nodes without usage, also without the right to list pods', async () => {
    await withMetricsServer(async (view, apiServer) => {
      refuseList(apiServer, '/api/v1/pods');
      assert.deepEqual((await view.summary()).degraded, [
        'cannot list pods in all namespaces: this user lacks the right to list pods in all namespaces',
        '1 of 2 nodes have no usage',
      ]);
    });
  });

  test('reads the history of the one namespace that is allowed', async () => {
    await withMetricsServer(async (_view, apiServer) => {
      const list = `${metrics}/namespaces/shop/pods`;
      apiServer.faults.answer = ({ path, query }) => {
        if (!path.startsWith('/apis/metrics') && !path.includes('/shop')) return 403;
        if (path === `${metrics}/nodes` || path === `${metrics}/pods`) return 403;
        // As kubegauge does: 0 is out of range.
        return path === list && query.get('sinceSeconds') === '0' ? 400 : undefined;
      };
      const server = { ...apiServer.connection, contextNamespace: 'shop' };
      await using view = createClusterView({ server });
      assert.deepEqual(await view.historyKeeper('shop'), 'kubegauge');
      const { keepsHistory, server: name } = await view.summary();
      assert.deepEqual([keepsHistory, name], [true, 'kubegauge']);
      assert.equal((await view.containerHistory({ namespace: 'shop', sinceSeconds: 60 })).size, 4);
      await using nameless = createClusterView({ server: apiServer.connection });
      const unknown = await nameless.summary();
      assert.deepEqual(['keepsHistory' in unknown, unknown.server], [false, 'unknown']);
      await assert.rejects(nameless.historyKeeper(), /lacks the right to list nodes\.metrics\.k8s\.io/);
    });
  });

  test('learns that an outage says nothing about the history', async () => {
    await withMetricsServer(async (view, apiServer) => {
      apiServer.faults.answer = ({ path }) => (path.startsWith('/apis/metrics') ? 503 : undefined);
      assert.equal((await view.summary()).keepsHistory, undefined);
      apiServer.faults.answer = undefined;
      assert.equal((await view.summary()).keepsHistory, false);
    });
  });

  test('gets one sentence where all lists fail for one reason', async () => {
    await using apiServer = await createFakeApiServer();
    const failing = async (server: ApiServer) => {
      await using view = createClusterView({ server });
      const error = await view.nodes().catch((caught: unknown) => caught);
      assert.ok(error instanceof ViewError);
      assert.deepEqual((await view.summary()).degraded, [error.message]);
      return error.message;
    };
    apiServer.faults.answer = () => 401;
    assert.equal(await failing(apiServer.connection), rejectedCredentials);
    // Not trusted, so no request is answered.
    const untrusted = { ...apiServer.connection, tls: () => ({ rejectUnauthorized: true }) };
    assert.match(
      await failing(untrusted),
      /^cannot list nodes, list nodes\.metrics\.k8s\.io, list pods in all namespaces: no usable answer: (?!.*GET)/,
    );
  });

  test('gets an error that names the right where nothing can be shown', async () => {
    await withMetricsServer(async (view, apiServer) => {
      apiServer.faults.answer = () => 403;
      await assert.rejects(view.pods({ namespace: 'shop' }), /lacks the right to list pods in namespace shop/);
      await assert.rejects(view.nodes(), /lacks the right to list nodes; .*nodes\.metrics\.k8s\.io/);
      assert.equal((await view.summary()).nodes, 0);
    });
  });
});

test('an autoscaler that fails is explained by its target, or in the words of its controller', async () => {
  await withMetricsServer(async (view, apiServer) => {
    const conditions = [
      { type: 'ScalingActive', status: 'False', reason: 'FailedGetResourceMetric', message: 'the controller says so' },
    ];
    apiServer.objects.set({ ...autoscaler('shop', 'web', []), status: { conditions } });
    const missing = [{ type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message: 'not found' }];
    apiServer.objects.set({ ...autoscaler('shop', 'gone', []), status: { conditions: missing } });
    const views = await view.autoscalers('shop');
    assert.deepEqual(
      views.map(({ name, reason }) => [name, reason]),
      [
        ['gone', 'its target deployment/gone does not exist'],
        ['web', 'the controller says so'],
      ],
    );
  });
});

test('the page collects history without reading why autoscalers do not scale and nodes have no usage', async () => {
  await withMetricsServer(async (view, apiServer) => {
    const conditions = [{ type: 'ScalingActive', status: 'False', reason: 'FailedGetResourceMetric', message: 'x' }];
    apiServer.objects.set({ ...autoscaler('shop', 'web', []), status: { conditions, currentReplicas: 3 } });
    const collector = new UiCollector({ view, clock: createFakeClock(), onFailure: assert.ifError });
    await collector.collect();
    const [web] = collector.autoscalers.read({ sinceSeconds: 60 }, view.nowMs());
    assert.deepEqual(web?.replicas, [3]);
    const isEach = () => true;
    assert.deepEqual([...collector.nodes.read({ sinceSeconds: 60 }, view.nowMs(), isEach).keys()], ['node-a']);
    const paths = new Set(apiServer.requests.map(({ path }) => path));
    assert.deepEqual(
      [...paths].filter((path) => /\/scale$|\/nodes\/node-b$/.test(path)),
      [],
    );
  });
});

test('an autoscaler of more pods than are read is explained in the words of its controller, not by the first of them', async () => {
  await using apiServer = await createFakeApiServer();
  await using view = createClusterView({ server: apiServer.connection });
  const message = 'unable to get metrics: no metrics returned from resource metrics API';
  const conditions = [{ type: 'ScalingActive', status: 'False', reason: 'FailedGetResourceMetric', message }];
  apiServer.objects.set({ ...autoscaler('shop', 'web', []), status: { conditions } });
  apiServer.documents.set('/apis/apps/v1/namespaces/shop/deployments/web/scale', { status: { selector: 'app=web' } });
  const labels = { app: 'web' };
  for (let at = 0; at < 500; at += 1)
    apiServer.objects.set(pod('shop', `evicted-${at}`, { labels, spec, phase: 'Failed' }));
  const reasonOf = async () => (await view.autoscalers('shop'))[0]?.reason;
  assert.match((await reasonOf()) ?? '', /^no living pod matches the selector/);
  apiServer.objects.set(pod('shop', 'web-0', { nodeName: 'node-a', labels, spec, status }));
  assert.equal(await reasonOf(), message);
});

test('no reason speaks of kubelets where usages come from Prometheus', async () => {
  await using apiServer = await createFakeApiServer();
  const { objects, documents } = apiServer;
  for (const name of ['node-a', 'node-b']) objects.set(node(name));
  documents.set(`${metrics}/nodes`, { items: [usageOf('', 'node-b')] });
  documents.set(`${metrics}/namespaces/shop/pods`, { items: [] });
  // More than the server is asked about.
  const names = Array.from({ length: 25 }, (_, index) => `web-${index + 10}`);
  const cause = { reason: 'NoSample', message: 'Prometheus has no sample of its containers' };
  for (const name of names) {
    objects.set(pod('shop', name, { nodeName: 'node-a', spec, status }));
    documents.set(`${metrics}/namespaces/shop/pods/${name}`, {
      kind: 'Status',
      code: 404,
      details: { causes: [cause] },
    });
  }
  const started = { state: { running: { startedAt: new Date().toISOString() } } };
  const young = { containerStatuses: ['app', 'proxy'].map((name) => ({ name, ...started })) };
  objects.set(pod('shop', 'young', { nodeName: 'node-b', spec, status: young }));
  await using view = createClusterView({ server: apiServer.connection });
  const { items } = await view.pods({ namespace: 'shop' });
  const reasons = new Map(items.map(({ name, reason }) => [name, reason ?? '']));
  assert.equal(reasons.get('web-10'), `NoSample: ${cause.message}`);
  assert.match(reasons.get('web-34') ?? '', /no usage of node node-a is served; the check `custom-metrics` says why/);
  assert.match(reasons.get('young') ?? '', /^a container started less than .* usage needs two samples$/);
});

test('kubegauge has pages of usages, the reason of each missing one, and points of the past', async () => {
  await using cluster = await startAggregatedCluster();
  cluster.apiServer.objects.set(pod('shop', 'lost', { nodeName: 'node-0', spec, status }));
  await using view = createClusterView({ server: cluster.server });
  let found = await view.pods({ limit: 2 });
  let pending = false;
  let sources: readonly unknown[] = [];
  await until('there is usage', () => {
    if (!pending) {
      pending = true;
      void view.pods({ limit: 2 }).then((page) => ((found = page), (pending = false)));
    }
    return found.items[0]?.cpu.used !== undefined;
  });
  assert.deepEqual(
    found.items.map(({ name }) => name),
    ['batch-x7k2p', 'etcd-node-0'],
  );
  assert.ok(Math.abs((found.items[0]?.cpu.used ?? 0) - coresUsed) < 0.05);
  const rest = await view.pods({ limit: 2, continue: found.continue ?? '' });
  assert.deepEqual(
    rest.items.map(({ name, cpu }) => [name, cpu.used !== undefined]),
    [
      ['lost', false],
      ['web-0', true],
    ],
  );
  assert.equal(rest.items[0]?.reason, 'NotReported: no kubelet has reported it yet');
  const summary = await view.summary();
  assert.deepEqual([summary.server, summary.keepsHistory, summary.nodes], ['kubegauge', true, 30]);
  const points = (await view.containerHistory({ namespace: 'shop', sinceSeconds: 3_600 })).get('shop/web-0/app');
  assert.ok((points?.length ?? 0) >= 1);
  const ofNode = (await view.nodeHistory({ name: 'node-0', sinceSeconds: 3_600 })).get('node-0');
  assert.ok((ofNode?.length ?? 0) >= 1);
  await until('the source of each node is known', () => {
    if (!pending) {
      pending = true;
      void view.nodes().then((nodes) => ((sources = nodes.map(({ source }) => source)), (pending = false)));
    }
    return sources.length === 30 && !sources.includes(undefined);
  });
  assert.deepEqual([...new Set(sources)], ['cadvisor']);
  assert.equal((await view.pods({ namespace: 'shop' })).items.find(({ name }) => name === 'lost')?.source, undefined);
  const one = await view.pod('shop', 'web-0');
  assert.equal(one?.source, 'cadvisor');
  assert.deepEqual([one?.name, one?.timestampMs !== undefined], ['web-0', true]);
  assert.equal(await view.pod('shop', 'none'), undefined);
});
