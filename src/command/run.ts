/** The composition root: builds every room in the order of its rank, runs their loops, and unwinds on shutdown. */
import type { TableCells } from '../api/cells.ts';
import { createDiscovery } from '../api/discovery.ts';
import { createOpenApi } from '../api/openapi/openapi.ts';
import { serveResources } from '../api/resources.ts';
import { createClientMetrics, type OnRequest } from '../client/clientmetrics.ts';
import { createRestClient } from '../client/rest.ts';
import { createServerClock } from '../client/serverclock.ts';
import { systemClock as clock } from '../clock.ts';
import { createNodes } from '../cluster/nodes.ts';
import { createPods } from '../cluster/pods.ts';
import { replaceLookup } from '../dns/lookup.ts';
import { systemResolver } from '../dns/resolver.ts';
import type { Logger } from '../logging.ts';
import { createRegistry } from '../monitoring.ts';
import { curveList } from '../options/curves.ts';
import type { Options } from '../options/flags.ts';
import { createScrapeMetrics } from '../scrape/report/scrapemetrics.ts';
import { createScraper } from '../scrape/scraper.ts';
import type { SourceMode } from '../scrape/source/target.ts';
import { createConnections } from '../server/connectionmetrics.ts';
import { createRouter } from '../server/paths.ts';
import { createInFlight } from '../server/inflight.ts';
import { createOpenApiHandlers } from '../server/openapihandler.ts';
import { createResourceRoutes } from '../server/resources.ts';
import { createRequestMetrics } from '../server/requestmetrics.ts';
import { createServer } from '../server/server.ts';
import { writeDeadlineMs } from '../server/waitinglimits.ts';
import { createAdmission } from '../storage/admission.ts';
import { defaultStalenessMs } from '../storage/lastusage.ts';
import { createStorage } from '../storage/storage.ts';
import { cipherList, cipherWarnings } from '../tls/ciphers.ts';
import { version } from '../version.ts';
import { type Environment, findApiServer } from './apiserver.ts';
import { createAuth } from './auth.ts';
import { createEventLoopWatch } from './eventloop.ts';
import { createExpectations } from './expectations.ts';
import { createForeignPodWatch } from './foreignpods.ts';
import { createImplausibleWatch } from './implausible.ts';
import { createKubelets } from './kubelets.ts';
import { createFreshnessMetrics, createNodeStateMetrics, createStorageMetrics } from './processmetrics.ts';
import { createHealthChecks } from './readiness.ts';
import { createSnapshotKeeper } from './snapshotfile.ts';
import { createStatus, refusalNotes } from './statussources.ts';

/**
 * Serves until the signal aborts, then as long as --shutdown-delay-duration and until all requests have ended.
 * @throws UsageError when there is no cluster to talk to; Error when the port cannot be had or a loop breaks.
 */
