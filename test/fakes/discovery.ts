/** Resources of a cluster, a mapper over them, and their discovery documents for the fake kube-apiserver. */
import type { DescribedResource, Mapper } from '../../src/metricsource/described.ts';
import { createResourceIndex } from '../../src/metricsource/resourceindex.ts';

export function describedResource(
  group: string,
  version: string,
  resource: string,
  kind: string,
  namespaced = true,
): DescribedResource {
  return { group, version, resource, singular: kind.toLowerCase(), kind, namespaced };
}

export const builtIn: readonly DescribedResource[] = [
  describedResource('', 'v1', 'namespaces', 'Namespace', false),
  describedResource('', 'v1', 'nodes', 'Node', false),
  describedResource('', 'v1', 'persistentvolumes', 'PersistentVolume', false),
  describedResource('', 'v1', 'pods', 'Pod'),
  describedResource('', 'v1', 'services', 'Service'),
  describedResource('', 'v1', 'events', 'Event'),
  describedResource('events.k8s.io', 'v1', 'events', 'Event'),
  describedResource('apps', 'v1', 'deployments', 'Deployment'),
  describedResource('batch', 'v1', 'jobs', 'Job'),
  describedResource('extensions', 'v1beta1', 'deployments', 'Deployment'),
];

/** Finds resources by plural and singular, as the mapper over discovery does. */
export function createMapper(resources: () => readonly DescribedResource[] = () => builtIn): Mapper {
  return { resourceFor: (name) => createResourceIndex(resources()).resourceFor(name) };
}

/** Returns /api and /apis as aggregated discovery, with a subresource that no mapper may take for a resource. */
export function aggregatedDiscovery(resources = builtIn): ReadonlyMap<string, object> {
  const groups = Map.groupBy(resources, ({ group }) => group);
  const item = ([name, all]: [string, readonly DescribedResource[]]) => ({
    metadata: name === '' ? {} : { name },
    versions: [...Map.groupBy(all, ({ version }) => version)].map(([version, each]) => ({
      version,
      freshness: 'Current',
      resources: each.map(({ resource, singular, kind, namespaced }) => ({
        resource,
        responseKind: { group: name, version, kind },
        scope: namespaced ? 'Namespaced' : 'Cluster',
        singularResource: singular,
        verbs: ['get', 'list', 'watch'],
        subresources: [{ subresource: 'status', verbs: ['get'] }],
      })),
    })),
  });
  const list = (items: readonly object[]) => ({
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items,
  });
  return new Map([
    ['/api', list([...groups].filter(([name]) => name === '').map(item))],
    ['/apis', list([...groups].filter(([name]) => name !== '').map(item))],
  ]);
}

/** Returns the documents of a kube-apiserver without aggregated discovery. */
export function legacyDiscovery(resources = builtIn): ReadonlyMap<string, object> {
  const documents = new Map<string, object>([['/api', { kind: 'APIVersions', versions: ['v1'] }]]);
  const byGroup = Map.groupBy(resources, ({ group }) => group);
  const groups = [...byGroup].filter(([name]) => name !== '');
  documents.set('/apis', {
    kind: 'APIGroupList',
    groups: groups.map(([name, all]) => {
      const versions = [...new Set(all.map(({ version }) => version))].map((version) => ({ version }));
      return { name, versions, preferredVersion: versions[0] };
    }),
  });
  for (const [groupVersion, all] of Map.groupBy(resources, ({ group, version }) => `${group}/${version}`)) {
    const [group, version] = groupVersion.split('/');
    documents.set(group === '' ? `/api/${version}` : `/apis/${group}/${version}`, {
      kind: 'APIResourceList',
      resources: all.flatMap(({ resource, kind, singular, namespaced }) => [
        { name: resource, singularName: singular, kind, namespaced, verbs: ['list'] },
        { name: `${resource}/status`, singularName: '', kind, namespaced, verbs: ['get'] },
      ]),
    });
  }
  return documents;
}
