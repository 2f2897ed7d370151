/** Metrics of scrapes: metrics-server's names where the meaning is the same, others under kubegauge_. */
import { Counter, Gauge } from 'prom-client';
import { createLabelledHistogram, createQuickHistogram, type QuickHistogram, type Registry } from '../../monitoring.ts';
import type { Source } from '../../sample/point.ts';

export interface ScrapeMetrics {
  observe(node: string, success: boolean, seconds: number, wallMs: number): void;
  /** Observes the longest time from a scrape's due time to its end. */
  cycle(seconds: number): void;
  source(node: string, source: Source): void;
  workers(count: number): void;
  remove(node: string): void;
}

const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Nodes with a histogram of their own; the others are only in the total. One is 14 lines: 5,000 nodes are 5.9 MB, which
 * block the event loop for half a second per request of /metrics (measured).
 */
export const nodeHistogramLimit = 250;

export function createScrapeMetrics(registry: Registry, resolutionMs: number): ScrapeMetrics {
  const registers = [registry];
  // Collected on request, like the gauges: setting one takes longer than decoding a small response.
  const ended = { true: 0, false: 0 };
  new Counter({
    name: 'metrics_server_kubelet_request_total',
    help: 'Number of requests to kubelets by success.',
    labelNames: ['success'],
    registers,
    collect() {
      this.reset();
      for (const success of ['true', 'false'] as const) if (ended[success] > 0) this.inc({ success }, ended[success]);
    },
  });
  const duration = createLabelledHistogram(registry, {
    name: 'metrics_server_kubelet_request_duration_seconds',
    help: 'Time to scrape one kubelet.',
    label: 'node',
    buckets: durationBuckets,
  });
  const anyDuration = createQuickHistogram(registry, {
    name: 'kubegauge_kubelet_request_duration_seconds',
    help: 'Time to scrape a kubelet, of all nodes.',
    buckets: durationBuckets,
  });
  const cycles = createQuickHistogram(registry, {
    name: 'metrics_server_manager_tick_duration_seconds',
    help: "The longest time from a node's scheduled scrape to its end, per scrape interval.",
    buckets: cycleBuckets(resolutionMs / 1000),
  });
  const nodes = new Map<string, NodeSeries>();
  new Gauge({
    name: 'metrics_server_kubelet_last_request_time_seconds',
    help: 'When the last request to a kubelet ended, seconds since the epoch.',
    labelNames: ['node'],
    registers,
    collect() {
      this.reset();
      for (const [node, { lastMs }] of nodes) if (lastMs !== undefined) this.set({ node }, lastMs / 1000);
    },
  });
  new Gauge({
    name: 'kubegauge_node_source',
    help: 'The kubelet endpoint that a node is served from: 1 for the one in use.',
    labelNames: ['node', 'source'],
    registers,
    collect() {
      this.reset();
      for (const [node, { source }] of nodes) if (source !== undefined) this.set({ node, source }, 1);
    },
  });
  const workers = new Gauge({
    name: 'kubegauge_scrape_workers',
    help: 'Worker threads that scrape; with 0 the main thread scrapes.',
    registers,
  });
  return {
    observe(node, success, seconds, wallMs) {
      ended[success ? 'true' : 'false'] += 1;
      anyDuration.observe(seconds);
      const series = seriesOf(node);
      series.lastMs = wallMs;
      if (duration.size < nodeHistogramLimit) series.duration ??= duration.of(node);
      series.duration?.observe(seconds);
    },
    cycle: (seconds) => cycles.observe(seconds),
    source: (node, source) => void (seriesOf(node).source = source),
    workers: (count) => workers.set(count),
    remove(node) {
      duration.remove(node);
      nodes.delete(node);
    },
  };

  function seriesOf(node: string): NodeSeries {
    let series = nodes.get(node);
    if (series === undefined) nodes.set(node, (series = { duration: undefined, lastMs: undefined, source: undefined }));
    return series;
  }
}

interface NodeSeries {
  duration: QuickHistogram | undefined;
  /** Its end, milliseconds since the epoch. */
  lastMs: number | undefined;
  source: Source | undefined;
}

/** Returns metrics-server's buckets, with some around the resolution, where a cycle becomes a problem. */
function cycleBuckets(resolution: number): number[] {
  const around = [(10 + resolution) / 2, resolution, 1.5 * resolution, 2 * resolution];
  return [...new Set([...durationBuckets, ...around])].sort((a, b) => a - b);
}
