/** The discovery documents in each form. */
import { createHash } from 'node:crypto';
import type { Encodable } from '../apimachinery/encoding.ts';
import { encodeJson } from '../apimachinery/meta.ts';
import {
  aggregatedGroups,
  type DiscoveredResource,
  type DiscoveryVersion,
  groupList,
  legacyGroup,
  resourceList,
} from './discoverydocuments.ts';
import { encodeAggregatedGroups, encodeGroup, encodeGroupList, encodeResourceList } from './discoveryprotobuf.ts';
import { resources as allResources } from './resources.ts';
import type { Version } from './types.ts';

export interface Discovery {
  /** GET /apis, unless Accept names the aggregated form. */
  readonly groupList: Encodable;
  /** GET /apis where Accept names the aggregated form in this version. */
  readonly aggregated: Readonly<Record<DiscoveryVersion, Encodable>>;
  /** With quotes. As in Kubernetes, equal on servers of a release and for every form: Vary separates these. */
  readonly etag: string;
  /** GET /apis/metrics.k8s.io */
  readonly group: Encodable;
  /** GET /apis/metrics.k8s.io/<version> */
  readonly resources: Readonly<Record<Version, Encodable>>;
}

/** @param serverAddress where clients reach this server, such as `:10250`; only shown, in the legacy list of groups. */
export function createDiscovery(
  serverAddress: string,
  resources: readonly DiscoveredResource[] = allResources,
): Discovery {
  const groups = groupList(serverAddress);
  return {
    groupList: { json: () => groups, protobuf: () => encodeGroupList(groups) },
    aggregated: { v2: aggregatedDocument(resources, 'v2'), v2beta1: aggregatedDocument(resources, 'v2beta1') },
    etag: etagOf(encodeJson(aggregatedGroups(resources, 'v2'))),
    group: {
      json: () => ({ kind: 'APIGroup', apiVersion: 'v1', ...legacyGroup }),
      protobuf: () => encodeGroup(legacyGroup),
    },
    resources: { v1: resourceDocument(resources, 'v1'), v1beta1: resourceDocument(resources, 'v1beta1') },
  };
}

function resourceDocument(resources: readonly DiscoveredResource[], version: Version): Encodable {
  const json = () => resourceList(resources, version);
  return { json, protobuf: () => encodeResourceList(json()) };
}

function aggregatedDocument(resources: readonly DiscoveredResource[], version: DiscoveryVersion): Encodable {
  const json = () => aggregatedGroups(resources, version);
  return { json, protobuf: () => encodeAggregatedGroups(json()) };
}

function etagOf(body: Buffer): string {
  return `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
}
