/** How much is stored and how old it is when it is served, told under metrics-server's names. */
import { Gauge } from 'prom-client';
import type { NodesApi } from '../api/nodes.ts';
import type { PodsApi } from '../api/pods.ts';
import type { Slices } from '../api/types.ts';
import type { Clock } from '../clock.ts';
import { createQuickHistogram, type Registry } from '../monitoring.ts';
import type { NodeStatus } from '../scrape/report/nodestatus.ts';
import type { Storage } from '../storage/storage.ts';

export function createStorageMetrics(registry: Registry, storage: Pick<Storage, 'counts'>): void {
  // prom-client keeps it in the registry; counted only when somebody asks.
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

/** How many Ready nodes are in which state; what is degraded shows here without a line per node. */
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

/** metrics-server's: from a second, each 1.364 times the one before, to six minutes. */
const ageBuckets = Array.from({ length: 20 }, (_, index) => 1.364 ** index);

/** Wraps what answers requests, so that the age of all it hands out is observed. */
export function createFreshnessMetrics(
  registry: Registry,
  clock: Clock,
): { nodes(api: NodesApi): NodesApi; pods(api: PodsApi): PodsApi } {
  const freshness = createQuickHistogram(registry, {
    name: 'metrics_server_api_metric_freshness_seconds',
    help: 'Age of the metrics that are served.',
    buckets: ageBuckets,
  });
  return {
    nodes: ({ list, get }) => ({
      list: (options) => observeAll(list(options)),
      get: (name) => observe(get(name), clock.wallMs()),
    }),
    pods: ({ list, get }) => ({
      list: (options) => observeAll(list(options)),
      get: (namespace, name) => observe(get(namespace, name), clock.wallMs()),
    }),
  };

  function observeAll<T extends Aged, L extends { readonly slices: Slices<T> }>(list: L): L {
    return { ...list, slices: { [Symbol.iterator]: () => observed(list.slices) } };
  }

  /** As they are handed out, which may be later than they were asked for. */
  function* observed<T extends Aged>(slices: Slices<T>): Generator<readonly T[], void, void> {
    for (const slice of slices) {
      const nowMs = clock.wallMs();
      for (const item of slice) observe(item, nowMs);
      yield slice;
    }
  }

  function observe<T extends Aged>(item: T, nowMs: number): T {
    freshness.observe((nowMs - item.timestampMs) / 1000);
    return item;
  }
}

interface Aged {
  readonly timestampMs: number;
}
