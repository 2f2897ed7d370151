/** Serves list and get of metrics.k8s.io's two resources: from what was asked to the objects as bytes. */
import { encode } from '../api/encode.ts';
import type { NodesApi } from '../api/nodes.ts';
import type { PodsApi } from '../api/pods.ts';
import { group, type MetricsObject, type Version, versions } from '../api/types.ts';
import { parseFieldSelector } from '../apimachinery/fields.ts';
import { parseLabelSelector } from '../apimachinery/labels.ts';
import { methodNotAllowed, unknownResource, watchNotSupported } from '../apimachinery/status.ts';
import { type Reply, jsonReply } from './reply.ts';
import type { ApiRequest, ResourceRequest } from './requestinfo.ts';

export interface ResourceEndpoint {
  /** Throws StatusError for whatever the client should hear. */
  (request: ApiRequest, resource: ResourceRequest): Reply;
}

export function createResourceEndpoint(nodes: NodesApi, pods: PodsApi): ResourceEndpoint {
  return (request, resource) => {
    const version = versions.find((known) => known === resource.version);
    const read = version === undefined ? undefined : readerOf(resource);
    if (version === undefined || read === undefined) throw unknownResource();
    if (request.info.method !== 'GET') throw methodNotAllowed();
    if (resource.verb === 'watch') throw watchNotSupported({ group, resource: resource.resource });
    return reply(read(request.info.query), version, request);
  };

  /** What reads the resource, or undefined where there is none of that shape. */
  function readerOf({ resource, subresource, namespace, name }: ResourceRequest): Reader | undefined {
    if (subresource !== '') return undefined;
    if (resource === 'nodes' && namespace === '') {
      return name === '' ? (query) => nodes.list(selectors(query)) : () => nodes.get(name);
    }
    if (resource !== 'pods') return undefined;
    if (name === '') return (query) => pods.list({ namespace: namespace || undefined, ...selectors(query) });
    return namespace === '' ? undefined : () => pods.get(namespace, name);
  }
}

type Reader = (query: ReadonlyMap<string, string>) => MetricsObject;

function selectors(query: ReadonlyMap<string, string>) {
  return {
    labelSelector: parseLabelSelector(query.get('labelSelector') ?? ''),
    fieldSelector: parseFieldSelector(query.get('fieldSelector') ?? ''),
  };
}

function reply(object: MetricsObject, version: Version, request: ApiRequest): Reply {
  return jsonReply(encode(object, version, request.form));
}
