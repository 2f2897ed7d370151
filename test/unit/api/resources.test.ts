/** A resource is a row: a made-up third one is discovered, described, routed and encoded by its row alone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDiscovery } from '../../../src/api/discovery.ts';
import { metricsOpenApi } from '../../../src/api/openapi/metricsgroup.ts';
import { createOpenApi } from '../../../src/api/openapi/openapi.ts';
import { createReader } from '../../../src/api/reader.ts';
import type { Resource, ServedResource } from '../../../src/api/resource.ts';
import { discoveredMetrics, resources, serveResources } from '../../../src/api/resources.ts';
import type { MetricsItem } from '../../../src/api/types.ts';
import type { Encodable } from '../../../src/apimachinery/encoding.ts';
import { encodeJson } from '../../../src/apimachinery/meta.ts';
import type { Usage } from '../../../src/sample/point.ts';
import { createResourceRoutes } from '../../../src/server/resources.ts';
import { requestInfo } from '../../../src/server/requestinfo.ts';
import { isStreamed } from '../../../src/server/streamedbody.ts';

interface FooMetrics extends MetricsItem {
  readonly namespace: string;
  readonly level: number;
}

const fooMetrics: Resource<FooMetrics> = {
  name: 'foos',
  kind: 'FooMetrics',
  listKind: 'FooMetricsList',
  namespaced: true,
  shortNames: ['fo'],
  versions: ['v1'],
  columns: [{ name: 'level', format: 'int64' }],
  cells: ({ level }) => [String(level)],
  members: ({ level }) => ({ level }),
  createMemberWriter: (writer) => ({
    write: ({ level }) => writer.text(`","level":${level}}`),
  }),
  writeFields: (writer, { level }) => writer.integer(4, level),
  schema: {
    description: 'FooMetrics sets the level of a foo.',
    itemsDescription: 'List of foo metrics.',
    required: ['level'],
    properties: () => ({ level: { type: 'integer', format: 'int64' } }),
    parts: {},
  },
};

const labels = new Map([['app', 'web']]);
const foos = [
  { namespace: 'shop', name: 'one', labels },
  { namespace: 'shop', name: 'silent', labels },
];
const nowMs = Date.UTC(2026, 10, 22, 19, 45, 19);
const usage: Usage = {
  timestampMs: nowMs - 4_000,
  windowMs: 9_993,
  cpuNanocores: 7,
  memoryBytes: 0,
};
const readerOptions = { troubleOf: () => undefined, now: () => nowMs };
const fooReader = createReader<(typeof foos)[number], Usage, FooMetrics>(
  {
    get: (namespace, name) => foos.find((foo) => foo.namespace === namespace && foo.name === name),
    list: (namespace) => foos.filter((foo) => namespace === undefined || foo.namespace === namespace),
    usageOf: ({ name }) =>
      name === 'silent' ? { kind: 'missing', reason: 'never-scraped' } : { kind: 'ready', value: usage },
    toMetrics: (foo, { timestampMs, windowMs, cpuNanocores }, creationTimestampMs) => ({
      ...foo,
      creationTimestampMs,
      timestampMs,
      windowMs,
      level: cpuNanocores,
    }),
    missingObject: 'foos',
    missingUsage: 'foometrics',
  },
  readerOptions,
);

const none = { get: () => undefined, list: () => [] };
const missing = () => ({ kind: 'missing', reason: 'never-scraped' }) as const;
const served: readonly ServedResource[] = [
  ...serveResources({ nodes: none, pods: none, usage: { nodeUsage: missing, podUsage: missing }, ...readerOptions }),
  { resource: fooMetrics, reader: fooReader },
];
const table = served.map(({ resource }) => resource);

/** Returns the body of a GET, or throws its error; undefined where no resource has the path. */
async function get(path: string, accept: string, fastPath = true): Promise<Buffer | undefined> {
  const info = requestInfo('GET', path);
  assert.ok(info);
  const route = createResourceRoutes(served, { cells: 'exact', fastPath }).route(info);
  if (route === undefined) return undefined;
  const { body } = await route.serve({
    info,
    header: (name) => (name === 'accept' ? accept : ''),
    signal: () => new AbortController().signal,
    caller: { kind: 'user', name: 'alice' },
  });
  assert.ok(!isStreamed(body), 'the body is short');
  return Buffer.from(body);
}

async function textOf(path: string, accept = 'application/json', fastPath = true): Promise<string | undefined> {
  return (await get(path, accept, fastPath))?.toString();
}

const all = '/apis/metrics.k8s.io/v1/foos';
const one = '/apis/metrics.k8s.io/v1/namespaces/shop/foos/one';
const metadata =
  '"metadata":{"name":"one","namespace":"shop","creationTimestamp":"2026-11-22T19:45:19Z","labels":{"app":"web"}}';
