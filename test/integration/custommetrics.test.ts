/** custom.metrics.k8s.io over the wire: objects, paths, parameters, errors and forms. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { milliOf } from '../../src/metricsource/milli.ts';
import type { CustomAnswer, CustomMetric } from '../../src/metricsource/source.ts';
import {
  deployments,
  namespaces,
  nodes,
  pods,
  startValueServer,
  type TestSource,
  type ValueServer,
  widgets,
} from './valueserver.ts';

const C = '/apis/custom.metrics.k8s.io/v1beta2';
const first = '/apis/custom.metrics.k8s.io/v1beta1';
const shop = `${C}/namespaces/shop`;
/** 2026-11-29T01:09:33.9Z: served without its fraction. */
const timestampMs = Date.UTC(2026, 10, 29, 1, 9, 33, 900);

let server: ValueServer;
before(async () => {
  server = await startValueServer();
});
after(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  const { source } = server;
  source.custom = [
    metricOf(pods, 'm'),
    metricOf(deployments, 'lag'),
    metricOf(namespaces, 'm'),
    metricOf(nodes, 'heat'),
    metricOf(widgets, 'size'),
  ];
  source.absence = undefined;
  source.pods = undefined;
  source.onCustom = valuesOf({ 'web-0': 9.998, 'web-1': 3.998, 'web-2': 3.998 });
  source.customQuestions.length = 0;
});

function metricOf(resource: typeof pods, metric: string): CustomMetric {
  return { resource, namespaced: resource.namespaced, metric };
}

/** Answers with the values of the objects that are asked for; without one where a value cannot be served. */
function valuesOf(values: Readonly<Record<string, number>>, windowSeconds?: number): TestSource['onCustom'] {
  return ({ names }): CustomAnswer => ({
    samples: names.flatMap((name) => {
      const valueMilli = milliOf(values[name] ?? Number.NaN);
      if (valueMilli === undefined) return [];
      return [{ name, timestampMs, valueMilli, ...(windowSeconds === undefined ? {} : { windowSeconds }) }];
    }),
  });
}

const ask = (target: string, options: Parameters<ValueServer['ask']>[1] = {}) => server.ask(target, options);

async function messageOf(target: string): Promise<readonly [number, string]> {
  const { status, body } = await ask(target);
  return [status, body.message];
}

