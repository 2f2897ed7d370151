/** What scraping tells of itself: metrics-server's names where they mean the same, ours under kubegauge_. */
import { Counter, Gauge } from 'prom-client';
import { createLabelledHistogram, createQuickHistogram, type QuickHistogram, type Registry } from '../../monitoring.ts';
import type { Source } from '../../sample/point.ts';

export interface ScrapeMetrics {
  /** One scrape ended. */
  observe(node: string, success: boolean, seconds: number, wallMs: number): void;
  /** A round ended, in which no node took longer than this from its turn to the end of its scrape. */
  round(seconds: number): void;
  /** Which endpoint a node is served from. */
  source(node: string, source: Source): void;
  /** How many threads scrape by now, beside the one that serves. */
  workers(count: number): void;
  /** Takes away the series of a node that left, or they would pile up on a cluster that scales. */
  remove(node: string): void;
}

/** Kubelets answer in milliseconds when small and in seconds when huge. */
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * How many nodes have a histogram of their own: each is 14 lines, and those of 5,000 nodes are 5.9 MB and stop everything else for half a
 * second whenever somebody asks. The nodes that come later are in the one of all nodes only.
 */
export const nodeHistogramLimit = 250;

export function createScrapeMetrics(registry: Registry, resolutionMs: number): ScrapeMetrics {
  const registers = [registry];
  // Made of what is known when somebody asks, as the gauges are: to set one takes longer than to decode a small answer.
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
  const rounds = createQuickHistogram(registry, {
    name: 'metrics_server_manager_tick_duration_seconds',
    help: "The longest time of a round, in which each node has its turn once, from a node's turn to the end of its scrape.",
    buckets: roundBuckets(resolutionMs / 1000),
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
    help: 'Which kubelet endpoint a node is served from: 1 at the one in use.',
    labelNames: ['node', 'source'],
    registers,
    collect() {
      this.reset();
      for (const [node, { source }] of nodes) if (source !== undefined) this.set({ node, source }, 1);
    },
  });
  const workers = new Gauge({
    name: 'kubegauge_scrape_workers',
    help: 'How many threads scrape, beside the one that serves; with none, that one does.',
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
    round: (seconds) => rounds.observe(seconds),
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
  /** When its last scrape ended, milliseconds since the epoch. */
  lastMs: number | undefined;
  source: Source | undefined;
}

/** As metrics-server's: around the resolution, a round becomes a problem. */
function roundBuckets(resolution: number): number[] {
  const around = [(10 + resolution) / 2, resolution, 1.5 * resolution, 2 * resolution];
  return [...new Set([...durationBuckets, ...around])].sort((a, b) => a - b);
}