const members = '"timestamp":"2026-11-22T19:45:15Z","window":"9.993s","level":7';

test('the table of resources has those that are served, in this order', () => {
  assert.deepEqual(
    served.slice(0, 2).map(({ resource }) => resource),
    resources,
  );
});

describe('a third resource', () => {
  test('is discovered in its versions only, with its short names', () => {
    const discovery = createDiscovery(':10250', [discoveredMetrics(table)]);
    const resourcesIn = (version: string): Encodable => {
      const found = discovery.documents.get(`/apis/metrics.k8s.io/${version}`);
      assert.ok(found !== undefined, version);
      return found;
    };
    const row =
      '{"name":"foos","singularName":"","namespaced":true,"kind":"FooMetrics","verbs":["get","list"],"shortNames":["fo"]}';
    assert.ok(encodeJson(resourcesIn('v1').json()).includes(row));
    assert.ok(!encodeJson(resourcesIn('v1beta1').json()).includes('foos'));
    const aggregated = encodeJson(discovery.aggregated.v2.json()).toString();
    assert.equal(aggregated.split('"responseKind":{"group":"","version":"","kind":"FooMetrics"}').length, 2);
    // shortNames is field 5 of APIResource and field 6 of APIResourceDiscovery.
    assert.ok(resourcesIn('v1').protobuf().includes(Buffer.from('\x2a\x02fo')));
    assert.ok(discovery.aggregated.v2.protobuf().includes(Buffer.from('\x32\x02fo')));
  });

  test('is described by OpenAPI', () => {
    const openApi = createOpenApi({ title: 'kubegauge', version: 'v1' }, [metricsOpenApi({ resources: table })]);
    const { paths, components } = JSON.parse(openApi.v3.get('apis/metrics.k8s.io/v1')?.json.toString() ?? '');
    assert.equal(paths[all].get.operationId, 'listMetricsV1FooMetricsForAllNamespaces');
    const schema = components.schemas['io.k8s.metrics.pkg.apis.metrics.v1.FooMetrics'];
    assert.deepEqual(schema.required, ['timestamp', 'window', 'level']);
    assert.deepEqual(Object.keys(schema.properties), [
      'apiVersion',
      'kind',
      'level',
      'metadata',
      'timestamp',
      'window',
    ]);
    assert.ok(!openApi.v3.get('apis/metrics.k8s.io/v1beta1')?.json.includes('FooMetrics'));
    assert.ok(openApi.v2.protobuf().includes('FooMetricsList'));
  });

  test('is served as JSON, by the fast path and by the slow path', async () => {
    const list = `{"kind":"FooMetricsList","apiVersion":"metrics.k8s.io/v1","metadata":{},"items":[{${metadata},${members}}]}\n`;
    const object = `{"kind":"FooMetrics","apiVersion":"metrics.k8s.io/v1",${metadata},${members}}\n`;
    for (const fastPath of [false, true]) {
      assert.equal(await textOf(all, 'application/json', fastPath), list);
      assert.equal(await textOf(one, 'application/json', fastPath), object);
    }
  });

  test('is served as a Table', async () => {
    const text = await textOf(all, 'application/json;as=Table;g=meta.k8s.io;v=v1');
    assert.match(text ?? '', /"name":"Name".*"name":"level","type":"string","format":"int64".*"name":"Window"/);
    assert.match(text ?? '', /"cells":\["one","7","9.993s"\]/);
  });

  test('is served as protobuf', async () => {
    const bytes = await get(one, 'application/vnd.kubernetes.protobuf');
    assert.ok(bytes?.includes('FooMetrics'));
    // The window is field 3 with its nanoseconds, the level field 4.
    assert.match(bytes?.toString('hex') ?? '', /1a0608[0-9a-f]{10}2007/);
  });

  test('is served as metadata alone', async () => {
    const partial = `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1",${metadata}}`;
    assert.equal(
      await textOf(all, 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'),
      `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},"items":[${partial}]}\n`,
    );
    assert.equal(await textOf(one, 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'), `${partial}\n`);
  });

  test('is not found in its own words', async () => {
    await assert.rejects(get('/apis/metrics.k8s.io/v1/namespaces/shop/foos/no', '*/*'), {
      message: 'foos "no" not found',
    });
    await assert.rejects(get('/apis/metrics.k8s.io/v1/namespaces/shop/foos/silent', '*/*'), {
      message: 'foometrics.metrics.k8s.io "shop/silent" not found',
    });
  });

  test('has no path in a version that does not serve it, and none without its namespace', async () => {
    assert.equal(await get(all.replace('v1', 'v1beta1'), '*/*'), undefined);
    assert.equal(await get(`${all}/one`, '*/*'), undefined);
    assert.equal(await get('/apis/metrics.k8s.io/v1/namespaces/shop/nodes', '*/*'), undefined);
  });
});
