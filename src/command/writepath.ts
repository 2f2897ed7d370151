/** Builds the write path: nodes and pods, the scraper, the store, and its snapshot. */
import type { ApiServer } from '../client/apiserver.ts';
import type { RestClient } from '../client/rest.ts';
import type { ServerClock } from '../client/serverclock.ts';
import type { Clock } from '../clock.ts';
import { createNodes, type NodeLister } from '../cluster/nodes.ts';
import { createPods, type PodLister, type Pods } from '../cluster/pods.ts';
import type { Resolver } from '../dns/resolver.ts';
import type { Logger } from '../logging.ts';
import type { Registry } from '../monitoring.ts';
import type { Options } from '../options/flags.ts';
import { scrapesKubelets } from '../options/validate.ts';
import { createHistory, type History } from '../history/history.ts';
import { createScrapeMetrics } from '../scrape/report/scrapemetrics.ts';
import { createScraper, type Scraper } from '../scrape/scraper.ts';
import type { SourceMode } from '../scrape/source/target.ts';
import { type Admission, createAdmission } from '../storage/admission.ts';
import { defaultStalenessMs } from '../storage/lastusage.ts';
import { createStorage, type Storage } from '../storage/storage.ts';
import { createExpectations } from './expectations.ts';
import { createKubeletMetrics, type KubeletMetrics } from './kubeletmetrics.ts';
import type { KubeletIdentity } from './kubeletidentity.ts';
import { createKubelets } from './kubelets.ts';
import type { Pinning } from './pinning.ts';
import { createNodeStateMetrics, createStorageMetrics } from './processmetrics.ts';
import { createSnapshotKeeper, historyLimitBytes, type SnapshotAddition, type SnapshotKeeper } from './snapshotfile.ts';
import { createForeignPodWatch, createImplausibleWatch } from './unserved.ts';

export interface WritePathOptions {
  readonly options: Options;
  readonly apiServer: ApiServer;
  readonly rest: RestClient;
  readonly serverClock: Pick<ServerClock, 'aheadMs'>;
  readonly resolver: Resolver;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly disposables: AsyncDisposableStack;
}

export interface WritePath {
  readonly nodes: ReturnType<typeof createNodes>;
  readonly pods: ReturnType<typeof createPods>;
  readonly storage: Storage;
  /** Undefined with --history=0 and --resource-metrics=prometheus. */
  readonly history: History | undefined;
  readonly admission: Admission;
  readonly scraper: Scraper;
  /** Of the store, and of the history. */
  readonly snapshots: readonly SnapshotKeeper[];
  /** Undefined unless --custom-metrics=kubelet. */
  readonly kubeletMetrics: KubeletMetrics | undefined;
  readonly pinning: Pinning;
  readonly stalenessMs: number;
  /** Nothing may be written to the cluster unless it is separate. */
  readonly kubeletIdentity: KubeletIdentity;
}

export function createWritePath(path: WritePathOptions): WritePath {
  const { options, apiServer, rest, serverClock, resolver, registry, clock, log, disposables } = path;
  const resolutionMs = options['metric-resolution'];
  if (options['disable-fast-path']) log.warn({ code: 'FastPathsOff' }, 'every fast path is off (--disable-fast-path)');
  const stalenessMs = options['metrics-staleness'] ?? defaultStalenessMs(resolutionMs);
  const nodes = createNodes({ rest, clock, log, selector: options['node-selector'] });
  const pods = createPods({ rest, clock, log });
  const storage = createStoredUsages(path, nodes, pods, stalenessMs);
  const history = historyOf(options, pods, clock);
  const { admission, foreignPods } = createWatchedAdmission(path, pods, storage);
  pods.onNodeChange(admission.changed);
  const scrapeMetrics = createScrapeMetrics(registry, resolutionMs);
  const kubelets = createKubelets({ options, apiServer, rest, nodes, resolver, clock, metrics: scrapeMetrics, log });
  disposables.use(kubelets.readers);
  const bringForward = (node: string) => scraper.bringForward(node);
  const kubeletMetrics = createKubeletMetrics({ ...path, nodes, pods, bringForward, stalenessMs });
  const snapshot = createSnapshotKeeper({
    path: scrapesKubelets(options) ? options['snapshot-path'] : undefined,
    storage,
    addition: kubeletMetrics?.snapshot,
    nodes,
    intervalMs: resolutionMs,
    longestPauseMs: stalenessMs,
    clock,
    log,
  });
  const historySnapshot = history && createHistorySnapshot(path, history, nodes);
  const scraper: Scraper = (scrapesKubelets(options) ? createScraper : createIdleScraper)({
    nodes,
    addressOf: kubelets.addressOf,
    readers: kubelets.readers,
    mode: options['metrics-source'] as SourceMode,
    wanted: kubeletMetrics?.wanted,
    expectations: createExpectations({ pods, usage: storage, clock }),
    store: {
      store(batch, clockAheadMs, times, series) {
        const admitted = admission.admit(batch, clockAheadMs - serverClock.aheadMs());
        const stored = storage.store(admitted, times);
        history?.scraped(batch.node, batch.source, () => storage.currentSamples(batch.node));
        kubeletMetrics?.store.store({ batch: admitted, series, ...stored });
        return stored;
      },
      forget(node) {
        kubeletMetrics?.store.forget(node);
        storage.forget(node);
        history?.forget(node);
        admission.forget(node);
        foreignPods.forget(node);
      },
      keepOnly(node, uid) {
        storage.keepOnly(node, uid);
        history?.keepOnly(node, uid);
        kubeletMetrics?.store.keepOnly(node, uid);
      },
    },
    resolutionMs,
    clock,
    metrics: scrapeMetrics,
    log,
  });
  createNodeStateMetrics(registry, scraper.statuses);
  return {
    nodes,
    pods,
    storage,
    history,
    admission,
    scraper,
    snapshots: [snapshot, ...(historySnapshot === undefined ? [] : [historySnapshot])],
    kubeletMetrics,
    pinning: kubelets.pinning,
    stalenessMs,
    kubeletIdentity: kubelets.identity,
  };
}

