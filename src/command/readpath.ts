/** Builds the read path: authentication, authorization, API, health, server. */
import { createDiscovery } from '../api/discovery.ts';
import { createOpenApi } from '../api/openapi/openapi.ts';
import type { ClientMetrics } from '../client/clientmetrics.ts';
import type { ApiServer } from '../client/apiserver.ts';
import type { RestClient } from '../client/rest.ts';
import type { Clock } from '../clock.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { Logger } from '../logging.ts';
import type { Registry } from '../monitoring.ts';
import { curveList } from '../options/curves.ts';
import type { Options } from '../options/flags.ts';
import { scrapesKubelets } from '../options/validate.ts';
import { createConnections } from '../server/connectionmetrics.ts';
import { createInFlightLimit } from '../server/inflight.ts';
import { createOpenApiHandlers } from '../server/openapihandler.ts';
import { createRouter, type Router } from '../server/paths.ts';
import { createRequestMetrics } from '../server/requestmetrics.ts';
import { createServer, type Server } from '../server/server.ts';
import { writeDeadlineMs } from '../server/waitinglimits.ts';
import { cipherList, cipherWarnings } from '../tls/ciphers.ts';
import { version } from '../version.ts';
import { type ApiGroups, createApiGroups } from './apigroups.ts';
import { type Auth, createAuth } from './auth.ts';
import type { CustomMetrics } from './custommetrics.ts';
import { failsAs } from './failure.ts';
import { createHealthChecks } from './readiness.ts';
import { createResourceMetrics } from './resourcemetrics.ts';
import type { ResourceMetrics } from './resourcereaders.ts';
import { createStatus, refusalNotes } from './statusreport.ts';
import { type CaBundles, createCaBundles } from './cabundles.ts';
import type { PodClaim } from './podclaim.ts';
import type { ServerPod } from './serverpod.ts';
import type { WritePath } from './writepath.ts';

export interface ReadPathOptions {
  readonly options: Options;
  readonly apiServer: ApiServer;
  readonly rest: RestClient;
  readonly clientMetrics: ClientMetrics;
  readonly resolver: Resolver;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly writePath: WritePath;
  /** Undefined without a source of them. */
  readonly customMetrics: CustomMetrics | undefined;
  /** The pod that this process runs in; undefined elsewhere. */
  readonly pod: ServerPod | undefined;
  /** Whether this process is the one of its pod that publishes; undefined outside of a pod and with --tls-cert-file. */
  readonly claim: PodClaim | undefined;
  readonly shutdown: AbortSignal;
  readonly disposables: AsyncDisposableStack;
}

export interface ReadPath {
  readonly auth: Auth;
  /** Undefined unless this pod has a root certificate of its own. */
  readonly caBundles: CaBundles | undefined;
  readonly server: Server;
}

