/** The table of everything that is served, and the one place that decides what a path leads to. */
import { aggregatedMediaType, type Discovery, type Document } from '../api/discovery.ts';
import { group, versions } from '../api/types.ts';
import { encodeJson } from '../apimachinery/meta.ts';
import { methodNotAllowed, unknownResource } from '../apimachinery/status.ts';
import type { Registry } from '../monitoring.ts';
import { version } from '../version.ts';
import { type HealthChecks, type HealthPath, healthPaths, reportHealth } from './health.ts';
import { wantsAggregatedDiscovery } from './negotiate.ts';
import type { OpenApiEndpoints } from './openapi.ts';
import { indexReply, jsonReply, type Reply, textReply } from './reply.ts';
import type { ApiRequest, RequestInfo } from './requestinfo.ts';
import type { ResourceEndpoint } from './resources.ts';

export interface EndpointOptions {
  readonly discovery: Discovery;
  readonly openApi: OpenApiEndpoints;
  readonly resources: ResourceEndpoint;
  readonly health: HealthChecks;
  readonly registry: Registry;
}

export interface Endpoints {
  /** Throws StatusError for whatever the client should hear. */
  serve(request: ApiRequest): Reply | Promise<Reply>;
  /** The reply of a health path, or undefined for any other path. */
  serveHealth(info: RequestInfo): Reply | undefined;
}

type Endpoint = (request: ApiRequest) => Reply | Promise<Reply>;

export function createEndpoints({ discovery, openApi, resources, health, registry }: EndpointOptions): Endpoints {
  const apis = new Map<string, Endpoint>([
    ['/apis', groups],
    [`/apis/${group}`, document(discovery.group)],
    ...versions.map((each): [string, Endpoint] => [`/apis/${group}/${each}`, document(discovery.resources[each])]),
    ['/version', () => jsonReply(encodeJson(versionInfo, 'pretty'))],
  ]);
  const others: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
    ['/', () => indexReply(paths, 200)],
    ['/index.html', () => indexReply(paths, 200)],
    ['/metrics', metrics],
    ...openApi,
    ...healthPaths.map((path): [string, Endpoint] => [path, ({ info }) => healthReply(path, info)]),
    ...healthPaths.flatMap((path) =>
      health[path].map((check): [string, Endpoint] => [`${path}/${check.name}`, single(check)]),
    ),
  ]);
  const paths: readonly string[] = [...apis.keys(), ...others.keys()].filter(
    (path) => path !== '/' && path !== '/index.html' && !path.startsWith('/openapi/v3/'),
  );

  return { serve, serveHealth };

  function serve(request: ApiRequest): Reply | Promise<Reply> {
    const { info } = request;
    const path = info.path.length > 1 && info.path.endsWith('/') ? info.path.slice(0, -1) : info.path;
    const api = apis.get(path);
    if (api !== undefined && info.method !== 'GET') throw methodNotAllowed();
    const endpoint = api ?? others.get(path);
    if (endpoint !== undefined) return endpoint(request);
    if (info.resource?.group === group) return resources(request, info.resource);
    if (path.startsWith(`/apis/${group}/`)) throw unknownResource();
    return indexReply(paths, 404);
  }

  function serveHealth(info: RequestInfo): Reply | undefined {
    const path = healthPaths.find((known) => known === info.path);
    return path === undefined ? undefined : healthReply(path, info);
  }

  function healthReply(path: HealthPath, { query }: RequestInfo): Reply {
    const excluded = query.get('exclude');
    const { ok, text } = reportHealth(
      path,
      health[path],
      query.has('verbose'),
      excluded === undefined ? [] : [excluded],
    );
    return textReply(text, ok ? 200 : 500);
  }

  function groups(request: ApiRequest): Reply | Promise<Reply> {
    if (!wantsAggregatedDiscovery(request.header('accept'))) return document(discovery.groupList)(request);
    const { etag, compact } = discovery.aggregated;
    const headers = { etag, 'cache-control': 'public', vary: 'Accept' };
    if (request.header('if-none-match') === etag) return { status: 304, contentType: '', headers, body: '' };
    return { status: 200, contentType: aggregatedMediaType, headers, body: compact };
  }

  async function metrics(): Promise<Reply> {
    return { status: 200, contentType: registry.contentType, body: await registry.metrics() };
  }
}

function document(found: Document): Endpoint {
  return ({ form }) => jsonReply(found[form]);
}

function single(check: HealthChecks[HealthPath][number]): Endpoint {
  return () => {
    const problem = check.problem();
    return problem === undefined
      ? { status: 200, contentType: 'text/plain; charset=utf-8', body: 'ok' }
      : textReply(`internal server error: ${problem}\n`, 500);
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
