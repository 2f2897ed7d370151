/** The router of all paths. */
import type { Discovery } from '../api/discovery.ts';
import {
  aggregatedGroup,
  aggregatedKind,
  aggregatedVersions,
  type DiscoveryVersion,
} from '../api/discoverydocuments.ts';
import { statusPath } from '../api/statusresource.ts';
import { type Encodable, mediaTypes } from '../apimachinery/encoding.ts';
import { encodeJson } from '../apimachinery/meta.ts';
import { unknownResource } from '../apimachinery/status.ts';
import type { Registry } from '../monitoring.ts';
import { version } from '../version.ts';
import { compressMetrics } from './compress.ts';
import { type HealthChecks, type HealthPath, healthPaths, isHealthPath, reportHealth } from './health.ts';
import { negotiate, noTransform, type Restrictions, type Transform } from './negotiate.ts';
import type { OpenApiHandlers } from './openapihandler.ts';
import { indexReply, jsonReply, objectReply, type Reply, requireAccepted, textReply } from './reply.ts';
import { type ApiRequest, type RequestInfo, trimSlashes, valuesOf } from './requestinfo.ts';
import { type ApiRoute, type Handler, serveRoute } from './route.ts';
import { groupOf, type ServedGroup } from './servedgroup.ts';
import { isStatusResource, serveStatus, statusRoute, type StatusSource } from './statuspage.ts';

export interface RouterOptions {
  readonly discovery: Discovery;
  readonly openApi: OpenApiHandlers;
  readonly groups: readonly ServedGroup[];
  readonly health: HealthChecks;
  readonly readyNotes: () => readonly string[];
  readonly registry: Registry;
  readonly status: StatusSource;
}

export interface Router {
  serve(request: ApiRequest): Reply | Promise<Reply>;
  /** Undefined unless it is a health path. */
  serveHealth(info: RequestInfo): Promise<Reply> | undefined;
}

export function createRouter({
  discovery,
  openApi,
  groups,
  health,
  readyNotes,
  registry,
  status,
}: RouterOptions): Router {
  const groupList: ApiRoute = { consumes: mediaTypes, produces: mediaTypes, serve: serveGroups };
  const statusOfApi = statusRoute(status);
  /** Paths below them follow the same rules, at least by a 404. */
  const routes = new Map<string, ApiRoute>([
    ...[...discovery.documents].map(([path, found]): [string, ApiRoute] => [path, document(found)]),
    ['/version', { consumes: [json], produces: [json], serve: () => jsonReply(encodeJson(versionInfo, 'pretty')) }],
  ]);
  const others: ReadonlyMap<string, Handler> = new Map<string, Handler>([
    ['/', () => indexReply(paths, 200)],
    ['/index.html', () => indexReply(paths, 200)],
    ['/metrics', metrics],
    [statusPath, (request) => serveStatus(status, request)],
    ...openApi,
    ...healthPaths.map((path): [string, Handler] => [path, ({ info, mayGet }) => healthReply(path, info, mayGet)]),
    ...healthPaths.flatMap((path) =>
      health[path].map((check): [string, Handler] => [`${path}/${check.name}`, single(check)]),
    ),
  ]);
  const paths: readonly string[] = ['/apis', ...routes.keys(), ...others.keys()].filter(
    (path) => path !== '/' && path !== '/index.html' && !path.startsWith('/openapi/v3/'),
  );

  return { serve, serveHealth };

  function serve(request: ApiRequest): Reply | Promise<Reply> {
    const { path } = request.info;
    const other = others.get(path);
    if (other !== undefined) return other(request);
    if (path === '/apis' || path === '/apis/') return serveRoute(groupList, request);
    if (!routes.keys().some((root) => path === root || path.startsWith(`${root}/`))) return indexReply(paths, 404);
    if (isStatusResource(request.info)) return serveRoute(statusOfApi, request);
    const route = routes.get(`/${trimSlashes(path)}`) ?? groupOf(groups, request.info)?.route(request.info);
    if (route === undefined) throw unknownResource();
    return serveRoute(route, request);
  }

  function serveHealth(info: RequestInfo): Promise<Reply> | undefined {
    return isHealthPath(info.path) ? healthReply(info.path, info) : undefined;
  }

  async function healthReply(path: HealthPath, info: RequestInfo, mayGet?: ApiRequest['mayGet']): Promise<Reply> {
    const { ok, text } = await reportHealth(path, health[path], {
      verbose: info.query.has('verbose'),
      excluded: valuesOf(info, 'exclude'),
      // Health is public; its reasons are as secret as our metrics.
      maySeeReasons: mayGet && (() => mayGet('/metrics')),
      notes: path === '/readyz' ? readyNotes() : [],
    });
    return textReply(text, ok ? 200 : 500);
  }

  async function serveGroups(request: ApiRequest): Promise<Reply> {
    const accepted = negotiate(request, aggregatedOnly);
    const aggregated = accepted === undefined ? undefined : aggregatedVersionOf(accepted.transform);
    if (accepted === undefined || aggregated === undefined) {
      return objectReply(discovery.groupList, requireAccepted(request, noTransform));
    }
    const headers = { etag: discovery.etag, 'cache-control': 'public', vary: 'Accept' };
    if (request.header('if-none-match') === discovery.etag) return { status: 304, contentType: '', headers, body: '' };
    const reply = await objectReply(discovery.aggregated[aggregated], accepted);
    // kube-apiserver's aggregator compares this literally.
    const contentType = `${reply.contentType};g=${aggregatedGroup};v=${aggregated};as=${aggregatedKind}`;
    return { ...reply, contentType, headers };
  }

  async function metrics(request: ApiRequest): Promise<Reply> {
    const body = await registry.metrics();
    const headers = { 'process-start-time-unix': processStart };
    return compressMetrics({ status: 200, contentType: metricsType, headers, body }, request.header('accept-encoding'));
  }
}

const json = 'application/json';
/** As Prometheus' Go library. */
const metricsType = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';
const processStart = String(Math.trunc(performance.timeOrigin / 1000));

function document(found: Encodable): ApiRoute {
  const serve: Handler = (request) => objectReply(found, requireAccepted(request, noTransform));
  return { consumes: mediaTypes, produces: mediaTypes, serve };
}

const aggregatedOnly: Restrictions = {
  allowsTransform: (_mediaType, transform) => aggregatedVersionOf(transform) !== undefined,
};

function aggregatedVersionOf(transform: Transform | undefined): DiscoveryVersion | undefined {
  if (transform?.group !== aggregatedGroup || transform.kind !== aggregatedKind) return undefined;
  return aggregatedVersions.find((known) => known === transform.version);
}

function single(check: HealthChecks[HealthPath][number]): Handler {
  return () => {
    const problem = check.problem();
    return problem === undefined
      ? { status: 200, contentType: 'text/plain; charset=utf-8', body: 'ok' }
      : textReply(`internal server error: ${problem.text}\n`, 500);
  };
}

const versionInfo = {
  major: '1',
  minor: '37',
  gitVersion: `v${version}`,
  gitCommit: '',
  gitTreeState: '',
  buildDate: '',
  goVersion: '',
  compiler: `node ${process.version}`,
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};
