/** The stand-in's cluster without the server: who may come in, what is discovered, and what the server behind the aggregator gets to see. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { Agent, type Dispatcher, request } from 'undici';
import { conditionsOf } from '../../src/client/conditions.ts';
import { field, items, text } from '../../src/client/json.ts';
import { listen } from '../fakes/listen.ts';
import { type StandinCluster, startCluster } from '../standin/cluster.ts';
import { createCredentials } from '../standin/credentials.ts';
import { autoscalerUser } from '../standin/users.ts';

const credentials = createCredentials();
const received: IncomingMessage[] = [];
const clientNames: unknown[] = [];
const groupList = { kind: 'APIGroupDiscoveryList', items: [{ metadata: { name: 'metrics.k8s.io' }, versions: [] }] };
const metricsServer = createServer(
  { ...credentials.serving, ca: credentials.frontProxyCa, requestCert: true, rejectUnauthorized: false },
  (incoming, response) => {
    // The autoscaler asks on its own, at any time.
    if (incoming.headers['x-remote-user'] === autoscalerUser.username) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metricsFor(incoming.url)));
      return;
    }
    received.push(incoming);
    const { socket } = incoming;
    clientNames.push(
      socket instanceof TLSSocket && socket.authorized ? socket.getPeerCertificate().subject.CN : undefined,
    );
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(groupList));
  },
);
let podNames: readonly string[] = [];
let cluster: StandinCluster;
let plain: Dispatcher;
let admin: Dispatcher;

before(async () => {
  const serverPort = await listen(metricsServer, 0);
  cluster = await startCluster({
    nodes: 2,
    pods: 30,
    seed: 1,
    calm: true,
    apiPort: 0,
    serverPort,
    credentials,
    say: () => {},
  });
  const ca = credentials.authority.cert;
  plain = new Agent({ connect: { ca } });
  admin = new Agent({ connect: { ca, ...credentials.admin } });
  podNames = await listNames('/api/v1/pods');
});

after(async () => {
  await Promise.all([plain.destroy(), admin.destroy()]);
  await cluster[Symbol.asyncDispose]();
  metricsServer.closeAllConnections();
  await new Promise((resolve) => metricsServer.close(resolve));
});

/** As the server would answer: each pod uses 190 millicores and receives 300,000 bytes a second. */
function metricsFor(url = '/'): object {
  const { pathname, searchParams } = new URL(url, 'https://server');
  const app = searchParams.get('labelSelector')?.replace('app=', '') ?? '';
  const pods = podNames.filter((name) => name.startsWith(`${app}-`));
  if (pathname === '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/network_receive_bytes_per_second') {
    return { items: pods.map((name) => ({ describedObject: { kind: 'Pod', name }, value: '300k' })) };
  }
  const container = { name: 'app', usage: { cpu: '190000000n', memory: '100Mi' } };
  return { items: pods.map((name) => ({ metadata: { name }, containers: [container] })) };
}

async function listNames(path: string): Promise<string[]> {
  const list = items(field((await get(path)).content, 'items'));
  return list.map((object) => text(field(field(object, 'metadata'), 'name')) ?? '');
}

/** Waits until an autoscaler has so many conditions. */
async function autoscaler(path: string, count: number) {
  const signal = AbortSignal.timeout(60_000);
  for (;;) {
    const { content } = await get(`/apis/autoscaling/v2/namespaces/${path}`);
    const conditions = conditionsOf(content);
    if (conditions.length === count) return { status: field(content, 'status'), conditions };
    await sleep(50, undefined, { signal });
  }
}

async function get(path: string, dispatcher = admin, headers: Record<string, string> = {}) {
  const { statusCode, body, headers: answered } = await request(`${cluster.apiUrl}${path}`, { dispatcher, headers });
  const content: unknown = await body.json();
  return { statusCode, content, contentType: answered['content-type'] };
}

