/** The named health checks: what must be true for us to be alive, and what to be sent requests. */
import type { Clock } from '../clock.ts';
import type { HealthCheck, HealthChecks } from '../server/health.ts';

/** What the checks look at. */
export interface Vitals {
  readonly clock: Clock;
  /** Distance of two scrapes of a node in milliseconds. */
  readonly resolutionMs: number;
  readonly nodesSynced: () => boolean;
  readonly podsSynced: () => boolean;
  /** Whether it is known whom to trust; until then nothing but health is answered. */
  readonly trustKnown: () => boolean;
  /** Whether any usage was ever there. */
  readonly hasUsage: () => boolean;
  /** Milliseconds since the scrape loop last turned. */
  readonly sinceLastTickMs: () => number;
  /** Whether SIGTERM came. */
  readonly stopping: () => boolean;
}

/**
 * A cluster may have nothing to measure, and being unready for that would take discovery away and block the deletion of namespaces:
 * after this long without any usage we are ready all the same. For the same reason data that is lost later never makes us unready.
 */
export const patienceMs = 60_000;

/** A loop that wakes up every half second and did not for so long is stuck. */
const stuckAfterResolutions = 1.5;

/** The names and their order are those of metrics-server, whose users' alerts and tests know them. */
export function createHealthChecks(vitals: Vitals): HealthChecks {
  const { clock } = vitals;
  const startedMs = clock.monotonicMs();
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
        ? "metric collection didn't finish on time"
        : undefined,
  };
  // An API server that is away must not get us killed, so only readiness waits for it.
  const alive = always('metadata-informer-sync');
  const storage: HealthCheck = {
    name: 'metric-storage-ready',
    problem: () =>
      vitals.hasUsage() || clock.monotonicMs() - startedMs >= patienceMs ? undefined : 'no metrics to serve',
  };
  const nodes: HealthCheck = {
    name: 'metric-informer-sync',
    problem: () => (vitals.nodesSynced() ? undefined : 'cache for node informer has not synced'),
  };
  const pods: HealthCheck = {
    name: 'metadata-informer-sync',
    problem: () => {
      if (!vitals.podsSynced()) return 'cache for pod informer has not synced';
      return vitals.trustKnown() ? undefined : 'the authentication ConfigMap was not read yet';
    },
  };
  const shutdown: HealthCheck = {
    name: 'shutdown',
    problem: () => (vitals.stopping() ? 'process is shutting down' : undefined),
  };
  return {
    '/healthz': [...basic, alive],
    '/livez': [...basic, timely, alive],
    '/readyz': [...basic, storage, nodes, pods, shutdown],
  };
}
