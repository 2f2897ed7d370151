/** The whole program over the wire: access, usage, paths and errors. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type ClientHttp2Session } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Agent, type Dispatcher, request } from 'undici';
import type { Issued } from '../fakes/certificates.ts';
import { until } from '../fakes/until.ts';
import { coresUsed, nodeNames, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const M = '/apis/metrics.k8s.io/v1beta1';
let cluster: WholeCluster;
const agents: Agent[] = [];
let anonymous: Agent;
let frontProxy: Agent;

before(async () => {
  cluster = await startWholeCluster(['--table-cells=readable']);
  const known = new Map([
    ['good', { username: 'system:serviceaccount:shop:reader', groups: ['system:serviceaccounts'] }],
  ]);
  cluster.apiServer.reviews.token = (token) =>
    known.has(token) ? { authenticated: true, user: known.get(token) } : { user: {} };
  cluster.apiServer.reviews.access = (spec) => ({
    allowed: spec['user'] === 'system:serviceaccount:shop:reader' && JSON.stringify(spec).includes('metrics.k8s.io'),
  });
  anonymous = agentWith();
  frontProxy = agentWith(cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] }));
  await untilServed(`${M}/pods`, (list) => list.items.length === cluster.kubelet.model.pods.length);
  // Pods may be served before the last node is scraped.
  await untilServed('/readyz', () => true);
});

after(async () => {
  await Promise.all(agents.map((agent) => agent.close()));
  await cluster[Symbol.asyncDispose]();
});

function agentWith(certificate?: Issued): Agent {
  const agent = new Agent({ allowH2: false, connect: { rejectUnauthorized: false, ...certificate } });
  agents.push(agent);
  return agent;
}

interface Answer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly text: string;
  /** Any shape; tests look for what they need. */
  readonly body: ReturnType<typeof JSON.parse>;
}

interface Question {
  readonly via?: Agent;
  readonly method?: Dispatcher.HttpMethod;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
}

