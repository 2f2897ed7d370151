/** The discovery documents as JSON. */

/** The group and kind that clients name in Accept to get the aggregated form. */
export const aggregatedGroup = 'apidiscovery.k8s.io';
export const aggregatedKind = 'APIGroupDiscoveryList';

/** kube-apiservers before 1.30 request v2beta1 only; both have the same fields. */
export const aggregatedVersions = ['v2', 'v2beta1'] as const;

export type DiscoveryVersion = (typeof aggregatedVersions)[number];

/** A group as discovery lists it. */
export interface DiscoveredGroup {
  readonly name: string;
  /** The preferred one first. */
  readonly versions: readonly string[];
  /** Returns the resources of a version as they are now. */
  resources(version: string): readonly DiscoveredResource[];
  /** False leaves the resources out of the aggregated document, which must not change. */
  readonly isAggregated: boolean;
}

export interface DiscoveredResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
}

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

export type GroupList = ReturnType<typeof groupList>;
export type ResourceList = ReturnType<typeof resourceList>;
export type AggregatedGroups = ReturnType<typeof aggregatedGroups>;

export function legacyGroup({ name, versions }: DiscoveredGroup): Group {
  const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  const [preferredVersion] = all;
  if (preferredVersion === undefined) throw new Error(`the group ${name} has no version`);
  return { name, versions: all, preferredVersion };
}

/** Has no apiVersion, as in Kubernetes. */
export function groupList(serverAddress: string, groups: readonly DiscoveredGroup[]) {
  const here = { serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] };
  return { kind: 'APIGroupList', groups: groups.map((group): Group => ({ ...legacyGroup(group), ...here })) };
}

export function resourceList(group: DiscoveredGroup, version: string) {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: `${group.name}/${version}`,
    resources: group.resources(version).map(({ name, kind, namespaced, verbs, shortNames }) => ({
      name,
      singularName: '',
      namespaced,
      kind,
      verbs,
      shortNames: shortNames.length === 0 ? undefined : shortNames,
    })),
  };
}

/** Returns the aggregated document: all versions, with their resources where the group is aggregated. */
export function aggregatedGroups(groups: readonly DiscoveredGroup[], ownVersion: DiscoveryVersion) {
  return {
    kind: aggregatedKind,
    apiVersion: `${aggregatedGroup}/${ownVersion}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: { name: group.name },
      versions: group.versions.map((version) => ({
        version,
        resources: group.isAggregated ? group.resources(version).map(aggregatedResource) : undefined,
        freshness: 'Current',
      })),
    })),
  };
}

function aggregatedResource({ name, kind, namespaced, verbs, shortNames }: DiscoveredResource) {
  return {
    resource: name,
    // Empty means the parent's; null would break clients of 1.26.
    responseKind: { group: '', version: '', kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: '',
    verbs,
    shortNames: shortNames.length === 0 ? undefined : shortNames,
  };
}
