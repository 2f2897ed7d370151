/** Serves list and get of metrics.k8s.io's two resources, in the negotiated form. */
import type { TableCells } from '../api/cells.ts';
import { metricsInPieces } from '../api/forms.ts';
import type { NodesApi } from '../api/nodes.ts';
import { type MetaVersion, metaVersions, partialObjectMetadata } from '../api/partial.ts';
import type { PodsApi } from '../api/pods.ts';
import { parseIncludeObject, type TableOptions, toTable } from '../api/table.ts';
import { group, type MetricsObject, versions } from '../api/types.ts';
import { type EncodableInPieces, mediaTypes } from '../apimachinery/encoding.ts';
import { StatusError, watchNotSupported } from '../apimachinery/status.ts';
import { compress } from './compress.ts';
import { checkGetOptions, type ListOptions, parseListOptions } from './listoptions.ts';
import type { Restrictions, Transform } from './negotiate.ts';
import { piecesReply, type Reply, requireAccepted } from './reply.ts';
import type { ApiRequest, RequestInfo, ResourceRequest } from './requestinfo.ts';
import type { ApiRoute } from './route.ts';
import { createWriterPool, type WriterPool } from './writers.ts';

/** Returns the route of a path below one of our API versions, or undefined. */
export type ResourceRoutes = (info: RequestInfo) => ApiRoute | undefined;

export function createResourceRoutes(nodes: NodesApi, pods: PodsApi, cells: TableCells): ResourceRoutes {
  const writers = createWriterPool();
  return ({ resource, shape }) => {
    const version = versions.find((known) => known === resource?.version);
    if (resource === undefined || version === undefined || resource.group !== group) return undefined;
    const read = readFunctionOf(resource, shape);
    if (read === undefined) return undefined;
    return {
      produces: resource.name === '' ? [...mediaTypes, ...streamTypes] : mediaTypes,
      serve: (request) => serve(request, { version, cells, writers }, read),
    };
  };

  function readFunctionOf(
    { resource, namespace, name }: ResourceRequest,
    shape: RequestInfo['shape'],
  ): ReadObject | undefined {
    if (resource === 'nodes' && shape === 'cluster') {
      return name === '' ? readList(resource, nodes.list) : readOne(() => nodes.get(name));
    }
    if (resource !== 'pods' || shape === 'other') return undefined;
    if (name !== '') return shape === 'cluster' ? undefined : readOne(() => pods.get(namespace, name));
    return readList(resource, (options) => pods.list({ namespace: namespace || undefined, ...options }));
  }
}

/** Named only in a 406: Kubernetes names them for every list. */
const streamTypes = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

type Parameters = ReadonlyMap<string, string>;
type ReadObject = (query: Parameters) => MetricsObject;

function readOne(get: () => MetricsObject): ReadObject {
  return (query) => {
    checkGetOptions(query);
    return get();
  };
}

function readList(resource: string, list: (options: ListOptions) => MetricsObject): ReadObject {
  return (query) => {
    const options = parseListOptions(query);
    if (options.watch) throw watchNotSupported({ group, resource });
    return list(options);
  };
}

/** How objects are written beside what the request negotiates. */
interface WriteOptions extends Pick<TableOptions, 'version' | 'cells'> {
  readonly writers: WriterPool;
}

/** Checks in the order of Kubernetes: acceptable form, parameters, existence of the object, conversion. */
async function serve(request: ApiRequest, writing: WriteOptions, read: ReadObject): Promise<Reply> {
  const { query } = request.info;
  const accepted = requireAccepted(request, restrictions);
  const object = transform(read(query), writing, accepted.transform, query);
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
  writing: WriteOptions,
  wanted: Transform | undefined,
  query: Parameters,
): EncodableInPieces {
  const { version } = writing;
  const metaVersion = wanted === undefined ? undefined : metaVersionOf(wanted);
  if (wanted === undefined || metaVersion === undefined) {
    return metricsInPieces(object, version);
  }
  if (wanted.kind === 'Table') {
    const includeObject = parseIncludeObject(query.get('includeObject') ?? '');
    return toTable(object, { ...writing, metaVersion, includeObject });
  }
  const isList = 'slices' in object;
  if (isList !== wanted.kind.endsWith('List')) {
    const problem = isList ? 'is a list' : 'is not a list';
    const message = `you requested ${wanted.kind}, but the requested object ${problem} (*metrics.${object.kind})`;
    throw new StatusError('NotAcceptable', message);
  }
  return partialObjectMetadata(object, metaVersion);
}