describe('a value', () => {
  test('of one pod is a MetricValueList with exactly one item', async () => {
    const { status, text } = await ask(`${shop}/pods/web-0/m`);
    assert.equal(status, 200);
    assert.equal(
      text,
      '{"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta2","metadata":{},"items":[{"describedObject":{"kind":"Pod","namespace":"shop","name":"web-0","apiVersion":"/v1"},"metric":{"name":"m","selector":null},"timestamp":"2026-11-29T01:09:33Z","value":"9998m"}]}\n',
    );
  });

  test('of v1beta1 has metricName, its selector as the last key, and no metric', async () => {
    const { text } = await ask(`${first}/namespaces/shop/pods/web-0/m`);
    assert.equal(
      text,
      '{"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta1","metadata":{},"items":[{"describedObject":{"kind":"Pod","namespace":"shop","name":"web-0","apiVersion":"/v1"},"metricName":"m","timestamp":"2026-11-29T01:09:33Z","value":"9998m","selector":null}]}\n',
    );
  });

  test('with a window has windowSeconds before its value, which v1beta1 calls window', async () => {
    server.source.onCustom = valuesOf({ 'web-0': 1 }, 60);
    const [item] = (await ask(`${shop}/pods/web-0/m`)).body.items;
    assert.deepEqual(Object.keys(item), ['describedObject', 'metric', 'timestamp', 'windowSeconds', 'value']);
    const { text } = await ask(`${first}/namespaces/shop/pods/web-0/m`);
    assert.match(text, /"timestamp":"2026-11-29T01:09:33Z","window":60,"value":"1","selector":null}/);
  });

  test('describes a Deployment by apps/v1, also when it is asked for without its group', async () => {
    server.source.onCustom = valuesOf({ web: 12 });
    for (const resource of ['deployments.apps', 'deployments', 'deployment', 'deployment.apps']) {
      const [item] = (await ask(`${shop}/${resource}/web/lag`)).body.items;
      assert.deepEqual(Object.entries(item.describedObject), [
        ['kind', 'Deployment'],
        ['namespace', 'shop'],
        ['name', 'web'],
        ['apiVersion', 'apps/v1'],
      ]);
    }
  });

  test('describes nodes and namespaces without the key namespace', async () => {
    server.source.onCustom = valuesOf({ 'node-a': 40, shop: 2 });
    const [node] = (await ask(`${C}/nodes/node-a/heat`)).body.items;
    assert.deepEqual(node.describedObject, { kind: 'Node', name: 'node-a', apiVersion: '/v1' });
    const [namespace] = (await ask(`${shop}/metrics/m`)).body.items;
    assert.deepEqual(namespace.describedObject, { kind: 'Namespace', name: 'shop', apiVersion: '/v1' });
  });

  test('is truncated to thousandths and written in canonical form', async () => {
    const expected: readonly (readonly [number, string])[] = [
      [1.9999, '1999m'],
      [1000, '1k'],
      [1e15, '1P'],
      [-1.5, '-1500m'],
      [0.0004, '0'],
      [1.005, '1004m'],
      [1_234_567.5, '1234567500m'],
    ];
    for (const [value, text] of expected) {
      server.source.onCustom = valuesOf({ 'web-0': value });
      assert.equal((await ask(`${shop}/pods/web-0/m`)).body.items[0].value, text);
    }
  });

  test('that is no number, infinite or too large is left out of a list, and a 404 with a cause for one object', async () => {
    const causes = [{ message: 'the value is NaN' }];
    const values = valuesOf({ 'web-0': Number.NaN, 'web-1': Infinity, 'web-2': 2 ** 63 / 1000, 'idle-0': 1 });
    server.source.onCustom = async (question, signal) => ({ ...(await values(question, signal)), causes });
    const list = await ask(`${shop}/pods/*/m`);
    assert.deepEqual(
      list.body.items.map((item: { describedObject: { name: string } }) => item.describedObject.name),
      ['idle-0'],
    );
    const { status, body } = await ask(`${shop}/pods/web-0/m`);
    assert.equal(status, 404);
    assert.equal(body.message, 'the server could not find the metric m for pods web-0');
    assert.deepEqual(body.details, { causes });
  });

  test('is the last of several samples for one object, and samples of other objects are dropped', async () => {
    server.source.onCustom = () => ({
      samples: [
        { name: 'web-0', timestampMs, valueMilli: 3000n },
        { name: 'web-0', timestampMs, valueMilli: 5000n },
        { name: 'another', timestampMs, valueMilli: 7000n },
      ],
    });
    const { items } = (await ask(`${shop}/pods/web-0/m`)).body;
    assert.deepEqual(
      items.map((item: { value: string }) => item.value),
      ['5'],
    );
  });
});

describe('a name that no object can have', () => {
  test('is a 404, and no source writes it into a query', async () => {
    server.source.onCustom = ({ names }) => ({ samples: names.map((name) => ({ name, timestampMs, valueMilli: 1n })) });
    const end = encodeURIComponent('web-0"} or label_replace(secret, "pod", "x", "", ""){a="');
    for (const path of [
      `namespaces/shop/pods/${end}/m`,
      `namespaces/shop/pods/${'a'.repeat(254)}/m`,
      'namespaces/shop/pods/a%7Cb/m',
      'namespaces/shop/pods/%00/m',
      `namespaces/${end}/pods/*/m`,
      `namespaces/${end}/pods/web-0/m`,
      'namespaces//pods/web-0/m',
      `namespaces/${end}/metrics/m`,
      `nodes/${end}/heat`,
    ]) {
      assert.equal((await ask(`${C}/${path}`)).status, 404, path);
    }
    assert.equal(server.source.customQuestions.length, 0);
    for (const name of ['web-0', 'axb', 'a.b', 'system:web_0', '0']) {
      assert.equal((await ask(`${shop}/pods/${name}/m`)).status, 200, name);
    }
  });
});

