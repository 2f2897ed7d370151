/** The documents that tell what this server serves, made once: they never change while it runs. */
import { createHash } from 'node:crypto';
import { encodeJson } from '../apimachinery/meta.ts';
import { group, resources, type Version, versions } from './types.ts';

export interface Document {
  readonly compact: Buffer;
  /** The same for people: indented. */
  readonly pretty: Buffer;
}

/** A document that clients ask for again with If-None-Match. */
export interface TaggedDocument extends Document {
  /** With its quotes, as in the header; equal for every server of the same release. */
  readonly etag: string;
}

export interface Discovery {
  /** GET /apis without a wish for the aggregated form. */
  readonly groupList: Document;
  /** GET /apis with a wish for aggregatedMediaType. */
  readonly aggregated: TaggedDocument;
  /** GET /apis/metrics.k8s.io */
  readonly group: Document;
  /** GET /apis/metrics.k8s.io/<version> */
  readonly resources: Readonly<Record<Version, Document>>;
}

/** Exactly the Content-Type that kube-apiserver's aggregator looks for. */
export const aggregatedMediaType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** @param serverAddress where clients of any network find us, such as `:10250`; only shown, in the legacy list of groups. */
export function createDiscovery(serverAddress: string): Discovery {
  const aggregated = toDocument(aggregatedGroups);
  return {
    groupList: toDocument({
      // Without apiVersion, as in Kubernetes.
      kind: 'APIGroupList',
      groups: [{ ...legacyGroup, serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] }],
    }),
    aggregated: { ...aggregated, etag: etagOf(aggregated.compact) },
    group: toDocument({ kind: 'APIGroup', apiVersion: 'v1', ...legacyGroup }),
    resources: { v1: toDocument(resourceList('v1')), v1beta1: toDocument(resourceList('v1beta1')) },
  };
}

/**
 * What can be asked for. No watch, and never delete or deletecollection:
 * namespace deletion, garbage collection and backups act on what is advertised.
 */
const verbs = ['get', 'list'] as const;

const legacyVersions = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));

const legacyGroup = { name: group, versions: legacyVersions, preferredVersion: legacyVersions[0] };

const aggregatedGroups = {
  kind: 'APIGroupDiscoveryList',
  apiVersion: 'apidiscovery.k8s.io/v2',
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

function resourceList(version: Version): object {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: `${group}/${version}`,
    resources: resources.map(({ name, kind, namespaced }) => ({ name, singularName: '', namespaced, kind, verbs })),
  };
}

function toDocument(value: object): Document {
  return { compact: encodeJson(value), pretty: encodeJson(value, 'pretty') };
}

function etagOf(body: Buffer): string {
  return `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
}
