/** Who may read custom and external metrics, and what bounds a request for them: time, requests in flight, metrics of ours. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { until } from '../fakes/until.ts';
import { pods, startValueServer, type ValueServer } from './valueserver.ts';

const C = '/apis/custom.metrics.k8s.io/v1beta2';
const X = '/apis/external.metrics.k8s.io/v1beta1';

interface ResourceAttributes {
  readonly namespace?: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
}

interface Spec {
  readonly resourceAttributes?: ResourceAttributes;
}

describe('authorization', () => {
  let server: ValueServer;
  let asked: Spec[];
  before(async () => {
    server = await startValueServer();
    server.source.custom = [{ resource: pods, namespaced: true, metric: 'http_requests_per_second' }];
    server.source.external = ['queue_depth'];
    server.source.onCustom = ({ names }) => ({
      samples: names.map((name) => ({ name, timestampMs: 0, valueMilli: 1000n })),
    });
  });
  after(() => server[Symbol.asyncDispose]());
  beforeEach(() => {
    asked = [];
    server.api.reviews.access = (spec) => {
      asked.push(spec);
      return { allowed: true };
    };
  });

  async function reviewOf(target: string): Promise<object | undefined> {
    await server.ask(target);
    return asked.at(-1)?.resourceAttributes;
  }

  test('of a list asks for get of the metric of the name *, in the version that was asked for', async () => {
    for (const version of ['v1beta1', 'v1beta2']) {
      const root = `/apis/custom.metrics.k8s.io/${version}`;
      assert.deepEqual(await reviewOf(`${root}/namespaces/shop/pods/*/http_requests_per_second`), {
        namespace: 'shop',
        verb: 'get',
        group: 'custom.metrics.k8s.io',
        version,
        resource: 'pods',
        subresource: 'http_requests_per_second',
        name: '*',
      });
    }
  });

  test('of a watch of a custom metric asks for get', async () => {
    const review = await reviewOf(`${C}/namespaces/shop/pods/*/m?watch=1`);
    assert.equal(review !== undefined && 'verb' in review && review.verb, 'get');
  });

  test('of a Namespace object asks for the resource metrics with the metric as its name', async () => {
    assert.deepEqual(await reviewOf(`${C}/namespaces/shop/metrics/m`), {
      namespace: 'shop',
      verb: 'get',
      group: 'custom.metrics.k8s.io',
      version: 'v1beta2',
      resource: 'metrics',
      name: 'm',
    });
  });

  test('of an external metric asks for list of the metric, and for watch with ?watch', async () => {
    for (const [query, verb] of [
      ['', 'list'],
      ['?watch=1', 'watch'],
    ]) {
      assert.deepEqual(await reviewOf(`${X}/namespaces/shop/queue_depth${query}`), {
        namespace: 'shop',
        verb,
        group: 'external.metrics.k8s.io',
        version: 'v1beta1',
        resource: 'queue_depth',
      });
    }
  });

  test("denies in the adapter's words, also where there is no such metric", async () => {
    server.api.reviews.access = () => ({ allowed: false });
    const cannot = 'is forbidden: User "alice" cannot';
    const custom = 'in API group "custom.metrics.k8s.io"';
    for (const [target, message] of [
      [
        `${C}/namespaces/shop/pods/*/inflight`,
        `pods.custom.metrics.k8s.io "*" ${cannot} get resource "pods/inflight" ${custom} in the namespace "shop"`,
      ],
      [
        `${C}/namespaces/shop/metrics/m`,
        `metrics.custom.metrics.k8s.io "m" ${cannot} get resource "metrics" ${custom} in the namespace "shop"`,
      ],
      [
        `${C}/nodes/node-a/heat`,
        `nodes.custom.metrics.k8s.io "node-a" ${cannot} get resource "nodes/heat" ${custom} at the cluster scope`,
      ],
      [
        `${C}/namespaces/shop/deployments.apps/web/lag`,
        `deployments.apps.custom.metrics.k8s.io "web" ${cannot} get resource "deployments.apps/lag" ${custom} in the namespace "shop"`,
      ],
      [
        `${C}/namespaces/shop/pods`,
        `pods.custom.metrics.k8s.io ${cannot} list resource "pods" ${custom} in the namespace "shop"`,
      ],
      [
        `${X}/namespaces/shop/queue_depth`,
        `queue_depth.external.metrics.k8s.io ${cannot} list resource "queue_depth" in API group "external.metrics.k8s.io" in the namespace "shop"`,
      ],
      [
        `${X}/namespaces/shop/queue_depth?watch=1`,
        `queue_depth.external.metrics.k8s.io ${cannot} watch resource "queue_depth" in API group "external.metrics.k8s.io" in the namespace "shop"`,
      ],
    ] as const) {
      const { status, body } = await server.ask(target);
      assert.deepEqual([status, body.message], [403, message]);
    }
  });

  test('denies a POST as create', async () => {
    server.api.reviews.access = () => ({ allowed: false });
    const { body } = await server.ask(`${C}/namespaces/shop/pods/web-0/m`, { method: 'POST' });
    assert.match(body.message, /cannot create resource "pods\/m"/);
  });

  test('by a right on one metric of pods opens its list and its objects in that namespace, and nothing else', async () => {
    server.api.reviews.access = (spec) => {
      const { resourceAttributes: of } = spec as Spec;
      const named = `${of?.resource}/${of?.subresource}`;
      return {
        allowed: of?.verb === 'get' && of.namespace === 'shop' && named === 'pods/http_requests_per_second',
      };
    };
    const statusOf = async (target: string) => (await server.ask(`${C}/namespaces/${target}`)).status;
    assert.equal(await statusOf('shop/pods/*/http_requests_per_second'), 200);
    assert.equal(await statusOf('shop/pods/web-0/http_requests_per_second'), 200);
    assert.equal(await statusOf('shop/pods/*/inflight'), 403);
    assert.equal(await statusOf('bank/pods/*/http_requests_per_second'), 403);
    assert.equal(await statusOf('shop/metrics/http_requests_per_second'), 403);
  });
});

test("users' requests for values that take long leave room in flight for the autoscaler's, and for metrics.k8s.io", async () => {
  await using server = await startValueServer({ inFlightLimit: 4 });
  server.source.custom = [{ resource: pods, namespaced: true, metric: 'm' }];
  const value = { samples: [{ name: 'web-0', timestampMs: 0, valueMilli: 1n }] };
  const slow = Promise.withResolvers<typeof value>();
  server.source.onCustom = ({ caller }) => (caller.kind === 'user' ? slow.promise : value);
  const target = `${C}/namespaces/shop/pods/web-0/m`;
  let refused = 0;
  const flood = Array.from({ length: 8 }, async (_, index) => {
    const { status } = await server.ask(target, { user: `user-${index % 3}` });
    if (status === 429) refused += 1;
    return status;
  });
  await until('as many as may are in flight', () => server.source.customQuestions.length === 2 && refused === 6);
  assert.equal((await server.ask('/apis/metrics.k8s.io/v1beta1', { user: 'user-0' })).status, 200);
  const user = 'system:serviceaccount:kube-system:horizontal-pod-autoscaler';
  assert.equal((await server.ask(target, { user })).status, 200);
  slow.resolve(value);
  const statuses = await Promise.all(flood);
  assert.equal(statuses.filter((status) => status === 200).length, 2);
});

describe('a source that takes long', () => {
  let server: ValueServer;
  let signals: AbortSignal[];
  beforeEach(async () => {
    server = await startValueServer({ inFlightLimit: 1 });
    server.source.custom = [{ resource: pods, namespaced: true, metric: 'm' }];
    server.source.external = ['queue_depth'];
    signals = [];
    server.source.onCustom = (_question, signal) => hang(signal);
    server.source.onExternal = (_question, signal) => hang(signal);
  });
  afterEach(() => server[Symbol.asyncDispose]());

  /** Ignores its signal, as a source must not. */
  function hang(signal: AbortSignal): Promise<never> {
    signals.push(signal);
    return new Promise(() => undefined);
  }

  for (const target of [`${C}/namespaces/shop/pods/*/m`, `${X}/namespaces/shop/queue_depth`]) {
    test(`a timeout shorter than any timer is a 504, and asks no source: ${target}`, async () => {
      let asked = 0;
      const answer = <T>(value: T): T => {
        asked += 1;
        return value;
      };
      server.source.onCustom = () => answer({ samples: [] });
      server.source.onExternal = () => answer([]);
      for (const timeout of ['1ns', '999us']) {
        const { status, text } = await server.ask(`${target}?timeout=${timeout}`);
        assert.equal(status, 504, text);
      }
      assert.equal(asked, 0);
    });

    test(`ends in a 504 at the client's timeout, and its signal aborts: ${target}`, async () => {
      const { status, text, headers } = await server.ask(`${target}?timeout=1s`);
      assert.equal(status, 504);
      assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
      assert.equal(
        text,
        '{"metadata":{},"status":"Failure","message":"Timeout: request did not complete within the allotted timeout","reason":"Timeout","details":{},"code":504}\n',
      );
      await until('the signal aborts', () => signals[0]?.aborted === true);
      await until('the request counts no more', () => server.inFlight.count() === 0);
    });
  }

  test('has a signal that aborts when its client cancels the request over HTTP/2, and the request counts no more', async () => {
    const client = new AbortController();
    const gone = server.ask(`${C}/namespaces/shop/pods/*/m`, { signal: client.signal, http2: true });
    await until('the source is asked', () => signals.length === 1);
    assert.equal(server.inFlight.count(), 1);
    assert.equal((await server.ask(`${C}/namespaces/shop/pods/*/m`)).status, 429);
    client.abort();
    await assert.rejects(gone);
    await until('the signal aborts', () => signals[0]?.aborted === true);
    await until('the request counts no more', () => server.inFlight.count() === 0);
    assert.deepEqual(
      server.recording.lines.filter((line) => line.includes('cannot answer')),
      [],
    );
  });

  test('gets a signal that has not aborted while it is waited for', async () => {
    server.source.onCustom = async (_question, signal) => {
      signals.push(signal);
      return { samples: [{ name: 'web-0', timestampMs: 0, valueMilli: signal.aborted ? 1n : 2000n }] };
    };
    const { body } = await server.ask(`${C}/namespaces/shop/pods/web-0/m`);
    assert.equal(body.items[0].value, '2');
  });
});

test('metrics of requests have neither the names of metrics nor those of resources', async () => {
  await using server = await startValueServer();
  server.source.custom = [{ resource: pods, namespaced: true, metric: 'm' }];
  server.source.onCustom = () => ({ samples: [{ name: 'web-0', timestampMs: 0, valueMilli: 1n }] });
  await server.ask(`${C}/namespaces/shop/pods/web-0/m`);
  await server.ask(`${C}/namespaces/shop/gadgets/web-0/made_up`);
  await server.ask(`${X}/namespaces/shop/made_up`);
  await server.ask(`${C}/namespaces/shop/pods/web-0`);
  let lines: string[] = [];
  await until('the requests are counted', () => {
    void server.registry.metrics().then((all) => {
      lines = all.split('\n').filter((line) => line.startsWith('apiserver_request_total'));
    });
    return lines.length >= 4;
  });
  const common = 'component="apiserver",dry_run=""';
  const custom =
    'verb="GET",group="custom.metrics.k8s.io",version="v1beta2",resource="*",subresource="*",scope="resource"';
  const external =
    'verb="LIST",group="external.metrics.k8s.io",version="v1beta1",resource="*",subresource="",scope="namespace"';
  assert.deepEqual(lines.sort(), [
    `apiserver_request_total{verb="GET",group="",version="",resource="",subresource="",scope="",${common},code="404"} 1`,
    `apiserver_request_total{${custom},${common},code="200"} 1`,
    `apiserver_request_total{${custom},${common},code="404"} 1`,
    `apiserver_request_total{${external},${common},code="404"} 1`,
  ]);
});