async function ask(
  target: string,
  { via = anonymous, method = 'GET', headers = {}, body }: Question = {},
): Promise<Answer> {
  const answer = await request(`https://127.0.0.1:${cluster.port}${target}`, {
    dispatcher: via,
    method,
    headers,
    body: body ?? null,
  });
  const text = await answer.body.text();
  const isJson = String(answer.headers['content-type']).includes('json') && text !== '';
  return { status: answer.statusCode, headers: answer.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

/** The headers of kube-apiserver for a cluster admin. */
function asAdmin(target: string, rest: Question = {}): Promise<Answer> {
  const headers = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters', ...rest.headers };
  return ask(target, { ...rest, via: frontProxy, headers });
}

const withToken = (token: string): Question => ({ headers: { authorization: `Bearer ${token}` } });

async function untilServed(target: string, good: (body: Answer['body']) => boolean): Promise<void> {
  let served = false;
  let busy = false;
  await until(`${target} is served`, () => {
    if (!busy && !served) {
      busy = true;
      void asAdmin(target)
        .then((answer) => (served = answer.status === 200 && good(answer.body)))
        .catch(() => undefined)
        .finally(() => (busy = false));
    }
    return served;
  });
}

describe('usage', () => {
  test('of pods has every container once, exact quantities, the true time and window', async () => {
    const { body, headers } = await asAdmin(`${M}/namespaces/shop/pods/web-0`);
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(body.kind, 'PodMetrics');
    assert.equal(body.apiVersion, 'metrics.k8s.io/v1beta1');
    assert.deepEqual(Object.keys(body.metadata), ['name', 'namespace', 'creationTimestamp', 'labels']);
    assert.deepEqual(
      body.containers.map((container: { name: string; usage: { memory: string } }) => [
        container.name,
        container.usage.memory,
      ]),
      [
        ['app', '200Mi'],
        ['proxy', '40Mi'],
      ],
    );
    assert.ok(Number.parseFloat(body.window) > 0, body.window);
    assertCores(body.containers[0].usage.cpu);
  });

  test('of nodes is served as soon as there are two samples', async () => {
    await untilServed(`${M}/nodes`, (list) => list.items.length > 0);
    const { body } = await asAdmin(`${M}/nodes`);
    assert.ok(nodeNames.includes(body.items[0].metadata.name));
    assertCores(body.items[0].usage.cpu);
  });

  test('of a static pod is found by its config hash', async () => {
    const { body } = await asAdmin(`${M}/namespaces/kube-system/pods/etcd-node-0`);
    assert.equal(body.containers.length, 1);
  });

  test('in a table is readable where the flag says so', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const { body } = await asAdmin(`${M}/namespaces/shop/pods/web-0?includeObject=Object`, { headers: { accept } });
    const [row] = body.rows;
    const [name, cpu, memory] = row.cells;
    assert.equal(name, 'web-0');
    // Both containers together, rounded up.
    assert.match(cpu, /^(?:49[6-9]|50[0-5])m$/);
    assert.equal(memory, '240Mi');
    assert.equal(row.object.containers[0].usage.memory, '200Mi');
    assertCores(row.object.containers[0].usage.cpu);
  });

  test('is served in both versions', async () => {
    const { body } = await asAdmin('/apis/metrics.k8s.io/v1/namespaces/shop/pods');
    assert.equal(body.apiVersion, 'metrics.k8s.io/v1');
  });
});

describe('selectors', () => {
  const check = (query: string, expected: readonly string[]) =>
    test(query, async () => {
      const { body } = await asAdmin(`${M}/pods?${query}`);
      assert.deepEqual(
        body.items.map((item: { metadata: { name: string } }) => item.metadata.name),
        expected,
      );
    });
  check('labelSelector=app%3Dweb-0', ['web-0']);
  check('labelSelector=app%20in%20(web-0,nope)', ['web-0']);
  check('fieldSelector=metadata.namespace%3Dshop', ['web-0']);
  check('fieldSelector=metadata.name%3Dnope', []);

  test('that are malformed are refused in the words of Kubernetes', async () => {
    const { status, body } = await asAdmin(`${M}/pods?labelSelector=zone%20in%20(z1`);
    assert.equal(status, 400);
    assert.equal(body.message, "unable to parse requirement: found '', expected: ',' or ')'");
    const field = await asAdmin(`${M}/pods?fieldSelector=spec.nodeName%3Dx`);
    assert.equal(
      field.body.message,
      '"spec.nodeName" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
  });
});

describe('who is let in', () => {
  test('a request without credentials is 403 in the words of Kubernetes', async () => {
    const { status, body } = await ask(`${M}/nodes`);
    assert.equal(status, 403);
    assert.equal(
      body.message,
      'nodes.metrics.k8s.io is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "metrics.k8s.io" at the cluster scope',
    );
  });

  test('is allowed to a valid token with the right', async () =>
    assert.equal((await ask(`${M}/nodes`, withToken('good'))).status, 200));
  test('is denied to a valid token without the right', async () =>
    assert.equal((await ask('/metrics', withToken('good'))).status, 403));

  test('is denied to an invalid token, also for health', async () => {
    for (const target of [`${M}/nodes`, '/healthz']) {
      const { status, text, headers } = await ask(target, withToken('bad'));
      assert.equal(status, 401);
      assert.equal(text.length, 129);
      assert.equal(headers['www-authenticate'], undefined);
    }
  });

  test("is denied to a client that sends the front proxy's headers without its certificate", async () => {
    const spoof = { headers: { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' } };
    assert.equal((await ask(`${M}/nodes`, spoof)).status, 403);
    const alice = agentWith(cluster.clients.issue({ cn: 'alice', o: ['dev'], usages: ['client'] }));
    const { status, body } = await ask(`${M}/nodes`, { ...spoof, via: alice });
    assert.equal(status, 403);
    assert.match(body.message, /User "alice"/);
  });

  test('is denied to a group whose name looks like two', async () => {
    const { status } = await asAdmin(`${M}/nodes`, { headers: { 'x-remote-group': 'x, system:masters' } });
    assert.equal(status, 403);
  });

  test('is denied to a group whose name looks like two over HTTP/2, where repeated headers are joined', async () => {
    const session = connectHttp2(cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] }));
    const headers = { 'x-remote-user': 'mallory' };
    assert.equal(await status2(session, { ...headers, 'x-remote-group': 'x, system:masters' }), 403);
    assert.equal(await status2(session, { ...headers, 'x-remote-group': ['x', 'system:masters'] }), 200);
    session.close();
  });

  test('is denied to a certificate that no trusted CA signed', async () => {
    const { makeAuthority } = await import('../fakes/certificates.ts');
    const rogue = agentWith(makeAuthority('rogue').issue({ cn: 'front-proxy-client', usages: ['client'] }));
    const { status } = await ask(`${M}/nodes`, { via: rogue, headers: { 'x-remote-user': 'admin' } });
    assert.equal(status, 401);
  });

  test('impersonation is refused', async () => {
    const { status } = await ask(`${M}/nodes`, {
      headers: { authorization: 'Bearer good', 'impersonate-user': 'admin' },
    });
    assert.equal(status, 403);
  });

  test('while reviews fail, only requests that need none are served', async () => {
    cluster.apiServer.faults.answer = ({ path }) => (path.endsWith('subjectaccessreviews') ? 500 : undefined);
    const { status, text } = await ask(`${M}/nodes?labelSelector=never%3Dasked`, withToken('good'));
    cluster.apiServer.faults.answer = undefined;
    assert.equal(status, 500);
    assert.match(text, /^Internal Server Error: "\/apis\/metrics\.k8s\.io\/v1beta1\/nodes/);
    assert.equal((await asAdmin(`${M}/nodes`)).status, 200);
  });

  test('is allowed to a user whose headers are 100 KB, over both protocols', async () => {
    const groups = Array.from({ length: 1500 }, (_, index) => `group-${index}-${'x'.repeat(60)}`);
    const headers = { 'x-remote-user': 'many', 'x-remote-group': [...groups, 'system:masters'] };
    assert.equal((await ask(`${M}/nodes`, { via: frontProxy, headers })).status, 200);
    const session = connectHttp2(cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] }));
    assert.equal(await status2(session, headers), 200);
    session.close();
  });
});

