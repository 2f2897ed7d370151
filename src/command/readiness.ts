/** The health checks of liveness and readiness. */
import type { Clock } from '../clock.ts';
import type { CodedText } from '../messagecodes.ts';
import type { HealthCheck, HealthChecks } from '../server/health.ts';

export interface Vitals {
  readonly clock: Clock;
  readonly resolutionMs: number;
  /** When the nodes were known, monotonic, in milliseconds; undefined before. */
  readonly nodesSyncedMs: () => number | undefined;
  readonly podsSynced: () => boolean;
  /** Until the clients' CAs are known, only health paths are served. */
  readonly trustKnown: () => boolean;
  /** Why kube-apiserver does not accept our certificate yet; undefined without a root certificate of our own. */
  readonly certificateProblem: (() => CodedText | undefined) | undefined;
  readonly isWarm: () => boolean;
  /** Whether each node was scraped since the start, or had its time: a snapshot is older than what other replicas serve. */
  readonly isFresh: () => boolean;
  readonly sinceLastTickMs: () => number;
  readonly stopping: () => boolean;
}

/**
 * So long after the nodes are known the server is ready without usage: a cluster may have none, and an unready server takes discovery away,
 * which blocks the deletion of namespaces. Nor does data lost later make it unready.
 */
export const readyWithoutUsageMs = 60_000;

/** A scrape loop ticks every half second; so many resolutions without a tick mean that it is stuck. */
const stuckAfterResolutions = 1.5;

/** Names and order are metrics-server's, on which alerts and tests of users rely. */
export function createHealthChecks(vitals: Vitals): HealthChecks {
  const { clock } = vitals;
  const always = (name: string): HealthCheck => ({ name, problem: () => undefined });
  const basic = [
    always('ping'),
    always('log'),
    always('poststarthook/max-in-flight-filter'),
    always('poststarthook/storage-object-count-tracker-hook'),
  ];
  const timely: HealthCheck = {
    name: 'metric-collection-timely',
    problem: () =>
      vitals.sinceLastTickMs() > stuckAfterResolutions * vitals.resolutionMs
        ? { code: 'ScrapesStuck', text: "metric collection didn't finish on time" }
        : undefined,
  };
  // An outage of kube-apiserver must not restart the pod, so only readiness depends on it.
  const alive = always('metadata-informer-sync');
  const storage: HealthCheck = {
    name: 'metric-storage-ready',
    problem: () => {
      if (!vitals.isFresh())
        return { code: 'NodesNotScraped', text: 'not every node has been scraped since the start' };
      // Before the nodes are known, nothing can be scraped.
      const waitedMs = clock.monotonicMs() - (vitals.nodesSyncedMs() ?? Infinity);
      if (vitals.isWarm() || waitedMs >= readyWithoutUsageMs) return undefined;
      return { code: 'NoUsageYet', text: 'no metrics to serve' };
    },
  };
  const nodes: HealthCheck = {
    name: 'metric-informer-sync',
    problem: () =>
      vitals.nodesSyncedMs() === undefined
        ? { code: 'NodesNotListed', text: 'cache for node informer has not synced' }
        : undefined,
  };
  const pods: HealthCheck = {
    name: 'metadata-informer-sync',
    problem: () => {
      if (!vitals.podsSynced()) return { code: 'PodsNotListed', text: 'cache for pod informer has not synced' };
      if (vitals.trustKnown()) return undefined;
      return { code: 'ClientCasUnknown', text: 'the authentication ConfigMap was not read yet' };
    },
  };
  const shutdown: HealthCheck = {
    name: 'shutdown',
    problem: () => (vitals.stopping() ? { code: 'ShuttingDown', text: 'process is shutting down' } : undefined),
  };
  const { certificateProblem } = vitals;
  const certificate = certificateProblem && { name: 'serving-certificate-trusted', problem: certificateProblem };
  return {
    '/healthz': [...basic, alive],
    '/livez': [...basic, timely, alive],
    '/readyz': [...basic, storage, nodes, pods, ...(certificate === undefined ? [] : [certificate]), shutdown],
  };
}
