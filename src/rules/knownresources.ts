/** The resources that every cluster has, to explain rules without one. */
import type { DescribedResource, Mapper } from '../metricsource/described.ts';
import { createResourceIndex, splitResourceName } from '../metricsource/resourceindex.ts';
import type { MetricRule } from './rule.ts';

/** Kinds by group and version. A `*` marks those without a namespace. */
const kinds: readonly (readonly [group: string, version: string, kinds: string])[] = [
  [
    '',
    'v1',
    'Pod Namespace* Node* Service PersistentVolume* PersistentVolumeClaim ConfigMap Secret ServiceAccount Endpoints Event ReplicationController',
  ],
  ['apps', 'v1', 'Deployment StatefulSet DaemonSet ReplicaSet'],
  ['batch', 'v1', 'Job CronJob'],
  ['networking.k8s.io', 'v1', 'Ingress NetworkPolicy IngressClass*'],
  ['autoscaling', 'v2', 'HorizontalPodAutoscaler'],
  ['storage.k8s.io', 'v1', 'StorageClass*'],
];

const resources: readonly DescribedResource[] = kinds.flatMap(([group, version, names]) =>
  names.split(' ').map((name) => {
    const kind = name.replace('*', '');
    const singular = kind.toLowerCase();
    return { group, version, kind, singular, resource: pluralOf(singular), namespaced: !name.endsWith('*') };
  }),
);

function pluralOf(singular: string): string {
  if (singular === 'endpoints') return singular;
  if (singular.endsWith('s')) return `${singular}es`;
  return /[^aeiou]y$/.test(singular) ? `${singular.slice(0, -1)}ies` : `${singular}s`;
}

export const knownResources: Mapper = createResourceIndex(resources);

/** Returns a mapper that takes the resources of a rule's overrides as they are written, where it does not know them. */
export function withOverrides(mapper: Mapper, { labels }: MetricRule): Mapper {
  const own = new Set(labels.overrides.values());
  return {
    resourceFor: (name) => mapper.resourceFor(name) ?? (own.has(name) ? unknownResource(name) : undefined),
  };
}

function unknownResource(name: string): DescribedResource {
  const { resource, group = '' } = splitResourceName(name);
  return { group, version: 'v1', kind: resource, singular: resource, resource, namespaced: true };
}
