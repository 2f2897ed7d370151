import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { toJson } from '../../../../src/api/encode.ts';
import { encodeJson } from '../../../../src/apimachinery/meta.ts';
import { metricsOpenApi } from '../../../../src/api/openapi/metricsgroup.ts';
import { createOpenApi } from '../../../../src/api/openapi/openapi.ts';
import { type NodeMetrics, nodeMetrics } from '../../../../src/api/nodes.ts';
import { type PodMetrics, podMetrics } from '../../../../src/api/pods.ts';
import type { Resource } from '../../../../src/api/resource.ts';
import { isList, type MetricsItem, type MetricsObject } from '../../../../src/api/types.ts';

const openApi = createOpenApi({ title: 'kubegauge', version: 'v1.2.3' }, [metricsOpenApi()]);

describe('with the title of metrics-server v0.9.0 and its only version, v1beta1, the documents have its bytes:', () => {
  const { v2, v3 } = createOpenApi({ title: 'Kubernetes metrics-server', version: 'v0.0.0' }, [
    metricsOpenApi({ versions: ['v1beta1'] }),
  ]);
  const version = v3.get('apis/metrics.k8s.io/v1beta1');
  // The ETags of metrics-server. For protobuf, whose ETag is that of the JSON, the SHA-256 of the body.
  const check = (name: string, actual: string | undefined, expected: string) =>
    test(name, () => assert.equal(actual, expected));
  check(
    'v2',
    v2.hash,
    '1BC172E4DD78905C1A2FCBD7FB6A4A96B910F44F39E05D14DF8EA98953E5EF79D5AE3FCAEBCB6B7BC3AFD889F581DB01756371F56FAA5A55E900508085B1796A',
  );
  check(
    'v3 of the group',
    v3.get('apis/metrics.k8s.io')?.hash,
    'BE8E4AFD36C9995A958B617C699054477DC05D8C9022B1CBC78EFF54D95BF6332DB285778A4038A8EAF28F9E728FABE1B13529CD1A1901E823ED3DCD55F4D27E',
  );
  check(
    'v3 of the version',
    version?.hash,
    '2B92137DF4989245FAD3FA4949298973AF4ABAB95AA7709CB41B591381A4AC0FC70C4E21B4DA9B959DA5C389C3192ADDCAC40ABFF0564B7CF239E9713F72FD51',
  );
  check('v2 as protobuf', sha256(v2.protobuf()), 'ec203501cc7ed55fdb4053d9267ed24cda525a72aedae8ed53c495adf98412be');
  check(
    'v3 of the version as protobuf',
    version && sha256(version.protobuf()),
    '7461aff9494cada129d3c9a68bd0b5b22b33fde414e330ac6d6b25f54e4fc88a',
  );
});

test('the hash is the SHA-512 of the JSON, and equal for each process', () => {
  const again = createOpenApi({ title: 'kubegauge', version: 'v1.2.3' }, [metricsOpenApi()]);
  const documents = [openApi.v2, openApi.v3Index, ...openApi.v3.values()];
  assert.equal(documents.length, 5);
  for (const { json, hash } of documents)
    assert.equal(createHash('sha512').update(json).digest('hex').toUpperCase(), hash);
  assert.deepEqual(
    documents.map(({ hash }) => hash),
    [again.v2, again.v3Index, ...again.v3.values()].map(({ hash }) => hash),
  );
});

test('the index of v3 has the group and its versions with their hashes, and no document of kube-apiserver', () => {
  const { paths } = JSON.parse(openApi.v3Index.json.toString());
  assert.deepEqual(Object.keys(paths), [
    'apis/metrics.k8s.io',
    'apis/metrics.k8s.io/v1',
    'apis/metrics.k8s.io/v1beta1',
  ]);
  for (const [name, { hash }] of openApi.v3) {
    assert.equal(paths[name].serverRelativeURL, `/openapi/v3/${name}?hash=${hash}`);
  }
});

test('v1 differs from v1beta1 only in its name', () => {
  const named = (version: string) => textOf(version).replaceAll('v1beta1', 'v1').replaceAll('V1beta1', 'V1');
  assert.ok(textOf('v1').includes('"operationId":"listMetricsV1NodeMetrics"'));
  assert.ok(named('v1') === named('v1beta1'));
});

