/** Every metric of a file of rules, asked in each way: for the query that is sent as well as for the answer. */
import { anyStatus, C, type Exchange, exchange, X } from '../case.ts';
import { anyOf } from '../differences.ts';

interface Listed {
  readonly custom: readonly string[];
  readonly external: readonly string[];
}

/** An object of each resource. */
const objects: Readonly<Record<string, string>> = {
  pods: 'web-0',
  nodes: 'node-a',
  persistentvolumes: 'pv-1',
  services: 'web',
  'deployments.apps': 'web',
  'jobs.batch': 'lab',
  'widgets.lab.test': 'g1',
};
const clusterScoped = new Set(['nodes', 'persistentvolumes']);
const selector = `metricLabelSelector=${encodeURIComponent('verb in (GET),verb')}`;

export function sweep(listed: Listed): readonly Exchange[] {
  return [...listed.custom.flatMap(customReads), ...listed.external.flatMap(externalReads)];
}

function customReads(entry: string): readonly Exchange[] {
  const [resource = '', metric = ''] = entry.split('/');
  const name = encodeURIComponent(metric);
  if (resource === 'namespaces') {
    return [
      read(`${C}/namespaces/shop/metrics/${name}`),
      read(`${C}/namespaces/*/metrics/${name}`),
      read(`${C}/namespaces/*/metrics/${name}?labelSelector=team%3Da`),
    ];
  }
  const root = clusterScoped.has(resource) ? C : `${C}/namespaces/shop`;
  const object = objects[resource];
  if (object === undefined) throw new Error(`no object is known of ${entry}`);
  return [
    read(`${root}/${resource}/${object}/${name}`),
    read(`${root}/${resource}/*/${name}`),
    read(`${root}/${resource}/*/${name}?labelSelector=app%3Didle`),
    read(`${root}/${resource}/${object}/${name}?${selector}`),
  ];
}

function externalReads(metric: string): readonly Exchange[] {
  const path = `${X}/namespaces/shop/${encodeURIComponent(metric)}`;
  return [read(path), read(`${path}?labelSelector=${encodeURIComponent('queue in (orders)')}`)];
}

const read = (path: string): Exchange => exchange([77, 78], path, anyStatus, { differs: anyOf(path) });