describe('a list of values', () => {
  test('is asked for by * and by %2A alike', async () => {
    const star = await ask(`${shop}/pods/*/m`);
    const encoded = await ask(`${shop}/pods/%2A/m`);
    assert.equal(star.status, 200);
    assert.equal(encoded.text, star.text);
  });

  test('is ordered by the names of the objects, and leaves out those without a value', async () => {
    server.source.onCustom = ({ names }) => ({
      samples: names
        .filter((name) => name !== 'idle-0')
        .map((name) => ({ name, timestampMs, valueMilli: 1n }))
        .toReversed(),
    });
    const { items } = (await ask(`${shop}/pods/*/m`)).body;
    assert.deepEqual(
      items.map((item: { describedObject: { name: string } }) => item.describedObject.name),
      ['a.b', 'axb', 'web-0', 'web-1', 'web-2'],
    );
  });

  test('of matching objects without a value is empty, not null', async () => {
    server.source.onCustom = () => ({ samples: [] });
    const { status, text } = await ask(`${shop}/pods/*/m`);
    assert.equal(status, 200);
    assert.match(text, /"items":\[\]/);
  });

  test('without any matching object is a 404, and asks the source nothing', async () => {
    for (const path of ['shop/pods/*/m?labelSelector=app%3Dnone', 'empty/pods/*/m', 'nowhere/pods/*/m']) {
      assert.deepEqual(await messageOf(`${C}/namespaces/${path}`), [
        404,
        'the server could not find the metric m for pods',
      ]);
    }
    assert.equal(server.source.customQuestions.length, 0);
  });

  test('has the objects that labelSelector selects', async () => {
    await ask(`${shop}/pods/*/m?labelSelector=app%3Dweb`);
    assert.deepEqual(server.source.customQuestions[0]?.names, ['web-0', 'web-1', 'web-2']);
    assert.equal(server.source.customQuestions[0].isNamed, false);
  });

  test('of namespaces is asked for below namespaces/*, with labelSelector', async () => {
    server.source.onCustom = valuesOf({ shop: 1, bank: 2, empty: 3 });
    const { items } = (await ask(`${C}/namespaces/*/metrics/m`)).body;
    assert.deepEqual(
      items.map((item: { describedObject: { name: string } }) => item.describedObject.name),
      ['bank', 'empty', 'shop'],
    );
    await ask(`${C}/namespaces/*/metrics/m?labelSelector=team%3Da`);
    assert.deepEqual(server.source.customQuestions.at(-1)?.names, ['shop']);
  });

  test('of nodes is filtered by labelSelector', async () => {
    server.source.onCustom = valuesOf({ 'node-a': 1, 'node-b': 2 });
    const { items } = (await ask(`${C}/nodes/*/heat?labelSelector=zone%3Dz1`)).body;
    assert.deepEqual(
      items.map((item: { describedObject: { name: string } }) => item.describedObject.name),
      ['node-b'],
    );
  });

  test('of a metric that has no samples yet is a 404 with the reason in its message', async () => {
    server.source.onCustom = () => ({ samples: [], pending: 'it is served from the next samples on' });
    for (const [name, object] of [
      ['*', ''],
      ['web-0', ' web-0'],
    ]) {
      assert.deepEqual(await messageOf(`${shop}/pods/${name}/m`), [
        404,
        `the server could not find the metric m for pods${object}: it is served from the next samples on`,
      ]);
    }
  });
});

describe('a 404', () => {
  test('for an unknown metric names the resource as it was written, without details', async () => {
    for (const [path, resource, metric] of [
      ['pods/web-0/nope', 'pods', 'nope'],
      ['pods/*/nope', 'pods', 'nope'],
      ['gadgets/web-0/m', 'gadgets', 'm'],
      ['gadgets/*/m', 'gadgets', 'm'],
      ['deployments.v1.apps/web/lag', 'deployments.v1.apps', 'lag'],
      ['po/web-0/m', 'po', 'm'],
      ['nodes/node-a/heat', 'nodes', 'heat'],
    ]) {
      const { status, body } = await ask(`${shop}/${path}`);
      assert.deepEqual([status, body.message], [404, `the server could not find the metric ${metric} for ${resource}`]);
      assert.deepEqual(Object.keys(body), ['kind', 'apiVersion', 'metadata', 'status', 'message', 'reason', 'code']);
    }
    assert.deepEqual(await messageOf(`${C}/no/node-a/heat`), [404, 'the server could not find the metric heat for no']);
    assert.deepEqual(await messageOf(`${C}/pods/*/m`), [404, 'the server could not find the metric m for pods']);
  });

  test('for an unknown metric has the reason of a source that cannot know its metrics', async () => {
    server.source.absence = 'Prometheus cannot be reached';
    const { body } = await ask(`${shop}/pods/*/nope`);
    assert.equal(body.message, 'the server could not find the metric nope for pods');
    assert.deepEqual(body.details, { causes: [{ message: 'Prometheus cannot be reached' }] });
  });

  test('for a known metric of an object without a value names the object', async () => {
    assert.deepEqual(await messageOf(`${shop}/pods/idle-0/m`), [
      404,
      'the server could not find the metric m for pods idle-0',
    ]);
    assert.deepEqual(await messageOf(`${C}/namespaces/nowhere/metrics/m`), [
      404,
      'the server could not find the metric m for namespaces nowhere',
    ]);
  });
});

