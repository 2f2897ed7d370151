/** Discovery and OpenAPI. */
import { protobuf } from '../../conformance/case.ts';
import { C, C1, type CustomCase, exchange, X } from '../case.ts';
import { isRecord } from '../differences.ts';

/** Their order is random at the adapter. */
const sorted = (body: unknown): unknown => {
  if (!isRecord(body) || !Array.isArray(body['resources'])) return body;
  const resources: readonly { readonly name: string }[] = body['resources'];
  return { ...body, resources: resources.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
};
const list = { compare: { pick: sorted } };
const group = '/apis/custom.metrics.k8s.io';
const both = (body: unknown) => {
  if (!isRecord(body)) return body;
  const v1beta1 = { groupVersion: 'custom.metrics.k8s.io/v1beta1', version: 'v1beta1' };
  const v1beta2 = { groupVersion: 'custom.metrics.k8s.io/v1beta2', version: 'v1beta2' };
  return { ...body, versions: [v1beta2, v1beta1], preferredVersion: v1beta2 };
};
const ofBothVersions = {
  differs: { row: 'discovery', ours: (real) => ({ ...real, body: both(real.body) }) },
} as const satisfies Parameters<typeof exchange>[3];

/** Names of the operations and schemas of an OpenAPI document. */
const parts = (body: unknown): unknown => {
  if (!isRecord(body)) return body;
  const { paths = {}, components, definitions } = body;
  const schemas = isRecord(components) ? components['schemas'] : definitions;
  return {
    operations: operationsOf(paths),
    schemas: Object.keys(isRecord(schemas) ? schemas : {})
      .filter((name) => name.includes('metrics') && !name.includes('.metrics.v1'))
      .sort(),
  };
};

function operationsOf(paths: unknown): readonly string[] {
  if (!isRecord(paths)) return [];
  return Object.entries(paths)
    .filter(([path]) => /\/apis\/(custom|external)/.test(path))
    .map(([path, item]) => {
      const get = isRecord(item) ? item['get'] : undefined;
      return `${path} ${isRecord(get) ? String(get['operationId']) : ''}`;
    })
    .sort();
}

const openapi = (path: string) => `/openapi/v3/apis/${path}`;

export const discovery: readonly CustomCase[] = [
  exchange([48, 49, 88], C, 200, list),
  exchange([2, 48], C1, 200, list),
  exchange(48, `${C}/`, 200, list),
  exchange(48, X, 200, list),
  exchange(52, group, 200, ofBothVersions),
  exchange(52, `${group}/`, 200, ofBothVersions),
  exchange(52, '/apis/external.metrics.k8s.io', 200),
  exchange(48, X, 200, { accept: protobuf, compare: { pick: sortedFields } }),
  exchange([46, 47], openapi('custom.metrics.k8s.io/v1beta2'), 200, openApiParts()),
  exchange([46, 47], openapi('custom.metrics.k8s.io/v1beta1'), 200, openApiParts()),
  exchange([46, 47], openapi('external.metrics.k8s.io/v1beta1'), 200, openApiParts()),
  {
    statements: [51],
    name: 'entries are sorted, and the same again',
    probe: async ({ ask, name }) => {
      const [first, second] = [await ask({ path: C }), await ask({ path: C })].map(({ body }) => namesIn(body));
      if (first === undefined || second === undefined) throw new Error('unreachable');
      // The adapter's order is random, and may be the sorted one.
      return name === 'real' || (isSorted(first) && first.join() === second.join());
    },
    expect: true,
  },
];

function openApiParts() {
  return { compare: { pick: parts, without: ['etag', 'last-modified', 'accept-ranges', 'cache-control', 'vary'] } };
}

/** The entries of a list in protobuf, in the order of their texts. */
function sortedFields(body: unknown): unknown {
  if (!Array.isArray(body)) return body;
  return body.map((field: unknown) => {
    const raw = isRecord(field) ? field['raw'] : undefined;
    return Array.isArray(raw) ? { raw: raw.map((each) => JSON.stringify(each)).toSorted() } : field;
  });
}

function namesIn(body: Buffer): readonly string[] {
  const { resources }: { readonly resources: readonly { readonly name: string }[] } = JSON.parse(body.toString());
  return resources.map(({ name }) => name);
}

const isSorted = (names: readonly string[]): boolean => names.join() === names.toSorted().join();