/** Scrapes nothing: all that is served comes from elsewhere. */
function createIdleScraper(): Scraper {
  return {
    run: () => Promise.resolve(),
    sinceLastTickMs: () => 0,
    isFresh: () => true,
    statuses: () => [],
    troubleOf: () => undefined,
    bringForward: () => undefined,
  };
}

/** Creates the admission, and the watch that reports pods which it refuses. */
function createWatchedAdmission(
  { options, registry, clock, log }: WritePathOptions,
  pods: Pick<PodLister, 'get'>,
  bindings: Storage,
): { readonly admission: Admission; readonly foreignPods: ReturnType<typeof createForeignPodWatch> } {
  const foreignPods = createForeignPodWatch({ registry, clock, log });
  const admission = createAdmission({
    knownPod: pods.get,
    bindings,
    fastPath: !options['disable-fast-path'],
    onForeign: (node, count, { namespace, name }) => foreignPods.foreign(node, count, `${namespace}/${name}`),
    onConflict: (node, count, { namespace, name }) => foreignPods.disputed(node, count, `${namespace}/${name}`),
  });
  return { admission, foreignPods };
}

/** A file of its own: it is written less often, and a problem of one costs the other nothing. */
function createHistorySnapshot(
  { options, clock, log }: WritePathOptions,
  history: History,
  nodes: NodeLister,
): SnapshotKeeper {
  const { history: durationMs, 'snapshot-path': path } = options;
  const addition: SnapshotAddition = {
    *saved(limitBytes) {
      for (const name of nodes.synced() ? [...history.nodeNames()] : []) {
        if (nodes.get(name) === undefined) history.forget(name);
      }
      yield* history.saved(limitBytes);
    },
    restore: history.restore,
    forget: history.forget,
  };
  return createSnapshotKeeper({
    path: path === undefined ? undefined : `${path}.history`,
    storage: undefined,
    addition,
    nodes,
    intervalMs: historyEveryMs,
    longestPauseMs: historyEveryMs,
    limitBytes: historyLimitBytes,
    oldestMs: durationMs,
    clock,
    log,
  });
}

/** A container that is killed loses the points of so long; one that ends, none. */
const historyEveryMs = 5 * 60_000;

function historyOf(options: Options, pods: Pick<Pods, 'get' | 'synced'>, clock: Clock): History | undefined {
  const durationMs = options.history;
  if (durationMs === 0 || options['resource-metrics'] === 'prometheus') return undefined;
  return createHistory({
    clock,
    durationMs,
    exists(node, { namespace, name, uid }) {
      // After a restart the kubelet may be there before kube-apiserver is.
      if (!pods.synced()) return true;
      const pod = pods.get(namespace, name);
      return pod?.node === node && (pod.uid === uid || pod.configHash === uid);
    },
  });
}

function createStoredUsages(
  { options, registry, clock, log }: WritePathOptions,
  nodes: NodeLister,
  pods: Pick<Pods, 'hasEnded'>,
  stalenessMs: number,
): Storage {
  const storage = createStorage({
    clock,
    resolutionMs: options['metric-resolution'],
    stalenessMs,
    capacityCores: (node) => nodes.get(node)?.capacityCores,
    capacityMemoryBytes: (node) => nodes.get(node)?.capacityMemoryBytes,
    nodeUid: (node) => nodes.get(node)?.uid,
    hasEnded: pods.hasEnded,
    onImplausible: createImplausibleWatch({ registry, clock, log }),
    fastPath: !options['disable-fast-path'],
  });
  createStorageMetrics(registry, storage);
  return storage;
}
