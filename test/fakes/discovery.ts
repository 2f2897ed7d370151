/** Discovery documents of kube-apiserver for the fake one. */

export interface DiscoverableResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const of = (
  group: string,
  version: string,
  resource: string,
  kind: string,
  namespaced = true,
): DiscoverableResource => ({
  group,
  version,
  resource,
  singular: kind.toLowerCase(),
  kind,
  namespaced,
});

export const builtIn: readonly DiscoverableResource[] = [
  of('', 'v1', 'namespaces', 'Namespace', false),
  of('', 'v1', 'nodes', 'Node', false),
  of('', 'v1', 'persistentvolumes', 'PersistentVolume', false),
  of('', 'v1', 'pods', 'Pod'),
  of('', 'v1', 'services', 'Service'),
  of('', 'v1', 'events', 'Event'),
  of('events.k8s.io', 'v1', 'events', 'Event'),
  of('apps', 'v1', 'deployments', 'Deployment'),
  of('batch', 'v1', 'jobs', 'Job'),
  of('extensions', 'v1beta1', 'deployments', 'Deployment'),
];

/** Returns /api and /apis as aggregated discovery, with a subresource that no mapper may take for a resource. */
export function aggregatedDiscovery(resources = builtIn): ReadonlyMap<string, object> {
  const groups = Map.groupBy(resources, ({ group }) => group);
  const item = ([name, all]: [string, readonly DiscoverableResource[]]) => ({
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
