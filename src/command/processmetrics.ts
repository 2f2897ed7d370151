/** Metrics of the store, of served ages (metrics-server's names), and of node states. */
import { Gauge } from 'prom-client';
import type { ServedResource } from '../api/resource.ts';
import type { MetricsItem, MetricsList, Slices } from '../api/types.ts';
import type { Clock } from '../clock.ts';
import { createQuickHistogram, type Registry } from '../monitoring.ts';
import type { NodeStatus } from '../scrape/report/nodestatus.ts';
import type { Storage } from '../storage/storage.ts';

export function createStorageMetrics(registry: Registry, storage: Pick<Storage, 'counts'>): void {
  // prom-client keeps it in the registry and calls collect only for a scrape of /metrics.
  new Gauge({
    name: 'metrics_server_storage_points',
    help: 'Number of metrics points stored.',
    labelNames: ['type'],
    registers: [registry],
    collect() {
      const { nodes, containers } = storage.counts();
      this.set({ type: 'node' }, nodes);
      this.set({ type: 'container' }, containers);
    },
  });
}

/** Counts by state, so that degraded nodes show without a series per node. */
export function createNodeStateMetrics(registry: Registry, statuses: () => readonly NodeStatus[]): void {
  new Gauge({
    name: 'kubegauge_nodes',
    help: 'Number of Ready nodes by how their last scrape ended.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const ready = statuses().filter((status) => status.ready);
      for (const state of ['waiting', 'scraped', 'failing'] as const) {
        this.set({ state }, ready.filter((status) => status.state === state).length);
      }
    },
  });
}

/** metrics-server's buckets: 1 s, each 1.364 times the previous one, to six minutes. */
const ageBuckets = Array.from({ length: 20 }, (_, index) => 1.364 ** index);

/** Wraps readers to observe the age of every returned object. */
export function createFreshnessMetrics(
  registry: Registry,
  clock: Clock,
): (served: readonly ServedResource[]) => readonly ServedResource[] {
  const freshness = createQuickHistogram(registry, {
    name: 'metrics_server_api_metric_freshness_seconds',
    help: 'Age of the metrics that are served.',
    buckets: ageBuckets,
  });
  return (served) => served.map(({ resource, reader }) => ({ resource, reader: observed(reader) }));

  function observed({ list, get }: ServedResource['reader']): ServedResource['reader'] {
    return {
      list(selection, request) {
        // First: an invalid selection must be rejected at the request.
        const found = list(selection, request);
        // Points of the past are not what is served of now.
        if (selection?.history !== undefined) return found;
        return found instanceof Promise ? found.then(observedList) : observedList(found);
      },
      get(namespace, name, request) {
        const found = get(namespace, name, request);
        return found instanceof Promise ? found.then(observedItem) : observedItem(found);
      },
    };
  }

  function observedList({ slices, ...rest }: MetricsList): MetricsList {
    return { ...rest, slices: { [Symbol.iterator]: () => observedSlices(slices) } };
  }

  function observedItem(item: MetricsItem): MetricsItem {
    observe(item, clock.wallMs());
    return item;
  }

  /** Observes slices when taken, which may be later than the request. */
  function* observedSlices(slices: Slices<MetricsItem>): Generator<readonly MetricsItem[], void, void> {
    for (const slice of slices) {
      const nowMs = clock.wallMs();
      for (const item of slice) observe(item, nowMs);
      yield slice;
    }
  }

  function observe({ timestampMs }: MetricsItem, nowMs: number): void {
    freshness.observe((nowMs - timestampMs) / 1000);
  }
}