describe('a path', () => {
  test('may name a resource by its singular', async () => {
    assert.equal((await ask(`${shop}/pod/web-0/m`)).status, 200);
    server.source.onCustom = valuesOf({ 'node-a': 1 });
    assert.equal((await ask(`${C}/node/node-a/heat`)).status, 200);
  });

  test('reads cluster-scoped custom resources at the root', async () => {
    server.source.onCustom = valuesOf({ 'w-1': 1 });
    const [item] = (await ask(`${C}/widgets.acme.io/*/size`)).body.items;
    assert.deepEqual(item.describedObject, { kind: 'Widget', name: 'w-1', apiVersion: 'acme.io/v1' });
    assert.equal((await ask(`${shop}/widgets.acme.io/*/size`)).status, 404);
  });

  test('names an object that the API does not know: it is not looked up', async () => {
    server.source.onCustom = valuesOf({ 'gone-0': 1 });
    const [item] = (await ask(`${shop}/pods/gone-0/m?labelSelector=app%3Dnone`)).body.items;
    assert.equal(item.describedObject.name, 'gone-0');
    assert.equal(server.source.customQuestions[0]?.isNamed, true);
  });

  test('below namespaces/<name>/metrics is about the Namespace, which has no namespace', async () => {
    await ask(`${shop}/metrics/m`);
    const [question] = server.source.customQuestions;
    assert.deepEqual([question?.resource.resource, question?.namespace, question?.names], ['namespaces', '', ['shop']]);
  });

  test('may end in a slash', async () => {
    assert.equal((await ask(`${shop}/pods/web-0/m/`)).status, 200);
  });

  test('in a namespace that is too short by one part is a 400', async () => {
    for (const path of ['shop/pods', 'shop/metrics', 'shop/m', '*/m']) {
      assert.deepEqual(await messageOf(`${C}/namespaces/${path}`), [400, 'invalid request path'], path);
    }
  });

  test('of another length is the generic 404', async () => {
    for (const path of [
      'namespaces/shop/pods/web-0',
      'nodes/node-a',
      'nodes',
      'namespaces',
      'namespaces/shop',
      'namespaces/shop/pods/web-0/m/more',
      'namespaces/shop//pods/web-0/m',
      'namespaces/shop/pods/web-0/a%2Fb',
    ]) {
      const { status, body } = await ask(`${C}/${path}`);
      assert.deepEqual([status, body.message], [404, 'the server could not find the requested resource'], path);
      assert.deepEqual(body.details, {});
    }
  });

  test('answers every method but GET by 405', async () => {
    for (const method of ['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
      const { status, text } = await ask(`${shop}/pods/web-0/m`, { method });
      assert.equal(status, 405, method);
      assert.equal(text.includes('the server does not allow this method'), method !== 'HEAD');
    }
    assert.equal(server.source.customQuestions.length, 0);
  });
});

describe('parameters', () => {
  test('limit, continue, watch, resourceVersion, sendInitialEvents and unknown ones are ignored', async () => {
    const { text } = await ask(`${shop}/pods/*/m`);
    for (const query of [
      'limit=1',
      'continue=abc',
      'watch=true',
      'resourceVersion=abc',
      'resourceVersionMatch=Exact',
      'sendInitialEvents=true',
      'foo=bar',
    ]) {
      assert.equal((await ask(`${shop}/pods/*/m?${query}`)).text, text, query);
    }
  });

  test("limit and timeoutSeconds that are no numbers are a 400 in Go's words", async () => {
    for (const name of ['limit', 'timeoutSeconds']) {
      assert.deepEqual(await messageOf(`${shop}/pods/*/m?${name}=x`), [
        400,
        'strconv.ParseInt: parsing "x": invalid syntax',
      ]);
    }
  });

  test("a malformed labelSelector is a 400 with the parser's text", async () => {
    const expected = [400, "unable to parse requirement: found '=', expected: identifier"];
    assert.deepEqual(await messageOf(`${shop}/pods/*/m?labelSelector=a%3D%3D%3Db`), expected);
    assert.deepEqual(await messageOf(`${shop}/pods/*/m?metricLabelSelector=a%3D%3D%3Db`), expected);
  });

  test('a metricLabelSelector that no source can apply is a 400, and no source is asked', async () => {
    const [gt, text] = await messageOf(`${shop}/pods/*/m?metricLabelSelector=a%3E5`);
    assert.equal(gt, 400);
    assert.match(text, /^metricLabelSelector: metrics cannot be selected by < and >/);
    for (const key of ['app.kubernetes.io%2Fname', 'a-b', '0a']) {
      const [status, message] = await messageOf(`${shop}/pods/*/m?metricLabelSelector=${key}%3Dx`);
      assert.equal(status, 400);
      assert.match(message, /is not the name of a metric's label/);
    }
    assert.equal(server.source.customQuestions.length, 0);
  });

  test('metricLabelSelector is returned as a LabelSelector: labels for equality, expressions for the rest', async () => {
    const selectorOf = async (text: string) =>
      (await ask(`${shop}/pods/web-0/m?metricLabelSelector=${encodeURIComponent(text)}`)).body.items[0].metric.selector;
    assert.deepEqual(await selectorOf('a=b'), { matchLabels: { a: 'b' } });
    assert.deepEqual(await selectorOf('method=GET,path'), {
      matchLabels: { method: 'GET' },
      matchExpressions: [{ key: 'path', operator: 'Exists' }],
    });
    assert.deepEqual(await selectorOf('a in (y,x)'), {
      matchExpressions: [{ key: 'a', operator: 'In', values: ['x', 'y'] }],
    });
    assert.deepEqual(await selectorOf('a in (x)'), {
      matchExpressions: [{ key: 'a', operator: 'In', values: ['x'] }],
    });
    assert.deepEqual(await selectorOf('a notin (x)'), {
      matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['x'] }],
    });
    assert.deepEqual(await selectorOf('!a'), { matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] });
    assert.deepEqual(server.source.customQuestions[0]?.metricSelector.requirements, [
      { key: 'a', operator: 'In', values: ['b'], isSet: false },
    ]);
  });

  test('metricLabelSelector with != is served, and returned as NotIn', async () => {
    const { status, body } = await ask(`${shop}/pods/web-0/m?metricLabelSelector=a!%3Db`);
    assert.equal(status, 200);
    assert.deepEqual(body.items[0].metric.selector, {
      matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['b'] }],
    });
  });

  test('fieldSelector may name the name in the path only', async () => {
    const other = [400, "fieldSelector metadata.name doesn't match requested name"];
    assert.deepEqual(await messageOf(`${shop}/pods/*/m?fieldSelector=metadata.name%3Dweb-1`), other);
    assert.deepEqual(await messageOf(`${shop}/pods/web-0/m?fieldSelector=metadata.name%3Dweb-1`), other);
    assert.deepEqual(await messageOf(`${shop}/pods/*/m?fieldSelector=spec.x%3Dy`), [
      400,
      '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ]);
    assert.equal((await ask(`${shop}/pods/web-0/m?fieldSelector=metadata.name%3Dweb-0`)).status, 200);
  });

  test('pretty and the user agent of curl indent the JSON, which is compact with a newline otherwise', async () => {
    const compact = await ask(`${shop}/pods/web-0/m`);
    assert.ok(compact.text.endsWith('}]}\n'));
    const pretty = await ask(`${shop}/pods/web-0/m?pretty=true`);
    const curl = await ask(`${shop}/pods/web-0/m`, { headers: { 'user-agent': 'curl/8' } });
    assert.equal(pretty.text, JSON.stringify(compact.body, null, 2));
    assert.equal(curl.text, pretty.text);
  });
});