describe('paths', () => {
  test('are listed by / and by the 404 of any other path', async () => {
    const index = await asAdmin('/');
    assert.equal(index.status, 200);
    for (const path of ['/apis', '/healthz', '/livez', '/readyz', '/metrics', '/version', M]) {
      assert.ok(index.body.paths.includes(path), path);
    }
    const missing = await asAdmin('/nope');
    assert.equal(missing.status, 404);
    assert.equal(missing.text, index.text);
  });

  test('discovery prefers v1, and is aggregated on request, with an ETag', async () => {
    assert.equal((await asAdmin('/apis')).body.groups[0].preferredVersion.version, 'v1');
    const accept =
      'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList';
    const { headers, body } = await asAdmin('/apis', { headers: { accept } });
    assert.equal(headers['content-type'], 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    assert.deepEqual(
      body.items[0].versions.map((each: { version: string }) => each.version),
      ['v1', 'v1beta1'],
    );
    const again = await asAdmin('/apis', { headers: { accept, 'if-none-match': String(headers['etag']) } });
    assert.equal(again.status, 304);
    assert.equal(again.headers['content-type'], undefined);
  });

  const check = (name: string, target: string, status: number, message: string, question: Question = {}) =>
    test(name, async () => {
      const answer = await asAdmin(target, question);
      assert.equal(answer.status, status);
      assert.equal(answer.body.message, message);
    });
  check('an unknown node', `${M}/nodes/nope`, 404, 'node "nope" not found');
  check('an unknown pod', `${M}/namespaces/shop/pods/nope`, 404, 'pods "nope" not found');
  check('a name of 253 characters', `${M}/nodes/${'a'.repeat(253)}`, 404, `node "${'a'.repeat(253)}" not found`);
  check('an unknown resource', `${M}/deployments`, 404, 'the server could not find the requested resource');
  check('an unknown version', '/apis/metrics.k8s.io/v2', 404, 'the server could not find the requested resource');
  check('a watch', `${M}/nodes?watch=true`, 405, 'watch is not supported on resources of kind "nodes.metrics.k8s.io"');
  const noMethod = 'the server does not allow this method on the requested resource';
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
    check(method, `${M}/nodes`, 405, noMethod, { method });
  }
  check('a POST with a body', `${M}/nodes`, 405, noMethod, { method: 'POST', headers: { 'content-type': 'text/x' } });

  test('a path that cannot be decoded is 400', async () => {
    const { status, body } = await asAdmin('/%zz');
    assert.equal(status, 400);
    assert.equal(body.kind, 'Status');
  });

  test('a request with a body of any kind is answered by its method', async () => {
    for (const type of ['a', ';;', 'application/json', '']) {
      const headers = type === '' ? {} : { 'content-type': type };
      const posted = await asAdmin(`${M}/nodes`, { method: 'POST', headers, body: '{' });
      assert.equal(posted.status, 405, type);
      assert.equal((await ask('/healthz', { method: 'POST', headers, body: '{' })).status, 200, type);
    }
  });

  test('an unknown method is not allowed', async () => {
    const session = connectHttp2(cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] }));
    const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
    assert.equal(await status2(session, { ...admin, ':method': 'FOO' }), 405);
    assert.equal(await status2(session, { ...admin, ':method': 'HEAD' }), 405);
    session.close();
  });

  test('OPTIONS * gets an empty 200 without credentials, over both protocols', async () => {
    const options = { port: cluster.port, host: '127.0.0.1', path: '*', method: 'OPTIONS', rejectUnauthorized: false };
    const [answer] = (await once(requestHttps(options).end(), 'response')) as [IncomingMessage];
    assert.equal(answer.statusCode, 200);
    assert.deepEqual(Object.keys(answer.headers).sort(), ['connection', 'content-length', 'date', 'keep-alive']);
    assert.equal(answer.headers['content-length'], '0');
    answer.resume();
    const session = connectHttp2();
    assert.equal(await status2(session, { ':method': 'OPTIONS', ':path': '*' }), 200);
    session.close();
    // Of anything else, OPTIONS is as good as any method.
    assert.equal((await ask('/version', { method: 'OPTIONS' })).status, 403);
  });

  test('a selector that is not UTF-8 is refused, not dropped', async () => {
    assert.equal((await asAdmin(`${M}/pods?labelSelector=app%3Dnone%ff`)).status, 400);
  });

  test('an Audit-Id comes back, unless it would break the connection', async () => {
    assert.equal((await asAdmin('/version', { headers: { 'audit-id': 'mine' } })).headers['audit-id'], 'mine');
    const long = (await asAdmin('/version', { headers: { 'audit-id': 'x'.repeat(100_000) } })).headers['audit-id'];
    assert.match(String(long), /^[0-9a-f-]{36}$/);
  });

  test('trailing slashes and percent-encoding do not change what a path means', async () => {
    for (const target of [`${M}/pods/`, '/apis/metrics.k8s.io/v1beta1/p%6Fds']) {
      assert.equal((await asAdmin(target)).body.kind, 'PodMetricsList', target);
    }
  });

  test('health is public, and its single checks are not', async () => {
    assert.equal((await ask('/readyz')).text, 'ok');
    assert.match((await ask('/livez?verbose')).text, /\[\+\]metric-collection-timely ok\n[^]*livez check passed\n$/);
    assert.equal((await ask('/readyz/ping')).status, 403);
    assert.equal((await asAdmin('/readyz/ping')).text, 'ok');
  });

  test('/metrics has the series of metrics-server and our own', async () => {
    const { text } = await asAdmin('/metrics');
    assert.match(text, /^metrics_server_kubelet_request_total\{success="true"\} \d+$/m);
    assert.match(text, /^metrics_server_storage_points\{type="container"\} \d+$/m);
    assert.match(text, /^kubegauge_node_source\{node="node-0",source="cadvisor"\} 1$/m);
  });

  test('/metrics reports requests as k8s.io/apiserver does, and no label value that clients invent', async () => {
    await asAdmin(`${M}/namespaces/shop/pods`);
    await asAdmin(`${M}/nodes/nope`);
    await asAdmin('/apis/made.up/v7/made-up/made-up', { method: 'PATCH' });
    await ask('/livez');
    await ask(`${M}/nodes`, withToken('good'));
    await ask(`${M}/nodes`, withToken('bad'));
    const { text, headers } = await asAdmin('/metrics');
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores');
    assert.match(String(headers['process-start-time-unix']), /^\d{10}$/);
    const requests = (verb: string, what: string, scope: string, code: number) => {
      const [version = '', resource = '', subresource = ''] = what.split(' ');
      const group = version === '' ? '' : 'metrics.k8s.io';
      const labels = { verb, group, version, resource, subresource, scope, component: 'apiserver', dry_run: '', code };
      const series = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
      assert.match(text, new RegExp(`^apiserver_request_total\\{${series.join(',')}\\} \\d+$`, 'm'));
    };
    requests('LIST', 'v1beta1 pods', 'namespace', 200);
    requests('GET', 'v1beta1 nodes', 'resource', 404);
    requests('LIST', 'v1beta1 nodes', 'cluster', 401);
    requests('PATCH', '', '', 404);
    requests('GET', '  /livez', '', 200);
    assert.doesNotMatch(text, /made/);
    for (const [name, labels] of [
      ['apiserver_request_duration_seconds_bucket', 'le="0.1",verb="LIST",.*'],
      ['apiserver_current_inflight_requests', 'request_kind="readOnly"'],
      ['authentication_attempts', 'result="success"'],
      ['authentication_attempts', 'result="error"'],
      ['authorization_attempts_total', 'result="allowed"'],
      ['authorization_attempts_total', 'result="no-opinion"'],
      ['apiserver_delegated_authn_request_total', 'code="201"'],
      ['apiserver_delegated_authz_request_total', 'code="201"'],
      ['rest_client_requests_total', 'code="200",method="GET",host="127.0.0.1:\\d+"'],
    ] as const) {
      assert.match(text, new RegExp(`^${name}\\{${labels}\\} \\d+$`, 'm'), name);
    }
  });

  test('/metrics has the types of metrics-server', async () => {
    const { text } = await asAdmin('/metrics');
    for (const [name, type] of [
      ['manager_tick_duration_seconds', 'histogram'],
      ['kubelet_request_duration_seconds', 'histogram'],
      ['kubelet_request_total', 'counter'],
      ['kubelet_last_request_time_seconds', 'gauge'],
      ['api_metric_freshness_seconds', 'histogram'],
      ['storage_points', 'gauge'],
    ]) {
      assert.ok(text.includes(`\n# TYPE metrics_server_${name} ${type}\n`), name);
    }
    const ages = /^metrics_server_api_metric_freshness_seconds_bucket\{le="([^"]+)"\}/gm;
    const bounds = [...text.matchAll(ages)].map(([, bound]) => Number(bound));
    assert.equal(bounds.length, 21);
    assert.equal(bounds[0], 1);
    assert.ok(Math.abs((bounds[19] ?? 0) - 1.364 ** 19) < 1e-6);
    assert.match(text, /^metrics_server_api_metric_freshness_seconds_count [1-9]\d*$/m);
  });

  test('JSON is indented for people and compact for programs', async () => {
    assert.match(
      (await asAdmin(`${M}/pods`, { headers: { 'user-agent': 'curl/8.0' } })).text,
      /^\{\n {2}"kind": "PodMetricsList",\n/,
    );
    assert.match((await asAdmin(`${M}/pods`)).text, /^\{"kind":"PodMetricsList",.*\}\n$/);
  });
});

