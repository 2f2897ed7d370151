/** Discovery and OpenAPI of a server with custom and external metrics. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { deployments, namespaces, nodes, pods, startValueServer, type ValueServer, widgets } from './valueserver.ts';

const C = '/apis/custom.metrics.k8s.io';
const X = '/apis/external.metrics.k8s.io';

let server: ValueServer;
before(async () => {
  server = await startValueServer();
});
after(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  server.source.custom = [
    { resource: pods, namespaced: true, metric: 'http_requests_per_second' },
    { resource: nodes, namespaced: false, metric: 'heat' },
    { resource: namespaces, namespaced: false, metric: 'http_requests_per_second' },
    { resource: deployments, namespaced: true, metric: 'deploy_lag' },
    { resource: widgets, namespaced: false, metric: 'size' },
  ];
  server.source.external = ['queue_depth', 'global_depth'];
});

const bodyOf = async (target: string, accept = 'application/json') =>
  (await server.ask(target, { headers: { accept } })).body;

describe('discovery', () => {
  test("lists a metric as <plural>[.<group>]/<metric>, by name, with its resource's scope", async () => {
    const entry = (name: string, namespaced: boolean) => ({
      name,
      singularName: '',
      namespaced,
      kind: 'MetricValueList',
      verbs: ['get'],
    });
    for (const version of ['v1beta1', 'v1beta2']) {
      const body = await bodyOf(`${C}/${version}`);
      assert.deepEqual(body, {
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion: `custom.metrics.k8s.io/${version}`,
        resources: [
          entry('deployments.apps/deploy_lag', true),
          entry('namespaces/http_requests_per_second', false),
          entry('nodes/heat', false),
          entry('pods/http_requests_per_second', true),
          entry('widgets.acme.io/size', false),
        ],
      });
      assert.deepEqual(Object.keys(body.resources[0] ?? {}), ['name', 'singularName', 'namespaced', 'kind', 'verbs']);
    }
  });

  test('lists external metrics as namespaced, with the verb get', async () => {
    const body = await bodyOf(`${X}/v1beta1`);
    assert.deepEqual(
      body.resources.map(({ name }: { name: string }) => name),
      ['global_depth', 'queue_depth'],
    );
    assert.deepEqual(body.resources[0], {
      name: 'global_depth',
      singularName: '',
      namespaced: true,
      kind: 'ExternalMetricValueList',
      verbs: ['get'],
    });
  });

  test('is the same text when a source lists the same metrics in another order', async () => {
    const { text } = await server.ask(`${C}/v1beta2`);
    server.source.custom = server.source.custom.toReversed();
    assert.equal((await server.ask(`${C}/v1beta2`)).text, text);
    assert.equal((await server.ask(`${C}/v1beta2/`)).text, text);
  });

  test('follows the metrics of the source, down to an empty list', async () => {
    server.source.custom = [];
    server.source.external = [];
    assert.match((await server.ask(`${C}/v1beta2`)).text, /"resources":\[\]/);
    assert.match((await server.ask(`${X}/v1beta1`)).text, /"resources":\[\]/);
  });

  test("has the adapter's bytes in protobuf", async () => {
    server.source.custom = [{ resource: namespaces, namespaced: false, metric: 'http_requests_per_second' }];
    const headers = { accept: 'application/vnd.kubernetes.protobuf' };
    const { bytes } = await server.ask(`${C}/v1beta1`, { headers });
    // The captured list has more metrics: this is its envelope and its first entry.
    const entry =
      'EkcKI25hbWVzcGFjZXMvaHR0cF9yZXF1ZXN0c19wZXJfc2Vjb25kEAAaD01ldHJpY1ZhbHVlTGlzdCIFCgNnZXQyAEIASgBSAA==';
    assert.ok(bytes.includes(Buffer.from(entry, 'base64')), bytes.toString('base64'));
  });

  test('of the groups has both versions of custom.metrics.k8s.io, v1beta2 first', async () => {
    const group = await bodyOf(C);
    assert.deepEqual(
      group.versions.map(({ version }: { version: string }) => version),
      ['v1beta2', 'v1beta1'],
    );
    assert.equal(group.preferredVersion.version, 'v1beta2');
    const { groups } = await bodyOf('/apis');
    assert.deepEqual(
      groups.map(({ name }: { name: string }) => name),
      ['metrics.k8s.io', 'custom.metrics.k8s.io', 'external.metrics.k8s.io'],
    );
  });

  test('in its aggregated form has metrics.k8s.io complete, and the other groups without resources', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const before = await server.ask('/apis', { headers: { accept } });
    const [metrics, ...others] = before.body.items;
    assert.deepEqual(
      metrics.versions.map(({ resources }: { resources: readonly object[] }) => resources.length),
      [2, 2],
    );
    assert.deepEqual(others, [
      {
        metadata: { name: 'custom.metrics.k8s.io' },
        versions: [
          { version: 'v1beta2', freshness: 'Current' },
          { version: 'v1beta1', freshness: 'Current' },
        ],
      },
      {
        metadata: { name: 'external.metrics.k8s.io' },
        versions: [{ version: 'v1beta1', freshness: 'Current' }],
      },
    ]);
    server.source.custom = [];
    const afterwards = await server.ask('/apis', { headers: { accept } });
    assert.equal(afterwards.headers['etag'], before.headers['etag']);
    const protobuf = accept.replace('json', 'vnd.kubernetes.protobuf');
    assert.equal((await server.ask('/apis', { headers: { accept: protobuf } })).status, 200);
  });
});

describe('OpenAPI', () => {
  const paths: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'apis/custom.metrics.k8s.io/v1beta1': operations('v1beta1'),
    'apis/custom.metrics.k8s.io/v1beta2': operations('v1beta2'),
    'apis/external.metrics.k8s.io/v1beta1': {
      [`${X}/v1beta1/`]: 'getExternalMetricsV1beta1APIResources',
      [`${X}/v1beta1/namespaces/{namespace}/{resource}`]: 'listExternalMetricsV1beta1ExternalMetricValue',
    },
  };

  function operations(version: string): Readonly<Record<string, string>> {
    const id = `CustomMetricsV${version.slice(1)}`;
    return {
      [`${C}/${version}/`]: `get${id}APIResources`,
      [`${C}/${version}/namespaces/{namespace}/metrics/{name}`]: `read${id}MetricValueForNamespace`,
      [`${C}/${version}/namespaces/{namespace}/{resource}/{name}/{subresource}`]: `list${id}NamespacedMetricValue`,
      [`${C}/${version}/{resource}/{name}/{subresource}`]: `list${id}MetricValue`,
    };
  }

  const metrics = 'io.k8s.metrics.pkg.apis';
  const common = [
    'io.k8s.apimachinery.pkg.api.resource.Quantity',
    'io.k8s.apimachinery.pkg.apis.meta.v1.APIResource',
    'io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList',
    'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta',
    'io.k8s.apimachinery.pkg.apis.meta.v1.Time',
  ];
  const selectors = ['LabelSelector', 'LabelSelectorRequirement'].map(
    (k) => `io.k8s.apimachinery.pkg.apis.meta.v1.${k}`,
  );
  const schemas: Readonly<Record<string, readonly string[]>> = {
    'apis/custom.metrics.k8s.io/v1beta1': [
      'io.k8s.api.core.v1.ObjectReference',
      ...selectors,
      ...['MetricValue', 'MetricValueList'].map((kind) => `${metrics}.custom_metrics.v1beta1.${kind}`),
    ],
    'apis/custom.metrics.k8s.io/v1beta2': [
      'io.k8s.api.core.v1.ObjectReference',
      ...selectors,
      ...['MetricIdentifier', 'MetricValue', 'MetricValueList'].map((k) => `${metrics}.custom_metrics.v1beta2.${k}`),
    ],
    'apis/external.metrics.k8s.io/v1beta1': ['ExternalMetricValue', 'ExternalMetricValueList'].map(
      (kind) => `${metrics}.external_metrics.v1beta1.${kind}`,
    ),
  };

  for (const [name, expected] of Object.entries(paths)) {
    test(`v3 of ${name} has the adapter's paths, operations and schemas`, async () => {
      const { body } = await server.ask(`/openapi/v3/${name}`);
      const found = Object.entries<{ get: { operationId: string } }>(body.paths);
      assert.deepEqual(Object.fromEntries(found.map(([path, { get }]) => [path, get.operationId])), expected);
      // ShardInfo is newer than the adapter's Kubernetes.
      const newer = 'io.k8s.apimachinery.pkg.apis.meta.v1.ShardInfo';
      const known = [...common, ...(schemas[name] ?? [])].sort();
      assert.deepEqual(
        Object.keys(body.components.schemas).filter((schema) => schema !== newer),
        known,
      );
      const protobuf = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf';
      assert.equal((await server.ask(`/openapi/v3/${name}`, { headers: { accept: protobuf } })).status, 200);
    });
  }

  test('v2 has the paths of all groups, also in protobuf', async () => {
    const { body } = await server.ask('/openapi/v2');
    for (const path of Object.values(paths).flatMap((each) => Object.keys(each))) assert.ok(path in body.paths, path);
    assert.ok(`${C}/` in body.paths);
    assert.equal(body.paths[`${C}/`].get.operationId, 'getCustomMetricsAPIGroup');
    const protobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
    assert.equal((await server.ask('/openapi/v2', { headers: { accept: protobuf } })).status, 200);
  });

  test('does not change when metrics come and go', async () => {
    const before = await server.ask('/openapi/v3');
    server.source.custom = [];
    assert.equal((await server.ask('/openapi/v3')).text, before.text);
  });
});