describe('the form of values', () => {
  const protobuf = 'application/vnd.kubernetes.protobuf';

  test("is protobuf where the autoscaler asks for it, with the adapter's bytes", async () => {
    server.source.custom = [metricOf(pods, 'http_requests_per_second')];
    const golden =
      'azhzAAowCh1jdXN0b20ubWV0cmljcy5rOHMuaW8vdjFiZXRhMhIPTWV0cmljVmFsdWVMaXN0EvcBCgYKABIAGgASTgodCgNQb2QSBHNob3AaBXdlYi0wIgAqAy92MTIAOgASGgoYaHR0cF9yZXF1ZXN0c19wZXJfc2Vjb25kGggIzfat2AYQACoHCgU5OTk4bRJOCh0KA1BvZBIEc2hvcBoFd2ViLTEiACoDL3YxMgA6ABIaChhodHRwX3JlcXVlc3RzX3Blcl9zZWNvbmQaCAjN9q3YBhAAKgcKBTM5OTltEk0KHQoDUG9kEgRzaG9wGgV3ZWItMiIAKgMvdjEyADoAEhoKGGh0dHBfcmVxdWVzdHNfcGVyX3NlY29uZBoICM32rdgGEAAqBgoEOTk5bRoAIgA=';
    server.source.onCustom = valuesOf({ 'web-0': 9.998, 'web-1': 3.999, 'web-2': 0.999 });
    const headers = { accept: `${protobuf}, */*` };
    const answer = await ask(`${shop}/pods/%2A/http_requests_per_second?labelSelector=app%3Dweb`, { headers });
    assert.equal(answer.headers['content-type'], protobuf);
    assert.equal(answer.bytes.toString('base64'), golden);
  });

  test('in protobuf has a selector and a window only where there is one', async () => {
    server.source.onCustom = valuesOf({ 'web-0': 1 }, 60);
    const headers = { accept: protobuf };
    const selected = `${first}/namespaces/shop/pods/web-0/m?metricLabelSelector=a%3Db,c`;
    const hex = (await ask(selected, { headers })).bytes.toString('hex');
    assert.ok(hex.includes('203c2a030a0131'), 'the window of 60 s, then the value');
    assert.ok(hex.includes('0a060a016112016212'), 'the label a=b');
    assert.ok(hex.includes('0a016312064578697374'), 'the expression: c exists');
  });

  test('in protobuf of an empty list has the three empty fields of ListMeta', async () => {
    server.source.onCustom = () => ({ samples: [] });
    const { bytes } = await ask(`${shop}/pods/*/m`, { headers: { accept: protobuf } });
    assert.ok(bytes.toString('hex').endsWith('12080a060a0012001a001a002200'));
  });

  test("of an error is protobuf where that is accepted, with the adapter's bytes", async () => {
    const { bytes, headers } = await ask(`${shop}/pods/web-0/nope`, { headers: { accept: protobuf } });
    assert.equal(headers['content-type'], protobuf);
    assert.equal(
      bytes.toString('base64'),
      'azhzAAoMCgJ2MRIGU3RhdHVzElIKBgoAEgAaABIHRmFpbHVyZRoydGhlIHNlcnZlciBjb3VsZCBub3QgZmluZCB0aGUgbWV0cmljIG5vcGUgZm9yIHBvZHMiCE5vdEZvdW5kMJQDGgAiAA==',
    );
  });

  test('is YAML with sorted keys, and CBOR is a 406', async () => {
    const { text } = await ask(`${shop}/pods/web-0/m`, { headers: { accept: 'application/yaml' } });
    assert.equal(
      text,
      'apiVersion: custom.metrics.k8s.io/v1beta2\nitems:\n- describedObject:\n    apiVersion: /v1\n    kind: Pod\n    name: web-0\n    namespace: shop\n  metric:\n    name: m\n    selector: null\n  timestamp: "2026-11-29T01:09:33Z"\n  value: 9998m\nkind: MetricValueList\nmetadata: {}\n',
    );
    assert.equal((await ask(`${shop}/pods/web-0/m`, { headers: { accept: 'application/cbor' } })).status, 406);
  });

  test('is neither a table nor metadata: 406, and no source is asked', async () => {
    for (const kind of ['Table', 'PartialObjectMetadataList']) {
      const accept = `application/json;as=${kind};v=v1;g=meta.k8s.io`;
      assert.equal((await ask(`${shop}/pods/web-0/m`, { headers: { accept } })).status, 406);
      assert.equal(server.source.customQuestions.length, 0);
    }
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const answer = await ask(`${shop}/pods/web-0/m`, { headers: { accept } });
    assert.deepEqual([answer.status, answer.body.kind], [200, 'MetricValueList']);
  });

  test('is compressed where it is long and the client accepts it', async () => {
    const names = Array.from({ length: 3_000 }, (_, index) => `web-${index}`).sort();
    server.source.pods = names;
    server.source.onCustom = ({ names: asked }) => ({
      samples: asked.map((name) => ({ name, timestampMs, valueMilli: 1n })),
    });
    const { headers, bytes } = await ask(`${shop}/pods/*/m`, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(headers['content-encoding'], 'gzip');
    const { items } = JSON.parse(gunzipSync(bytes).toString());
    assert.deepEqual(
      items.map((item: { describedObject: { name: string } }) => item.describedObject.name),
      names,
    );
  });
});
