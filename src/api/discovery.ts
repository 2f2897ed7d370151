/** The discovery documents in each form. */
import { createHash } from 'node:crypto';
import type { Encodable } from '../apimachinery/encoding.ts';
import { encodeJson } from '../apimachinery/meta.ts';
import {
  aggregatedGroups,
  type DiscoveredGroup,
  type DiscoveryVersion,
  groupList,
  legacyGroup,
  resourceList,
} from './discoverydocuments.ts';
import { encodeAggregatedGroups, encodeGroup, encodeGroupList, encodeResourceList } from './discoveryprotobuf.ts';

export interface Discovery {
  /** GET /apis, unless Accept names the aggregated form. */
  readonly groupList: Encodable;
  /** GET /apis where Accept names the aggregated form in this version. */
  readonly aggregated: Readonly<Record<DiscoveryVersion, Encodable>>;
  /** With quotes. As in Kubernetes, equal on servers of a release and for every form: Vary separates these. */
  readonly etag: string;
  /** Each group and version by its path: /apis/metrics.k8s.io, /apis/metrics.k8s.io/v1. */
  readonly documents: ReadonlyMap<string, Encodable>;
}

/** @param serverAddress where clients reach this server, such as `:10250`; only shown, in the legacy list of groups. */
export function createDiscovery(serverAddress: string, groups: readonly DiscoveredGroup[]): Discovery {
  const list = groupList(serverAddress, groups);
  return {
    groupList: { json: () => list, protobuf: () => encodeGroupList(list) },
    aggregated: { v2: aggregatedDocument(groups, 'v2'), v2beta1: aggregatedDocument(groups, 'v2beta1') },
    etag: etagOf(encodeJson(aggregatedGroups(groups, 'v2'))),
    documents: new Map(
      groups.flatMap((group): [string, Encodable][] => [
        ...group.versions.map((version): [string, Encodable] => [
          `/apis/${group.name}/${version}`,
          resourceDocument(group, version),
        ]),
        [`/apis/${group.name}`, groupDocument(group)],
      ]),
    ),
  };
}

function groupDocument(group: DiscoveredGroup): Encodable {
  const legacy = legacyGroup(group);
  return { json: () => ({ kind: 'APIGroup', apiVersion: 'v1', ...legacy }), protobuf: () => encodeGroup(legacy) };
}

function resourceDocument(group: DiscoveredGroup, version: string): Encodable {
  const json = () => resourceList(group, version);
  return { json, protobuf: () => encodeResourceList(json()) };
}

function aggregatedDocument(groups: readonly DiscoveredGroup[], version: DiscoveryVersion): Encodable {
  const json = () => aggregatedGroups(groups, version);
  return { json, protobuf: () => encodeAggregatedGroups(json()) };
}

function etagOf(body: Buffer): string {
  return `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
}
