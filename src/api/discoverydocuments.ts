/** The discovery documents as JSON. */
import type { Resource } from './resource.ts';
import { group, type Version, versions } from './types.ts';

/** The group and kind that clients name in Accept to get the aggregated form. */
export const aggregatedGroup = 'apidiscovery.k8s.io';
export const aggregatedKind = 'APIGroupDiscoveryList';

/** kube-apiservers before 1.30 request v2beta1 only; both have the same fields. */
export const aggregatedVersions = ['v2', 'v2beta1'] as const;

export type DiscoveryVersion = (typeof aggregatedVersions)[number];

/** No watch, and never delete or deletecollection: namespace deletion, garbage collection and backups act on them. */
const verbs = ['get', 'list'] as const;

export interface GroupVersion {
  readonly groupVersion: string;
  readonly version: string;
}

export interface Group {
  readonly name: string;
  readonly versions: readonly GroupVersion[];
  readonly preferredVersion: GroupVersion;
  readonly serverAddressByClientCIDRs?: readonly { readonly clientCIDR: string; readonly serverAddress: string }[];
}

export type DiscoveredResource = Pick<Resource, 'name' | 'kind' | 'namespaced' | 'shortNames' | 'versions'>;

export type GroupList = ReturnType<typeof groupList>;
export type ResourceList = ReturnType<typeof resourceList>;
export type AggregatedGroups = ReturnType<typeof aggregatedGroups>;

export const legacyGroup: Group = {
  name: group,
  versions: versions.map(groupVersion),
  preferredVersion: groupVersion(versions[0]),
};

function groupVersion(version: Version): GroupVersion {
  return { groupVersion: `${group}/${version}`, version };
}

/** Has no apiVersion, as in Kubernetes. */
export function groupList(serverAddress: string) {
  const here = { ...legacyGroup, serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] };
  return { kind: 'APIGroupList', groups: [here] };
}

export function resourceList(resources: readonly DiscoveredResource[], version: Version) {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: `${group}/${version}`,
    resources: servedIn(version, resources).map(({ name, kind, namespaced, shortNames }) => ({
      name,
      singularName: '',
      namespaced,
      kind,
      verbs,
      shortNames: shortNames.length === 0 ? undefined : shortNames,
    })),
  };
}

/** Returns the aggregated document: all versions with their resources. */
export function aggregatedGroups(resources: readonly DiscoveredResource[], ownVersion: DiscoveryVersion) {
  return {
    kind: aggregatedKind,
    apiVersion: `${aggregatedGroup}/${ownVersion}`,
    metadata: {},
    items: [
      {
        metadata: { name: group },
        versions: versions.map((version) => ({
          version,
          resources: servedIn(version, resources).map(({ name, kind, namespaced, shortNames }) => ({
            resource: name,
            // Empty means the parent's; null would break clients of 1.26.
            responseKind: { group: '', version: '', kind },
            scope: namespaced ? 'Namespaced' : 'Cluster',
            singularResource: '',
            verbs,
            shortNames: shortNames.length === 0 ? undefined : shortNames,
          })),
          freshness: 'Current',
        })),
      },
    ],
  };
}

function servedIn(version: Version, resources: readonly DiscoveredResource[]): readonly DiscoveredResource[] {
  return resources.filter((resource) => resource.versions.includes(version));
}