/** @throws Error where a flag's file cannot be used. */
export async function createReadPath(path: ReadPathOptions): Promise<ReadPath> {
  const { options, apiServer, rest, pod, claim, clientMetrics, resolver, registry, clock, log, disposables } = path;
  const auth = await createAuth({
    options,
    apiServer,
    rest,
    pod,
    keepsFiles: claim?.isHeld() !== false,
    resolve: resolver.resolveFirst,
    metrics: clientMetrics,
    clock,
    log,
    disposables,
  });
  const resources = createResourceMetrics(path.customMetrics?.usage, path);
  const groups = createApiGroups({ ...path, resources: resources.served, values: path.customMetrics?.groups });
  const caBundles = caBundlesOf(path, groups, auth);
  const inFlight = createInFlightLimit(options['max-requests-inflight'], (isStranger) =>
    auth.refusals.refused({ code: isStranger ? 'TooManyAnonymousRequests' : 'TooManyRequests', reason: 'no room' }),
  );
  for (const warning of cipherWarnings(options['tls-cipher-suites'])) log.warn({ code: 'InsecureCipher' }, warning);
  const tlsCiphers = await failsAs('InvalidFlagValue', () => cipherList(options['tls-cipher-suites']));
  const create = () =>
    createServer({
      bindAddress: options['bind-address'],
      port: options['secure-port'],
      tlsMinVersion: options['tls-min-version'] === 'VersionTLS13' ? 'TLSv1.3' : 'TLSv1.2',
      tlsCiphers,
      tlsCurves: curveList(options['tls-curve-preferences']),
      http2: !options['disable-http2-serving'],
      goawayChance: options['goaway-chance'],
      maxConnectionAgeMs: options['max-connection-age'],
      shutdownSendRetryAfter: options['shutdown-send-retry-after'],
      tls: auth.tls(),
      requestTimeoutMs: options['request-timeout'],
      inFlight,
      connections: createConnections(registry, options['max-connections-per-address'], log),
      writeDeadlineMs,
      metrics: createRequestMetrics(registry, inFlight.count, groups.served),
      authenticator: auth.authenticator,
      authorizer: auth.authorizer,
      trustKnown: auth.trustKnown,
      router: routerOf(path, { groups, resources, auth, caBundles }),
      log,
    });
  const server = await failsAs('ServingCertificateUnusable', create);
  auth.onTlsChange(server.setTls);
  return { auth, caBundles, server };
}

function caBundlesOf(path: ReadPathOptions, { discovered }: ApiGroups, { root }: Auth): CaBundles | undefined {
  const { pod, claim, rest, writePath, registry, clock, log } = path;
  if (pod === undefined || claim === undefined || root === undefined) return undefined;
  const { pods, kubeletIdentity } = writePath;
  const isSeparate = () => kubeletIdentity.isSeparate();
  const apiServices = discovered.flatMap(({ name, versions }) => versions.map((version) => `${version}.${name}`));
  return createCaBundles({ apiServices, pod, claim, root, rest, pods, isSeparate, registry, clock, log });
}

interface Routed {
  readonly groups: ApiGroups;
  readonly resources: ResourceMetrics;
  readonly auth: Auth;
  readonly caBundles: CaBundles | undefined;
}

function routerOf(path: ReadPathOptions, { groups, resources, auth, caBundles }: Routed): Router {
  const { options, writePath, registry, clock, shutdown } = path;
  const { nodes, pods, kubeletMetrics, admission, scraper, pinning, stalenessMs, kubeletIdentity } = writePath;
  const resolutionMs = options['metric-resolution'];
  const info = { title: 'kubegauge', version: `v${version}` };
  return createRouter({
    discovery: createDiscovery(`:${options['secure-port']}`, groups.discovered),
    openApi: createOpenApiHandlers(createOpenApi(info, groups.openApi), clock.wallMs),
    groups: groups.served,
    health: createHealthChecks({
      clock,
      resolutionMs,
      nodesSyncedMs: nodes.syncedMs,
      podsSynced: pods.synced,
      trustKnown: auth.trustKnown,
      certificateProblem: caBundles?.problem,
      isWarm: () =>
        resources.isWarm() && (kubeletMetrics?.store.isWarm() ?? true) && (path.customMetrics?.isWarm() ?? true),
      isFresh: scraper.isFresh,
      sinceLastTickMs: scraper.sinceLastTickMs,
      stopping: () => shutdown.aborted,
    }),
    readyNotes: () => refusalNotes(auth.refusals),
    registry,
    status: createStatus({
      statuses: scraper.statuses,
      pod: path.pod?.owner,
      resourceMetrics: { source: resources.source, scrapesKubelets: scrapesKubelets(options) },
      usage: resources,
      podCounts: admission.counts,
      refusals: auth.refusals,
      kubeletIdentity: kubeletIdentity.report,
      caBundles: caBundles?.reports,
      metricRules: path.customMetrics?.reports,
      pinNote: pinning.note,
      resolutionMs,
      stalenessMs,
      clock,
    }),
  });
}