test('v2 has both versions, in alphabetical order', () => {
  const { paths, definitions } = JSON.parse(openApi.v2.json.toString());
  assert.deepEqual(Object.keys(paths), Object.keys(paths).toSorted());
  assert.deepEqual(Object.keys(definitions), Object.keys(definitions).toSorted());
  for (const version of ['v1', 'v1beta1']) {
    const root = `/apis/metrics.k8s.io/${version}`;
    assert.deepEqual(
      Object.keys(paths).filter((path) => path.startsWith(`${root}/`)),
      [
        '/',
        '/namespaces/{namespace}/pods',
        '/namespaces/{namespace}/pods/{name}',
        '/nodes',
        '/nodes/{name}',
        '/pods',
      ].map((path) => root + path),
    );
  }
});

test("a node's schema has its group, version, kind and required fields", () => {
  const inV2 = JSON.parse(openApi.v2.json.toString()).definitions;
  const inV3 = JSON.parse(textOf('v1')).components.schemas;
  for (const schemas of [inV2, inV3]) {
    const schema = schemas['io.k8s.metrics.pkg.apis.metrics.v1.NodeMetrics'];
    assert.deepEqual(schema.required, ['timestamp', 'window', 'usage']);
    assert.deepEqual(schema['x-kubernetes-group-version-kind'], [
      { group: 'metrics.k8s.io', kind: 'NodeMetrics', version: 'v1' },
    ]);
  }
});

for (const version of ['v1', 'v1beta1'] as const) {
  describe(`objects of ${version} match their schemas:`, () => {
    const { schemas } = JSON.parse(textOf(version)).components;
    const check = <T extends MetricsItem>(resource: Resource<T>, object: MetricsObject<T>) => {
      const kind = isList(object) ? resource.listKind : resource.kind;
      test(kind, () =>
        assertFits(
          JSON.parse(encodeJson(toJson(resource, object, version)).toString()),
          { $ref: `#/components/schemas/io.k8s.metrics.pkg.apis.metrics.${version}.${kind}` },
          schemas,
          kind,
        ),
      );
    };
    const common = { creationTimestampMs: 1e12, timestampMs: 1e12, windowMs: 15_000, labels: new Map([['a', 'b']]) };
    const usage = { cpuNanocores: 1, memoryBytes: 1, swapBytes: 1 };
    const node: NodeMetrics = { name: 'n', usage, ...common };
    const containers = [{ name: 'app', ...usage }];
    const pod: PodMetrics = { name: 'p', namespace: 'default', containers, ...common };
    check(nodeMetrics, node);
    check(podMetrics, pod);
    check(nodeMetrics, { slices: [[node]] });
    check(podMetrics, { slices: [[pod]] });
  });
}

interface AnySchema {
  readonly $ref?: string;
  readonly allOf?: readonly AnySchema[];
  readonly oneOf?: readonly AnySchema[];
  readonly type?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, AnySchema>>;
  readonly additionalProperties?: AnySchema;
  readonly items?: AnySchema;
}

/** Stricter than JSON Schema: a member that the schema lacks is an error. */
function assertFits(value: unknown, schema: AnySchema, schemas: Readonly<Record<string, AnySchema>>, at: string): void {
  if (schema.$ref !== undefined) {
    const referred = schemas[schema.$ref.replace('#/components/schemas/', '')];
    assert.ok(referred, schema.$ref);
    assertFits(value, referred, schemas, at);
    return;
  }
  const [inner] = schema.allOf ?? schema.oneOf ?? [];
  if (inner !== undefined) {
    assertFits(value, inner, schemas, at);
    return;
  }
  assert.equal(Array.isArray(value) ? 'array' : typeof value, schema.type, at);
  for (const name of schema.required ?? []) assert.ok(Object.hasOwn(value as object, name), `${at}.${name} is missing`);
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    const memberSchema = schema.items ?? schema.properties?.[name] ?? schema.additionalProperties;
    assert.ok(memberSchema, `${at}.${name} is not in the schema`);
    assertFits(member, memberSchema, schemas, `${at}.${name}`);
  }
}

function textOf(version: string): string {
  return openApi.v3.get(`apis/metrics.k8s.io/${version}`)?.json.toString() ?? '';
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
