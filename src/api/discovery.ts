/** The documents that tell what this server serves; they never change while it runs. */
import { createHash } from 'node:crypto';
import type { Encodable } from '../apimachinery/encoding.ts';
import { encodeJson } from '../apimachinery/meta.ts';
import { encodeAggregatedGroups, encodeGroup, encodeGroupList, encodeResourceList } from './discoveryprotobuf.ts';
import { group, resources, type Version, versions } from './types.ts';

export interface Discovery {
  /** GET /apis without a wish for the aggregated form. */
  readonly groupList: Encodable;
  /** GET /apis with a wish for the aggregated form, in the version of its own group that was asked for. */
  readonly aggregated: Readonly<Record<AggregatedVersion, Encodable>>;
  /**
   * For If-None-Match, with its quotes, as in the header; equal for every server of the same release and for every form of the aggregated
   * document, as in Kubernetes: Vary tells forms apart.
   */
  readonly etag: string;
  /** GET /apis/metrics.k8s.io */
  readonly group: Encodable;
  /** GET /apis/metrics.k8s.io/<version> */
  readonly resources: Readonly<Record<Version, Encodable>>;
}

/** The group and kind that clients name in Accept to get the aggregated form. */
export const aggregatedGroup = 'apidiscovery.k8s.io';
export const aggregatedKind = 'APIGroupDiscoveryList';

/** kube-apiservers before 1.30 ask for v2beta1 only; both have the same fields. */
export const aggregatedVersions = ['v2', 'v2beta1'] as const;

export type AggregatedVersion = (typeof aggregatedVersions)[number];

/** @param serverAddress where clients of any network find us, such as `:10250`; only shown, in the legacy list of groups. */
export function createDiscovery(serverAddress: string): Discovery {
  const groups = groupList(serverAddress);
  return {
    groupList: { json: () => groups, protobuf: () => encodeGroupList(groups) },
    aggregated: { v2: aggregatedDocument('v2'), v2beta1: aggregatedDocument('v2beta1') },
    etag: etagOf(encodeJson(aggregatedGroups('v2'))),
    group: {
      json: () => ({ kind: 'APIGroup', apiVersion: 'v1', ...legacyGroup }),
      protobuf: () => encodeGroup(legacyGroup),
    },
    resources: { v1: resourceDocument('v1'), v1beta1: resourceDocument('v1beta1') },
  };
}

/**
 * What can be asked for. No watch, and never delete or deletecollection:
 * namespace deletion, garbage collection and backups act on what is advertised.
 */
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

export type GroupList = ReturnType<typeof groupList>;
export type ResourceList = ReturnType<typeof resourceList>;
export type AggregatedGroups = ReturnType<typeof aggregatedGroups>;

const legacyGroup: Group = {
  name: group,
  versions: versions.map(groupVersion),
  preferredVersion: groupVersion(versions[0]),
};

function groupVersion(version: Version): GroupVersion {
  return { groupVersion: `${group}/${version}`, version };
}

/** Without apiVersion, as in Kubernetes. */
function groupList(serverAddress: string) {
  const here = { ...legacyGroup, serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] };
  return { kind: 'APIGroupList', groups: [here] };
}

function resourceDocument(version: Version): Encodable {
  return { json: () => resourceList(version), protobuf: () => encodeResourceList(resourceList(version)) };
}

function resourceList(version: Version) {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: `${group}/${version}`,
    resources: resources.map(({ name, kind, namespaced }) => ({ name, singularName: '', namespaced, kind, verbs })),
  };
}

function aggregatedDocument(version: AggregatedVersion): Encodable {
  return { json: () => aggregatedGroups(version), protobuf: () => encodeAggregatedGroups(aggregatedGroups(version)) };
}

function aggregatedGroups(ownVersion: AggregatedVersion) {
  return {
    kind: aggregatedKind,
    apiVersion: `${aggregatedGroup}/${ownVersion}`,
    metadata: {},
    items: [
      {
        metadata: { name: group },
        versions: versions.map((version) => ({
          version,
          resources: resources.map(({ name, kind, namespaced }) => ({
            resource: name,
            // Empty means the parent's; null would break clients of 1.26.
            responseKind: { group: '', version: '', kind },
            scope: namespaced ? 'Namespaced' : 'Cluster',
            singularResource: '',
            verbs,
          })),
          freshness: 'Current',
        })),
      },
    ],
  };
}

function etagOf(body: Buffer): string {
  return `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
}
