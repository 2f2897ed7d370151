/** Serves list and get of metrics.k8s.io. */
import type { TableCells } from '../api/cells.ts';
import { metricsInPieces } from '../api/forms.ts';
import { type MetaVersion, metaVersions, partialObjectMetadata } from '../api/partial.ts';
import type { ReaderRequest, Resource, ServedResource } from '../api/resource.ts';
import { parseIncludeObject, toTable } from '../api/table.ts';
import { group, isList, type MetricsObject, type Version } from '../api/types.ts';
import { type EncodableInPieces, mediaTypes, streamTypes } from '../apimachinery/encoding.ts';
import { StatusError, watchNotSupported } from '../apimachinery/status.ts';
import { compress } from './compress.ts';
import { parseHistoryRange, refuseHistoryOfOne } from './historyrange.ts';
import { checkGetOptions, parseListOptions } from './listoptions.ts';
import type { Restrictions, Transform } from './negotiate.ts';
import { piecesReply, type Reply, requireAccepted } from './reply.ts';
import type { ApiRequest, RequestInfo, ResourceRequest } from './requestinfo.ts';
import { parsePage } from './paging.ts';
import type { ResourceLabels, ServedGroup } from './servedgroup.ts';
import { createWriterPool, type WriterPool } from './writers.ts';

export interface ResourceRouteOptions {
  readonly cells: TableCells;
  /** Default: true. False takes the slow path. */
  readonly fastPath?: boolean;
}

/** Returns the group metrics.k8s.io. */
export function createResourceRoutes(served: readonly ServedResource[], options: ResourceRouteOptions): ServedGroup {
  const writers = createWriterPool();
  return {
    name: group,
    route({ resource: requested, shape }) {
      const found = knownResource(requested, served);
      if (requested === undefined || found === undefined) return undefined;
      const { served: of, version } = found;
      const find = finderOf(of, requested, shape);
      if (find === undefined) return undefined;
      const writing = { ...options, version, resource: of.resource, writers };
      return {
        produces: requested.name === '' ? [...mediaTypes, ...streamTypes] : mediaTypes,
        serve: (request) => serve(request, writing, find),
      };
    },
    labels: (info) => labelsOf(info, served),
  };
}

interface KnownResource {
  readonly served: ServedResource;
  readonly version: Version;
}

function knownResource(
  requested: ResourceRequest | undefined,
  all: readonly ServedResource[],
): KnownResource | undefined {
  if (requested === undefined || requested.subresource !== '') return undefined;
  const served = all.find(({ resource }) => resource.name === requested.resource);
  const version = served?.resource.versions.find((known) => known === requested.version);
  return served === undefined || version === undefined ? undefined : { served, version };
}

function labelsOf({ resource, shape }: RequestInfo, all: readonly ServedResource[]): ResourceLabels | undefined {
  if (resource === undefined || shape === 'other' || knownResource(resource, all) === undefined) return undefined;
  const { verb, version, namespace, name } = resource;
  const scope = name !== '' ? 'resource' : namespace !== '' ? 'namespace' : 'cluster';
  return { verb, version, resource: resource.resource, subresource: '', scope };
}

type Parameters = ReadonlyMap<string, string>;
/** Returns at once what is read from memory. */
type Finder = (query: Parameters, request: ReaderRequest) => MetricsObject | Promise<MetricsObject>;

/** Returns undefined for a namespace with cluster-scoped objects, or without one for a namespaced object. */
function finderOf(
  { resource, reader }: ServedResource,
  { namespace, name }: ResourceRequest,
  shape: RequestInfo['shape'],
): Finder | undefined {
  if (shape === 'other') return undefined;
  if (!resource.namespaced && shape === 'namespaced') return undefined;
  if (name === '') return listFinder(resource, reader, namespace === '' ? undefined : namespace);
  if (resource.namespaced && shape === 'cluster') return undefined;
  return getFinder((request) => reader.get(namespace, name, request));
}

function getFinder(get: (request: ReaderRequest) => MetricsObject | Promise<MetricsObject>): Finder {
  return (query, request) => {
    checkGetOptions(query);
    refuseHistoryOfOne(query);
    return get(request);
  };
}

function listFinder({ name }: Resource, reader: ServedResource['reader'], namespace: string | undefined): Finder {
  return (query, request) => {
    const { watch, labelSelector, fieldSelector } = parseListOptions(query);
    if (watch) throw watchNotSupported({ group, resource: name });
    const history = parseHistoryRange(query);
    return reader.list({ namespace, labelSelector, fieldSelector, page: parsePage(query), history }, request);
  };
}

interface WriteOptions extends ResourceRouteOptions {
  readonly resource: Resource;
  readonly version: Version;
  readonly writers: WriterPool;
}

/** Checks in Kubernetes' order: media type, parameters, object, transform. */
async function serve(request: ApiRequest, writing: WriteOptions, find: Finder): Promise<Reply> {
  const { query } = request.info;
  const accepted = requireAccepted(request, restrictions);
  const found = find(query, request);
  const object = transform(found instanceof Promise ? await found : found, writing, accepted.transform, query);
  return compress(
    await piecesReply(object, accepted, { writers: writing.writers, share: request.share }),
    request.header('accept-encoding'),
  );
}

const restrictions: Restrictions = { allowsTransform, serverVersion: 'v1' };

function allowsTransform(mediaType: string, wanted: Transform | undefined): boolean {
  if (wanted === undefined) return true;
  if (wanted.group !== 'meta.k8s.io' || metaVersionOf(wanted) === undefined) return false;
  if (wanted.kind === 'Table') return mediaType !== 'application/vnd.kubernetes.protobuf';
  return wanted.kind === 'PartialObjectMetadata' || wanted.kind === 'PartialObjectMetadataList';
}

function metaVersionOf({ version }: Transform): MetaVersion | undefined {
  return metaVersions.find((known) => known === version);
}

function transform(
  object: MetricsObject,
  { resource, ...writing }: WriteOptions,
  wanted: Transform | undefined,
  query: Parameters,
): EncodableInPieces {
  const metaVersion = wanted === undefined ? undefined : metaVersionOf(wanted);
  if (wanted === undefined || metaVersion === undefined) return metricsInPieces(resource, object, writing);
  if (wanted.kind === 'Table') {
    const includeObject = parseIncludeObject(query.get('includeObject') ?? '');
    return toTable(resource, object, { ...writing, metaVersion, includeObject });
  }
  const isOfList = isList(object);
  if (isOfList !== wanted.kind.endsWith('List')) {
    const problem = isOfList ? 'is a list' : 'is not a list';
    const kind = isOfList ? resource.listKind : resource.kind;
    const message = `you requested ${wanted.kind}, but the requested object ${problem} (*metrics.${kind})`;
    throw new StatusError('NotAcceptable', message);
  }
  return partialObjectMetadata(object, metaVersion);
}
