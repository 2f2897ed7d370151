/** Metrics of custom resources, over configs/custom-resources.yaml. */
import { C, type CustomCase, type Difference, exchange } from '../case.ts';
import { isRecord, notFound } from '../differences.ts';

/** Each entry as its name and whether it is namespaced. */
const entriesOf = (body: unknown): unknown => {
  if (!isRecord(body) || !Array.isArray(body['resources'])) return body;
  const resources: readonly { readonly name: string; readonly namespaced: boolean }[] = body['resources'];
  return resources.map(({ name, namespaced }) => `${name} ${namespaced}`).toSorted();
};

const served = (item: unknown): Difference => ({
  row: 'clusterScoped',
  ours: (real) => ({
    ...real,
    status: 200,
    body: { kind: 'MetricValueList', apiVersion: 'custom.metrics.k8s.io/v1beta2', metadata: {}, items: [item] },
  }),
  queries: 'any',
});

const gizmo = {
  describedObject: { kind: 'Gizmo', name: 'z1', apiVersion: 'lab.test/v1' },
  metric: { name: 'gizmo_level', selector: null },
  timestamp: '<timestamp>',
  value: '4',
};

export const customResources: readonly CustomCase[] = [
  exchange([49, 50], C, 200, {
    compare: { pick: entriesOf },
    differs: {
      row: 'clusterScoped',
      ours: (real) => ({
        ...real,
        body: (real.body as readonly string[]).map((entry) =>
          entry.startsWith('gizmos.') ? entry.replace('true', 'false') : entry,
        ),
      }),
    },
  }),
  exchange(5, `${C}/namespaces/shop/widgets.lab.test/g1/widget_level`, 200),
  exchange(5, `${C}/namespaces/shop/widgets.lab.test/*/widget_level`, 200),
  exchange(50, `${C}/gizmos.lab.test/z1/gizmo_level`, 404, { differs: served(gizmo) }),
  exchange(50, `${C}/gizmos.lab.test/*/gizmo_level`, 404, { differs: served(gizmo) }),
  exchange(50, `${C}/namespaces/shop/gizmos.lab.test/z1/gizmo_level`, 404, {
    differs: {
      row: 'clusterScoped',
      queries: 'any',
      ours: (real) => ({
        ...real,
        body: notFound('the server could not find the metric gizmo_level for gizmos.lab.test'),
      }),
    },
  }),
];