test('a pod that was deleted from the API is not served', async () => {
  cluster.apiServer.objects.delete('Pod', 'batch-x7k2p', 'jobs');
  await untilServed(`${M}/namespaces/jobs/pods`, (list) => list.items.length === 0);
});

test('after SIGTERM, a request in progress is answered, then the port is closed', { timeout: 60_000 }, async () => {
  cluster.apiServer.faults.delayMs = 300;
  const reviewed = cluster.apiServer.requests.length;
  const slow = ask('/version', withToken('good'));
  await until('its review is under way', () => cluster.apiServer.requests.length > reviewed);
  // A connection that never asks for anything must not hold it up.
  const mute = connectTcp(cluster.port, '127.0.0.1');
  await once(mute, 'connect');
  const stopped = cluster.stop();
  assert.equal((await slow).status, 403);
  await stopped;
  mute.destroy();
  await assert.rejects(ask('/healthz', { via: agentWith() }), /ECONNREFUSED/);
});

/** The model uses a steady share; its samples are good to a millisecond. */
function assertCores(quantity: string): void {
  const nanocores = quantity.endsWith('n') ? Number.parseInt(quantity, 10) : Number.parseInt(quantity, 10) * 1e6;
  assert.ok(Math.abs(nanocores / 1e9 - coresUsed) < coresUsed / 100, quantity);
}

function connectHttp2(certificate?: Issued): ClientHttp2Session {
  return connect(`https://127.0.0.1:${cluster.port}`, {
    rejectUnauthorized: false,
    ...certificate,
    maxSendHeaderBlockLength: 1 << 20,
  });
}

async function status2(session: ClientHttp2Session, headers: Record<string, string | string[]>): Promise<number> {
  const stream = session.request({ ':path': `${M}/nodes`, ...headers });
  const [answer] = (await once(stream, 'response')) as [{ ':status'?: number }];
  stream.resume();
  await once(stream, 'close');
  return answer[':status'] ?? 0;
}
