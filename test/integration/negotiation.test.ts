/** Forms of responses, paths, parameters and timeouts over the wire. Bodies and codes are the real server's. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Agent, type Dispatcher, request } from 'undici';
import { node } from '../fakes/kubeobjects.ts';
import { until } from '../fakes/until.ts';
import { nodeNames, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const M = '/apis/metrics.k8s.io/v1beta1';
const pod = `${M}/namespaces/shop/pods/web-0`;
const json = 'application/json';
const yaml = 'application/yaml';
const protobuf = 'application/vnd.kubernetes.protobuf';
const asTable = ';as=Table;v=v1;g=meta.k8s.io';
const asPartial = ';as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const asPartialList = ';as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

let cluster: WholeCluster;
let frontProxy: Agent;

before(async () => {
  cluster = await startWholeCluster(['--request-timeout=20s']);
  const certificate = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  frontProxy = new Agent({ allowH2: false, connect: { rejectUnauthorized: false, ...certificate } });
  await untilAnswered(`${M}/nodes`, ({ text }) => text.includes('node-'));
  await untilAnswered(pod, ({ status }) => status === 200);
});

after(async () => {
  await frontProxy.close();
  await cluster[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly bytes: Buffer;
  readonly text: string;
}

interface Question {
  readonly method?: Dispatcher.HttpMethod;
  readonly headers?: Record<string, string>;
}

/** The headers of kube-apiserver for a cluster admin. */
async function ask(target: string, { method = 'GET', headers = {} }: Question = {}): Promise<Answer> {
  const answer = await request(`https://127.0.0.1:${cluster.port}${target}`, {
    dispatcher: frontProxy,
    method,
    headers: { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters', ...headers },
  });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  return { status: answer.statusCode, headers: answer.headers, bytes, text: bytes.toString() };
}

async function untilAnswered(target: string, good: (answer: Answer) => boolean): Promise<void> {
  let asking: Promise<void> | undefined;
  let isGood = false;
  await until(`${target} is as wanted`, () => {
    asking ??= ask(target)
      .then((answer) => (isGood ||= good(answer)))
      .catch(() => undefined)
      .then(() => (asking = undefined));
    return isGood;
  });
}

describe('the form of the response', () => {
  const check = (target: string, accept: string, status: number, contentType: string, start: RegExp) =>
    test(`${target} ${accept}: ${status} ${contentType}`, async () => {
      const answer = await ask(target, { headers: { accept } });
      assert.equal(answer.status, status);
      assert.equal(answer.headers['content-type'], contentType);
      assert.match(answer.text, start);
    });
  const compact = /^\{"kind":.*\}\n$/;
  const pretty = /^\{\n {2}"kind":[^]*\n\}$/;
  const routers =
    /Not Acceptable\\n\\nAvailable representations: application\/json, application\/yaml, application\/vnd.kubernetes.protobuf"/;
  const handlers =
    /"only the following media types are accepted: application\/json, application\/yaml, application\/vnd.kubernetes.protobuf"/;

  for (const accept of [
    '*/*',
    '*/*;q=0',
    'application/json;q=0',
    'application/json;charset=utf-8',
    'text/html, application/json',
    'application/cbor,application/json',
  ]) {
    check(pod, accept, 200, json, compact);
  }
  check(pod, `${json};pretty=1`, 200, json, pretty);
  check(pod, yaml, 200, yaml, /^apiVersion: metrics.k8s.io\/v1beta1\ncontainers:\n- name: app\n {2}usage:\n/);
  check(pod, `${yaml};q=0.9,${json};q=0.8`, 200, yaml, /^apiVersion/);
  check(pod, `${protobuf}, */*`, 200, protobuf, /^k8s\0.*PodMetrics/s);
  check(pod, `${protobuf},${json}`, 200, protobuf, /^k8s\0/);
  check(pod, `${protobuf};q=0.5,${json};q=0.9`, 200, json, compact);
  check(`${M}/pods`, protobuf, 200, protobuf, /^k8s\0.*PodMetricsList/s);
  for (const accept of [
    'application/*',
    'text/html',
    'application/xml',
    'application/cbor',
    'text/yaml',
    'APPLICATION/JSON',
    'garbage',
    ',',
    '*',
  ]) {
    check(pod, accept, 406, json, routers);
  }
  check(
    `${M}/nodes`,
    'text/html',
    406,
    json,
    /protobuf, application\/json;stream=watch, application\/vnd.kubernetes.protobuf;stream=watch"/,
  );
  check('/version', 'text/html', 406, json, /Available representations: application\/json"/);
  check('/version', yaml, 406, yaml, /^apiVersion: v1\ncode: 406\ndetails: \{\}\nkind: Status\nmessage: \|-\n {2}406/);

  check(
    pod,
    json + asTable,
    200,
    json,
    /^\{"kind":"Table","apiVersion":"meta.k8s.io\/v1",.*"cells":\["web-0","(?:500m|(?:4999|5000)\d+n)","240Mi",/,
  );
  check(
    `${M}/pods`,
    `${json};as=Table;v=v1beta1;g=meta.k8s.io`,
    200,
    json,
    /^\{"kind":"Table","apiVersion":"meta.k8s.io\/v1beta1"/,
  );
  check(pod, yaml + asTable, 200, yaml, /^apiVersion: meta.k8s.io\/v1\ncolumnDefinitions:\n/);
  check(`${M}/namespaces/empty/pods`, json + asTable, 200, json, /"columnDefinitions":null,"rows":null\}\n$/);
  check(
    `${pod}?includeObject=Object`,
    json + asTable,
    200,
    json,
    /"object":\{"kind":"PodMetrics","apiVersion":"metrics.k8s.io\/v1beta1"/,
  );
  check(`${pod}?includeObject=None`, json + asTable, 200, json, /"object":null/);
  check(`${pod}?includeObject=Foo`, json + asTable, 400, json, /must be 'Metadata', 'Object', 'None', or empty/);
  check(`${pod}?includeObject=Foo`, json, 200, json, compact);
  for (const accept of [
    `${json};as=Table`,
    `${json};as=Table;v=v2;g=meta.k8s.io`,
    `${json};as=PodMetrics;v=v1;g=meta.k8s.io`,
    protobuf + asTable,
  ]) {
    check(pod, accept, 406, json, handlers);
  }
  check(pod, `${protobuf}${asTable},${json}`, 200, json, /^\{"kind":"PodMetrics"/);
  check(
    pod,
    json + asPartial,
    200,
    json,
    /^\{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io\/v1","metadata":\{"name":"web-0"/,
  );
  check(`${M}/pods`, json + asPartialList, 200, json, /^\{"kind":"PartialObjectMetadataList"/);
  check(`${M}/pods`, protobuf + asPartialList, 200, protobuf, /PartialObjectMetadataList/);
  check(pod, json + asPartialList, 406, json, /the requested object is not a list \(\*metrics.PodMetrics\)/);
  check(
    `${M}/nodes`,
    `${yaml}${asPartial},${json}`,
    406,
    json,
    /the requested object is a list \(\*metrics.NodeMetricsList\)/,
  );

  // An error keeps its code, whatever is accepted.
  check(`${M}/nodes/nope`, yaml, 404, yaml, /message: node "nope" not found\n/);
  check(`${M}/nodes/nope`, protobuf, 404, protobuf, /^k8s\0.*NotFound/s);
  check(`${M}/nodes/nope`, json + asTable, 404, json, pretty);
  check(`${M}/nodes/nope`, `${json}${asTable},${json}`, 404, json, compact);
  check(`${M}/nodes/nope`, 'text/html', 406, json, routers);
  check(`${M}/deployments`, 'text/html', 404, json, pretty);
  check(`${M}/nodes?limit=abc`, 'text/html', 406, json, /406: Not Acceptable/);
});

test('errors without an endpoint obey Accept', async () => {
  const bob = { 'x-remote-user': 'bob', 'x-remote-group': 'x', accept: yaml };
  const forbidden = await ask(`${M}/nodes`, { headers: bob });
  assert.equal(forbidden.status, 403);
  assert.match(forbidden.text, /^apiVersion: v1\ncode: 403\n/);
  const anonymous = await ask(`${M}/nodes`, { headers: { 'x-remote-user': '', 'user-agent': 'curl/8' } });
  assert.equal(anonymous.status, 401);
  assert.match(anonymous.text, /^\{\n {2}"kind": "Status"/);
});

describe('discovery', () => {
  const v2 = ';g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const check = (accept: string, contentType: string, start: RegExp) =>
    test(accept, async () => {
      const { status, headers, text } = await ask('/apis', { headers: { accept } });
      assert.equal(status, 200);
      assert.equal(headers['content-type'], contentType);
      assert.match(text, start);
    });
  check(json + v2, json + v2, /^\{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io\/v2"/);
  check((json + v2).replaceAll(';', '; '), json + v2, /^\{"kind"/);
  check(`${json}${v2};profile=nopeer`, json + v2, /^\{"kind"/);
  check(json + v2.replace('v=v2', 'v=v2beta1'), json + v2.replace('v=v2', 'v=v2beta1'), /apidiscovery.k8s.io\/v2beta1/);
  check(`${json},${json}${v2}`, json + v2, /^\{"kind"/);
  check(protobuf + v2, protobuf + v2, /^k8s\0.*APIGroupDiscoveryList/s);
  check(yaml + v2, yaml + v2, /^apiVersion: apidiscovery.k8s.io\/v2\n/);
  check(`${json}${v2.replace('v=v2', 'v=v3')},${json}`, json, /^\{"kind":"APIGroupList"/);
  check(yaml, yaml, /^groups:\n- name: metrics.k8s.io\n/);
  check(protobuf, protobuf, /^k8s\0.*APIGroupList/s);

  test('in an unknown version is not acceptable', async () => {
    const { status, text } = await ask('/apis', { headers: { accept: json + v2.replace('v=v2', 'v=v3') } });
    assert.equal(status, 406);
    assert.match(text, /only the following media types are accepted/);
  });

  test('is revalidated by its exact ETag', async () => {
    const { headers } = await ask('/apis', { headers: { accept: json + v2 } });
    const etag = String(headers['etag']);
    assert.equal(headers['cache-control'], 'public');
    assert.equal(headers['vary'], 'Accept');
    for (const [tag, status] of [[etag, 304] as const, [`W/${etag}`, 200] as const, ['*', 200] as const]) {
      const again = await ask('/apis', { headers: { accept: json + v2, 'if-none-match': tag } });
      assert.equal(again.status, status, tag);
    }
  });

  test('and version accept only bodies of their media types', async () => {
    for (const target of ['/apis', '/apis/metrics.k8s.io', M, '/version']) {
      const { status, text } = await ask(target, { headers: { 'content-type': 'text/plain' } });
      assert.equal(status, 415, target);
      assert.match(text, /"message":"415: Unsupported Media Type","reason":"UnsupportedMediaType","details":\{\}/);
    }
    assert.equal((await ask('/apis', { headers: { 'content-type': yaml } })).status, 200);
    assert.equal((await ask('/version', { headers: { 'content-type': yaml } })).status, 415);
    assert.equal((await ask(pod, { headers: { 'content-type': 'text/plain' } })).status, 200);
  });
});

describe('paths', () => {
  const check = (target: string, status: number, expected: RegExp) =>
    test(`${target}: ${status}`, async () => {
      const answer = await ask(target);
      assert.equal(answer.status, status);
      assert.match(answer.text, expected);
    });
  const index = /^\{\n {2}"paths": \[/;
  const nothing = /the server could not find the requested resource.*"details":\{\}/;
  for (const target of [`${M}/nodes/`, `${M}/nodes//`, `${M}/n%6Fdes`]) check(target, 200, /NodeMetricsList/);
  for (const target of [`${pod}/`, `${M}/namespaces%2Fshop/pods/web%2D0`]) check(target, 200, /"kind":"PodMetrics"/);
  check(`${M}/namespaces//pods`, 200, /"name":"web-0"/);
  check(`${M}/namespaces//pods/nope`, 404, /pods \\"nope\\" not found/);
  for (const target of ['/apis/', `${M}/`, `${M}//`, '/apis/metrics.k8s.io//', '/version/', '/version//']) {
    check(target, 200, /"groups"|"resources"|"APIGroup"|"gitVersion"/);
  }
  for (const target of [
    '//apis',
    '/apis//',
    '//',
    '/healthz/',
    '/index.html/',
    `/${M}/nodes`,
    '/apis/metrics.k8s.iofoo',
    '/apis/foo',
  ]) {
    check(target, 404, index);
  }
  for (const rest of [
    '//nodes',
    '/nodes//a',
    '/nodes/a/status',
    '/nodes/a%2Fb',
    '/pods/web-0',
    '/namespaces',
    '/namespaces/shop',
    '/namespaces/shop/nodes',
    '/namespaces//nodes',
    '/namespaces///pods',
    '/namespaces/shop/pods//a',
    '/watch/nodes',
  ]) {
    check(`${M}${rest}`, 404, nothing);
  }
  for (const target of ['/version/x', '/apis/metrics.k8s.io/v1beta2']) check(target, 404, nothing);
  check(`${M}/nodes/Bad_Name`, 404, /node \\"Bad_Name\\" not found/);
  check(`${M}/nodes/%00`, 404, /node \\"\\\\x00\\" not found/);
  check(`${M}/nodes/%e4`, 404, /not found/);
  check(`${M}/namespaces/shop/pods/${'a'.repeat(253)}`, 404, new RegExp(`pods \\\\"${'a'.repeat(253)}\\\\" not found`));
  check(`${M}/nodes/%zz`, 400, /malformed/);
});

describe('methods', () => {
  for (const target of [`${M}/nodes`, pod, '/apis', '/apis/metrics.k8s.io', M, '/version']) {
    test(`none but GET on ${target}`, async () => {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'HEAD'] as const) {
        const { status, headers, bytes } = await ask(target, { method, headers: { accept: json } });
        assert.equal(status, 405, method);
        assert.equal(headers['allow'], undefined);
        assert.equal(bytes.length, method === 'HEAD' ? 0 : 197);
      }
    });
  }

  test('nor an unknown one', async () => {
    const session = connect(`https://127.0.0.1:${cluster.port}`, {
      rejectUnauthorized: false,
      ...cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] }),
    });
    const stream = session.request({
      ':method': 'FOO',
      ':path': `${M}/nodes`,
      'x-remote-user': 'admin',
      'x-remote-group': 'system:masters',
    });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    assert.equal(headers[':status'], 405);
    session.close();
  });

  test('every method is served on other paths', async () => {
    assert.equal((await ask('/healthz', { method: 'POST' })).text, 'ok');
    assert.equal((await ask('/', { method: 'POST' })).status, 200);
    assert.equal((await ask('/nope', { method: 'HEAD' })).status, 404);
  });
});

describe('parameters', () => {
  const check = (target: string, status: number, expected: RegExp) =>
    test(`${target}: ${status}`, async () => {
      const answer = await ask(target);
      assert.equal(answer.status, status);
      assert.match(answer.text, expected);
    });
  check(
    `${M}/pods?limit=1`,
    200,
    /"metadata":\{"continue":"[\w-]+","remainingItemCount":\d+\},"items":\[\{[^[]*\[[^[]*\]\}\]\}/,
  );
  check(`${M}/pods?limit=0`, 200, /"metadata":\{\},"items":\[\{.*\},\{/);
  check(`${M}/pods?limit=-1`, 200, /"metadata":\{\},"items":\[\{.*\},\{/);
  check(`${M}/pods?limit=9223372036854775807`, 200, /"metadata":\{\},"items":\[\{.*\},\{/);
  check(`${M}/pods?limit=1&labelSelector=!nope`, 200, /"metadata":\{"continue":"[\w-]+"\},"items"/);
  check(`${M}/pods?sinceSeconds=600`, 200, /"kind":"PodMetricsList"/);
  check(`${M}/nodes?sinceSeconds=600&stepSeconds=120&limit=10`, 200, /"kind":"NodeMetricsList"/);
  check(`${M}/nodes?sinceSeconds=0`, 400, /sinceSeconds: 0: must be greater than 0/);
  check(`${M}/nodes?sinceSeconds=`, 400, /strconv.ParseInt: parsing \\"\\": invalid syntax/);
  check(`${M}/nodes?sinceSeconds=10m`, 400, /strconv.ParseInt: parsing \\"10m\\": invalid syntax/);
  check(`${M}/nodes?sinceSeconds=60&stepSeconds=-1`, 400, /stepSeconds: -1: must be greater than 0/);
  check(`${M}/nodes?stepSeconds=-1`, 200, /"metadata":\{\},"items":\[\{/);
  check(`${M}/nodes?watch=1&sinceSeconds=60`, 405, /watch is not supported/);
  check(
    `${pod}?sinceSeconds=60`,
    400,
    /sinceSeconds: only lists have a history: list with fieldSelector=metadata.name=/,
  );
  check(`${M}/pods?continue=abc`, 400, /invalid continue token: continue key is not valid: /);
  check(`${M}/nodes?continue=`, 200, /"metadata":\{\}/);
  check(`${M}/nodes?limit=abc`, 400, /strconv.ParseInt: parsing \\"abc\\": invalid syntax/);
  check(`${M}/nodes?watch=1&limit=abc`, 400, /strconv.ParseInt/);
  check(`${M}/nodes?watch=1`, 405, /watch is not supported on resources of kind \\"nodes.metrics.k8s.io\\"/);
  check(
    `${M}/nodes?resourceVersionMatch=Exact`,
    422,
    /"reason":"Invalid","details":\{"group":"meta.k8s.io","kind":"ListOptions","causes":/,
  );
  check(`${pod}?watch=1&limit=abc`, 200, /"kind":"PodMetrics"/);
  check(`${pod}?export=1`, 400, /no longer supported/);
  check(`${M}/nodes/nope?export=1`, 400, /no longer supported/);
  check('/healthz?timeout=abc', 400, /invalid timeout specified in the request URL - time: invalid duration \\"abc\\"/);
  check(`${M}/nodes?timeout=1`, 400, /time: missing unit in duration \\"1\\"/);
  check(`${M}/nodes?timeout=0s`, 200, /items/);
});

describe('time', () => {
  test('an invalid timeout is refused before authentication', async () => {
    const { status } = await ask(`${M}/nodes?timeout=abc`, { headers: { 'x-remote-user': '' } });
    assert.equal(status, 400);
  });

  test('a request that exceeds its own timeout ends with 504', async () => {
    cluster.apiServer.faults.delayMs = 2000;
    const headers = { 'x-remote-user': 'nobody-asked-for-yet', 'x-remote-group': 'x', accept: yaml };
    const answer = await ask(`${M}/nodes?timeout=50ms`, { headers });
    cluster.apiServer.faults.delayMs = 0;
    assert.equal(answer.status, 504);
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(
      answer.text,
      '{"metadata":{},"status":"Failure","message":"Timeout: request did not complete within the allotted timeout","reason":"Timeout","details":{},"code":504}\n',
    );
  });
});

test('large lists are compressed for clients that accept it', async () => {
  const labels = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`label-${index}`, 'x'.repeat(63)]));
  for (const name of nodeNames)
    cluster.apiServer.objects.set(node(name, { kubeletPort: cluster.kubelet.port, labels }));
  await untilAnswered(`${M}/nodes`, ({ bytes }) => bytes.length > 128 * 1024);
  const { headers, bytes } = await ask(`${M}/nodes`, { headers: { 'accept-encoding': 'deflate, gzip' } });
  assert.equal(headers['content-encoding'], 'gzip');
  assert.equal(headers['vary'], 'Accept-Encoding');
  assert.match(gunzipSync(bytes).toString(), /^\{"kind":"NodeMetricsList"/);
  const plain = await ask(`${M}/nodes`, { headers: { 'accept-encoding': 'gzip;q=1.0' } });
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.equal(plain.headers['vary'], undefined);
});