export async function run(options: Options, env: Environment, log: Logger, shutdown: AbortSignal): Promise<void> {
  await using rooms = new AsyncDisposableStack();
  const resolutionMs = options['metric-resolution'];
  const registry = createRegistry();

  const resolver = rooms.use(systemResolver());
  replaceLookup(resolver.resolve);
  const apiServer = await findApiServer(options.kubeconfig, env, log);
  const clientMetrics = createClientMetrics(registry);
  const serverClock = createServerClock(clock);
  const onRequest: OnRequest = (method, host, code, date) => {
    clientMetrics.onRequest(method, host, code);
    serverClock.onDate(date);
  };
  const rest = rooms.use(createRestClient(apiServer, { onRequest, resolve: resolver.resolveFirst }));
  const nodes = createNodes({ rest, clock, log, selector: options['node-selector'] });
  const pods = createPods({ rest, clock, log });
  const stalenessMs = options['metrics-staleness'] ?? defaultStalenessMs(resolutionMs);
  const storage = createStorage({
    clock,
    resolutionMs,
    stalenessMs,
    capacityCores: (node) => nodes.get(node)?.capacityCores,
    nodeUid: (node) => nodes.get(node)?.uid,
    onImplausible: createImplausibleWatch(registry, clock, log),
  });
  createStorageMetrics(registry, storage);
  const snapshot = createSnapshotKeeper({
    path: options['snapshot-path'],
    storage,
    nodes,
    intervalMs: resolutionMs,
    longestPauseMs: stalenessMs,
    clock,
    log,
  });

  const foreignPods = createForeignPodWatch(registry, clock, log);
  const admission = createAdmission({
    knownPod: pods.get,
    bindings: storage,
    onForeign: (node, count, { namespace, name }) => foreignPods.foreign(node, count, `${namespace}/${name}`),
    onConflict: (node, count, { namespace, name }) => foreignPods.disputed(node, count, `${namespace}/${name}`),
  });
  pods.onNodeChange(admission.changed);
  const scrapeMetrics = createScrapeMetrics(registry, resolutionMs);
  const kubelets = createKubelets({ options, apiServer, resolver, clock, metrics: scrapeMetrics, log });
  rooms.use(kubelets.readers);
  const scraper = createScraper({
    nodes,
    addressOf: kubelets.addressOf,
    readers: kubelets.readers,
    mode: options['metrics-source'] as SourceMode,
    expectations: createExpectations({ pods, usage: storage, clock }),
    store: {
      store: (batch, clockAheadMs, step) =>
        storage.store(admission.admit(batch, clockAheadMs - serverClock.aheadMs()), step),
      forget(node) {
        storage.forget(node);
        admission.forget(node);
        foreignPods.forget(node);
      },
      keepOnly: storage.keepOnly,
    },
    resolutionMs,
    clock,
    metrics: scrapeMetrics,
    log,
  });

  createNodeStateMetrics(registry, scraper.statuses);
  const eventLoop = createEventLoopWatch(registry, clock);

  const auth = await createAuth({
    options,
    apiServer,
    rest,
    resolve: resolver.resolveFirst,
    metrics: clientMetrics,
    clock,
    log,
    rooms,
  });
  const inFlight = createInFlight(options['max-requests-inflight'], (isStranger) =>
    auth.refusals.refused({ cause: isStranger ? 'anonymous-in-flight' : 'in-flight', reason: 'no room' }),
  );
  const observe = createFreshnessMetrics(registry, clock);
  for (const warning of cipherWarnings(options['tls-cipher-suites'])) log.warn({}, warning);
  const server = await createServer({
    bindAddress: options['bind-address'],
    port: options['secure-port'],
    tlsMinVersion: options['tls-min-version'] === 'VersionTLS13' ? 'TLSv1.3' : 'TLSv1.2',
    tlsCiphers: cipherList(options['tls-cipher-suites']),
    tlsCurves: curveList(options['tls-curve-preferences']),
    http2: !options['disable-http2-serving'],
    goawayChance: options['goaway-chance'],
    shutdownSendRetryAfter: options['shutdown-send-retry-after'],
    tls: auth.tls(),
    requestTimeoutMs: options['request-timeout'],
    inFlight,
    connections: createConnections(registry, options['max-connections-per-address'], log),
    writeDeadlineMs,
    metrics: createRequestMetrics(registry, inFlight.count),
    authenticator: auth.authenticator,
    authorizer: auth.authorizer,
    trustKnown: auth.trustKnown,
    router: createRouter({
      discovery: createDiscovery(`:${options['secure-port']}`),
      openApi: createOpenApiHandlers(createOpenApi({ title: 'kubegauge', version: `v${version}` }), clock.wallMs),
      resources: createResourceRoutes(
        observe(serveResources({ nodes, pods, usage: storage, troubleOf: scraper.troubleOf, now: clock.wallMs })),
        { cells: options['table-cells'] as TableCells, fastPath: true },
      ),
      health: createHealthChecks({
        clock,
        resolutionMs,
        nodesSynced: nodes.synced,
        podsSynced: pods.synced,
        trustKnown: auth.trustKnown,
        hasUsage: storage.hasUsage,
        sinceLastTickMs: scraper.sinceLastTickMs,
        stopping: () => shutdown.aborted,
      }),
      readyNotes: () => refusalNotes(auth.refusals),
      registry,
      status: createStatus({
        statuses: scraper.statuses,
        usage: storage,
        podCounts: admission.counts,
        refusals: auth.refusals,
        resolutionMs,
        stalenessMs,
        clock,
      }),
    }),
    log,
  });
  auth.onTlsChange(server.setTls);

  await snapshot.load();
  await server.listen();
  log.info({ version, port: options['secure-port'], apiServer: apiServer.url }, 'serving');

  // The loops outlive the shutdown signal: whoever still asks during the delay gets fresh answers.
  const stop = new AbortController();
  // First of all, who may ask: until that is known nobody is answered, and the namespace controller waits for discovery.
  const loops = Promise.all([auth, nodes, pods, scraper, snapshot, eventLoop].map((loop) => loop.run(stop.signal)));
  try {
    // Loops only end when told to; if one breaks, this ends with its error.
    await Promise.race([loops, aborted(shutdown)]);
    await clock.sleep(options['shutdown-delay-duration']);
  } finally {
    await server.close();
    stop.abort(new Error('the server stops'));
    await loops;
  }
  log.info({}, 'stopped');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