async function post(path: string, body: string | Buffer, type: string, authorization?: Record<string, string>) {
  const { statusCode, body: answer } = await request(`${cluster.apiUrl}${path}`, {
    method: 'POST',
    body,
    dispatcher: authorization === undefined ? admin : plain,
    headers: { 'content-type': type, accept: 'application/vnd.kubernetes.protobuf,application/json', ...authorization },
  });
  const content: unknown = await answer.json();
  return { statusCode, content };
}

const selfReviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** A length-delimited field. */
function delimited(number: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  assert.ok(bytes.length < 128);
  return Buffer.concat([Buffer.of(number * 8 + 2, bytes.length), bytes]);
}

/** As kubectl sends it: a type, and the message with empty metadata, the spec and an empty status. */
function encodedReview(spec: Buffer): Buffer {
  const type = Buffer.concat([delimited(1, 'authorization.k8s.io/v1'), delimited(2, 'SelfSubjectAccessReview')]);
  const message = Buffer.concat([delimited(1, ''), delimited(2, spec), Buffer.from('1a020800', 'hex')]);
  return Buffer.concat([
    Buffer.from('k8s\0'),
    delimited(1, type),
    delimited(2, message),
    delimited(3, ''),
    delimited(4, ''),
  ]);
}

const metricsPods = { namespace: 'default', verb: 'list', group: 'metrics.k8s.io', resource: 'pods' };
const encodedMetricsPods = delimited(
  1,
  Buffer.concat([
    delimited(1, 'default'),
    delimited(2, 'list'),
    delimited(3, 'metrics.k8s.io'),
    delimited(5, 'pods'),
    delimited(6, ''),
  ]),
);
const reviews = [
  {
    name: 'the reader may list metrics',
    token: true,
    spec: { resourceAttributes: metricsPods },
    encoded: encodedReview(encodedMetricsPods),
    allowed: true,
  },
  {
    name: 'the reader may not delete nodes',
    token: true,
    spec: { resourceAttributes: { verb: 'delete', resource: 'nodes' } },
    encoded: encodedReview(delimited(1, Buffer.concat([delimited(2, 'delete'), delimited(5, 'nodes')]))),
    allowed: false,
  },
  {
    name: 'the reader may not get another path',
    token: true,
    spec: { nonResourceAttributes: { path: '/logs', verb: 'get' } },
    encoded: encodedReview(delimited(2, Buffer.concat([delimited(1, '/logs'), delimited(2, 'get')]))),
    allowed: false,
  },
  {
    name: 'the administrator may do everything',
    token: false,
    spec: { resourceAttributes: { verb: 'delete', resource: 'nodes' } },
    encoded: encodedReview(delimited(1, Buffer.concat([delimited(2, 'delete'), delimited(5, 'nodes')]))),
    allowed: true,
  },
];

