/** The composition root: builds the modules by rank, runs their loops, and shuts down. */
import { whenAborted } from '../abort.ts';
import { createClientMetrics } from '../client/clientmetrics.ts';
import type { OnRequest } from '../client/requestoutcome.ts';
import { createRestClient } from '../client/rest.ts';
import { createServerClock } from '../client/serverclock.ts';
import { systemClock as clock } from '../clock.ts';
import { replaceLookup } from '../dns/lookup.ts';
import { systemResolver } from '../dns/systemresolver.ts';
import type { Logger } from '../logging.ts';
import { createRegistry } from '../monitoring.ts';
import type { Options } from '../options/flags.ts';
import { version } from '../version.ts';
import { type Environment, findApiServer } from './apiserver.ts';
import { createCustomMetrics } from './custommetrics.ts';
import { createEventLoopWatch } from './eventloop.ts';
import { failsAs } from './failure.ts';
import { claimPod } from './podclaim.ts';
import { findServerPod } from './serverpod.ts';
import { createReadPath } from './readpath.ts';
import { createWritePath } from './writepath.ts';

/**
 * Serves until the signal aborts, then for --shutdown-delay-duration and until all requests have ended.
 * @throws UsageError without a cluster; Error when the port cannot be had or a loop fails.
 */
export async function run(options: Options, env: Environment, log: Logger, shutdown: AbortSignal): Promise<void> {
  await using disposables = new AsyncDisposableStack();
  const registry = createRegistry();
  const resolver = disposables.use(systemResolver());
  replaceLookup(resolver.resolve);
  const apiServer = await findApiServer(options.kubeconfig ?? options['lister-kubeconfig'], env, log);
  const clientMetrics = createClientMetrics(registry);
  const serverClock = createServerClock(clock);
  const onRequest: OnRequest = (method, host, code, date) => {
    clientMetrics.onRequest(method, host, code);
    serverClock.onDate(date);
  };
  const rest = disposables.use(createRestClient(apiServer, { onRequest, resolve: resolver.resolveFirst }));
  const shared = { options, apiServer, rest, resolver, registry, clock, log, disposables };
  const writePath = createWritePath({ ...shared, serverClock });
  const customMetrics = await createCustomMetrics({ ...shared, env, writePath });
  const eventLoop = createEventLoopWatch(registry, clock);
  const pod = await findServerPod(options, apiServer);
  // As it is in its file now: another process of the pod compares it.
  const ownToken = () => {
    apiServer.refresh?.();
    return apiServer.authorization();
  };
  // With files there is no root to publish.
  const claim =
    pod === undefined || options['tls-cert-file'] !== undefined
      ? undefined
      : disposables.use(await claimPod({ uid: pod.owner.uid, cluster: apiServer.url, secret: ownToken, clock, log }));
  const { auth, caBundles, server } = await createReadPath({
    ...shared,
    pod,
    claim,
    clientMetrics,
    writePath,
    customMetrics,
    shutdown,
  });

  const snapshots = [...writePath.snapshots, ...(customMetrics?.snapshots ?? [])];
  for (const snapshot of snapshots) await snapshot.load();
  await failsAs('PortUnavailable', () => server.listen());
  log.info({ version, port: options['secure-port'], apiServer: apiServer.url }, 'serving');

  // Loops outlive the shutdown signal: requests during the delay get fresh responses.
  const stop = new AbortController();
  const { nodes, pods, scraper, pinning } = writePath;
  // Authentication first: until its ConfigMap is read every request is denied, and the namespace controller waits for discovery.
  const loops = Promise.all([
    ...[auth, nodes, pods, scraper, ...snapshots, pinning, eventLoop].map((loop) => loop.run(stop.signal)),
    customMetrics?.run(stop.signal),
    // A server that stops writes nothing to the API any more.
    caBundles?.run(AbortSignal.any([shutdown, stop.signal])),
  ]);
  try {
    // Loops end only when stopped. If one fails, this ends with its error.
    await Promise.race([loops, whenAborted(shutdown)]);
    await clock.sleep(options['shutdown-delay-duration']);
  } finally {
    await server.close();
    stop.abort(new Error('the server stops'));
    await loops;
  }
  log.info({}, 'stopped');
}
