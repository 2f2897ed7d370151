/** Serves list and get of metrics.k8s.io's two resources: from what was asked to the objects in the form that was asked for. */
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
import type { Route } from './route.ts';
import { createWriters, type Writers } from './writers.ts';

/** The route of a path below a version of ours, or undefined where there is none. */
export type ResourceRoutes = (info: RequestInfo) => Route | undefined;

export function createResourceRoutes(nodes: NodesApi, pods: PodsApi, cells: TableCells): ResourceRoutes {
  const writers = createWriters();
  return ({ resource, shape }) => {
    const version = versions.find((known) => known === resource?.version);
    if (resource === undefined || version === undefined || resource.group !== group) return undefined;
    const read = readerOf(resource, shape);
    if (read === undefined) return undefined;
    return {
      produces: resource.name === '' ? [...mediaTypes, ...streamTypes] : mediaTypes,
      serve: (request) => serve(request, { version, cells, writers }, read),
    };
  };

  function readerOf({ resource, namespace, name }: ResourceRequest, shape: RequestInfo['shape']): Reader | undefined {
    if (resource === 'nodes' && shape === 'cluster') {
      return name === '' ? listReader(resource, nodes.list) : getReader(() => nodes.get(name));
    }
    if (resource !== 'pods' || shape === 'other') return undefined;
    if (name !== '') return shape === 'cluster' ? undefined : getReader(() => pods.get(namespace, name));
    return listReader(resource, (options) => pods.list({ namespace: namespace || undefined, ...options }));
  }
}

/** Only named to clients that accept nothing of what there is; Kubernetes names them for every list. */
const streamTypes = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

type Query = ReadonlyMap<string, string>;
type Reader = (query: Query) => MetricsObject;

function getReader(get: () => MetricsObject): Reader {
  return (query) => {
    checkGetOptions(query);
    return get();
  };
}

function listReader(resource: string, list: (options: ListOptions) => MetricsObject): Reader {
  return (query) => {
    const options = parseListOptions(query);
    if (options.watch) throw watchNotSupported({ group, resource });
    return list(options);
  };
}

/** How objects are written, as far as neither query nor headers say. */
interface Writing extends Pick<TableOptions, 'version' | 'cells'> {
  readonly writers: Writers;
}

/** The order of the checks is Kubernetes': whether the answer is acceptable, the parameters, the object, what it should be made into. */
async function serve(request: ApiRequest, writing: Writing, read: Reader): Promise<Reply> {
  const { query } = request.info;
  const accepted = requireAccepted(request, restrictions);
  const object = transform(read(query), writing, accepted.transform, query);
  return compress(await piecesReply(object, accepted, writing.writers), request.header('accept-encoding'));
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
  writing: Writing,
  wanted: Transform | undefined,
  query: Query,
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