describe('stand-in cluster', () => {
  test('authenticates a client certificate and tokens, and nothing else', async () => {
    const bearer = (token: string) => get('/api/v1/nodes', plain, { authorization: `Bearer ${token}` });
    assert.equal((await get('/api/v1/nodes')).statusCode, 200);
    assert.equal((await bearer(credentials.readerToken)).statusCode, 200);
    assert.equal((await bearer('guessed')).statusCode, 401);
    assert.equal((await get('/api/v1/nodes', plain)).statusCode, 401);
  });

  test('lists its nodes with a kubelet port each, and its pods', async () => {
    const nodes = items(field((await get('/api/v1/nodes')).content, 'items'));
    const port = (node: unknown) =>
      field(field(field(field(node, 'status'), 'daemonEndpoints'), 'kubeletEndpoint'), 'Port');
    assert.equal(new Set(nodes.map(port)).size, 2);
    assert.equal(items(field((await get('/api/v1/pods')).content, 'items')).length, cluster.pods);
  });

  test('nodes and pods come whole, as JSON, to a client that prefers protobuf', async () => {
    const accept = 'application/vnd.kubernetes.protobuf,application/json';
    for (const path of ['/api/v1/nodes', '/api/v1/nodes/node-1', '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1']) {
      const { statusCode, content, contentType } = await get(path, admin, { accept });
      assert.deepEqual([statusCode, contentType], [200, 'application/json'], path);
      assert.deepEqual(content, (await get(path)).content, path);
    }
    const [node] = items(field((await get('/api/v1/nodes', admin, { accept })).content, 'items'));
    assert.deepEqual(field(field(node, 'status'), 'allocatable'), field(field(node, 'status'), 'capacity'));
  });

  test('a client that takes nothing but protobuf is answered with 406, and a body in protobuf with 415', async () => {
    const protobuf = 'application/vnd.kubernetes.protobuf';
    const path = '/api/v1/nodes';
    const refused = await get(path, admin, { accept: protobuf });
    assert.deepEqual([refused.statusCode, field(refused.content, 'reason')], [406, 'NotAcceptable']);
    const posted = await post('/apis/authorization.k8s.io/v1/subjectaccessreviews', 'k8s\0', protobuf);
    assert.deepEqual([posted.statusCode, field(posted.content, 'reason')], [415, 'UnsupportedMediaType']);
  });

  for (const { name, token, spec, encoded, allowed } of reviews) {
    test(`a SelfSubjectAccessReview is answered, in JSON and in protobuf: ${name}`, async () => {
      const authorization = token ? { authorization: `Bearer ${credentials.readerToken}` } : undefined;
      const asked = { kind: 'SelfSubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', metadata: {}, spec };
      for (const [type, body] of [
        ['application/json', JSON.stringify(asked)],
        ['application/vnd.kubernetes.protobuf', encoded],
      ] as const) {
        const { statusCode, content } = await post(selfReviews, body, type, authorization);
        assert.equal(statusCode, 201);
        assert.deepEqual(content, { ...asked, status: { allowed } });
      }
    });
  }

  test('a SelfSubjectAccessReview that cannot be read is 400', async () => {
    for (const [type, body] of [
      ['application/json', '{'],
      ['application/vnd.kubernetes.protobuf', 'k8s\0\x12\x05\x0a'],
    ] as const) {
      assert.equal((await post(selfReviews, body, type)).statusCode, 400, type);
    }
  });

  test('OpenAPI documents are those of the server', async () => {
    for (const path of ['/openapi/v2', '/openapi/v3', '/openapi/v3/apis/metrics.k8s.io/v1?hash=1']) {
      await get(path);
      assert.equal(received.at(-1)?.url, path);
    }
  });

  test('discovers its own groups and those of the server', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const { content, contentType } = await get('/apis', admin, { accept });
    assert.match(String(contentType), /as=APIGroupDiscoveryList/);
    assert.deepEqual(
      items(field(content, 'items')).map((item) => field(field(item, 'metadata'), 'name')),
      [
        'apiregistration.k8s.io',
        'apps',
        'authentication.k8s.io',
        'authorization.k8s.io',
        'autoscaling',
        'metrics.k8s.io',
      ],
    );
    assert.equal(received.at(-1)?.headers['x-remote-user'], 'system:kube-aggregator');
    assert.equal(field((await get('/apis')).content, 'kind'), 'APIGroupList');
  });

  test('custom metrics are discovered, and come from the server', async () => {
    const { content } = await get('/apis/custom.metrics.k8s.io');
    assert.equal(field(field(content, 'preferredVersion'), 'version'), 'v1beta2');
    const path = '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/network_receive_bytes_per_second';
    await get(path);
    assert.equal(received.at(-1)?.url, path);
  });

  test('pods have requests, limits and an owner that has an owner', async () => {
    const pods = items(field((await get('/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb')).content, 'items'));
    const [app] = items(field(field(pods[0], 'spec'), 'containers'));
    assert.deepEqual(field(app, 'resources'), {
      requests: { cpu: '175m', memory: '225Mi' },
      limits: { cpu: '560m', memory: '288Mi' },
    });
    const [owner] = items(field(field(pods[0], 'metadata'), 'ownerReferences'));
    const set = (await get(`/apis/apps/v1/namespaces/shop/replicasets/${text(field(owner, 'name'))}`)).content;
    assert.equal(field(field(set, 'metadata'), 'uid'), field(owner, 'uid'));
    const [above] = items(field(field(set, 'metadata'), 'ownerReferences'));
    const { content: deployment } = await get('/apis/apps/v1/namespaces/shop/deployments/web');
    assert.equal(field(field(deployment, 'metadata'), 'uid'), field(above, 'uid'));
    assert.equal(field(field(deployment, 'spec'), 'replicas'), pods.length);
    const { content: scale } = await get('/apis/apps/v1/namespaces/shop/deployments/web/scale');
    assert.deepEqual(field(scale, 'status'), { replicas: pods.length, selector: 'app=web' });
  });

  test('a calm cluster says what its autoscalers would do if they were allowed to', async () => {
    const { status, conditions } = await autoscaler('shop/horizontalpodautoscalers/web', 3);
    const replicas = podNames.filter((name) => name.startsWith('web-')).length;
    assert.deepEqual([field(status, 'currentReplicas'), field(status, 'desiredReplicas')], [replicas, replicas]);
    // 190 of 175m and 15m.
    const current = { averageUtilization: 100, averageValue: '190m' };
    assert.deepEqual(field(status, 'currentMetrics'), [{ type: 'Resource', resource: { name: 'cpu', current } }]);
    assert.deepEqual(
      conditions.map(({ type, status: state, reason }) => `${type} ${state} ${reason}`),
      ['AbleToScale True ReadyForNewScale', 'ScalingActive True ValidMetricFound', 'ScalingLimited True ScaleUpLimit'],
    );
  });

  test('an autoscaler reads a metric of the kubelets by custom.metrics.k8s.io', async () => {
    const { status } = await autoscaler('shop/horizontalpodautoscalers/cart', 3);
    const metric = { name: 'network_receive_bytes_per_second' };
    assert.deepEqual(field(status, 'currentMetrics'), [
      { type: 'Pods', pods: { metric, current: { averageValue: '300k' } } },
    ]);
  });

  test('an autoscaler whose pods request nothing says so as the controller of Kubernetes does', async () => {
    const [worker = ''] = await listNames('/api/v1/namespaces/jobs/pods?labelSelector=app%3Dworker');
    const { conditions } = await autoscaler('jobs/horizontalpodautoscalers/worker', 2);
    assert.partialDeepStrictEqual(conditions[1], {
      type: 'ScalingActive',
      status: 'False',
      reason: 'FailedGetResourceMetric',
      message: `the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container worker of Pod ${worker}`,
    });
  });

  test('shows the server who asks, on the word of the front proxy alone', async () => {
    await get('/apis/metrics.k8s.io/v1/nodes?labelSelector=a', admin, {
      authorization: 'Bearer zzz',
      'x-remote-user': 'evil',
      'x-remote-group': 'evil',
      'x-remote-extra-scopes': 'evil',
    });
    const { url, headers, rawHeaders } = received.at(-1) ?? assert.fail('nothing came');
    assert.equal(url, '/apis/metrics.k8s.io/v1/nodes?labelSelector=a');
    assert.equal(clientNames.at(-1), 'front-proxy-client');
    assert.equal(headers['x-remote-user'], 'standin-admin');
    assert.equal(headers.authorization, undefined);
    assert.equal(headers['x-remote-extra-scopes'], undefined);
    const groups = rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === 'x-remote-group');
    assert.deepEqual(groups, ['system:masters', 'system:authenticated'], 'one line per group');
  });
});
