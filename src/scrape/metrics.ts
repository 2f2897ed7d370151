/** What scraping tells of itself: metrics-server's names where they mean the same, ours under kubegauge_. */
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from '../monitoring.ts';
import type { Source } from '../point.ts';

export interface ScrapeMetrics {
  /** One scrape ended. */
  observe(node: string, success: boolean, seconds: number, wallMs: number): void;
  /** Which endpoint a node is served from. */
  source(node: string, source: Source): void;
  /** Takes away the series of a node that left, or they would pile up on a cluster that scales. */
  remove(node: string): void;
}

/** Kubelets answer in milliseconds when small and in seconds when huge. */
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createScrapeMetrics(registry: Registry): ScrapeMetrics {
  const registers = [registry];
  const total = new Counter({
    name: 'metrics_server_kubelet_request_total',
    help: 'Number of requests to kubelets by success.',
    labelNames: ['success'],
    registers,
  });
  const duration = new Histogram({
    name: 'metrics_server_kubelet_request_duration_seconds',
    help: 'Time to scrape one kubelet.',
    labelNames: ['node'],
    buckets: durationBuckets,
    registers,
  });
  const lastTime = new Gauge({
    name: 'metrics_server_kubelet_last_request_time_seconds',
    help: 'When the last request to a kubelet ended, seconds since the epoch.',
    labelNames: ['node'],
    registers,
  });
  const sources = new Gauge({
    name: 'kubegauge_node_source',
    help: 'Which kubelet endpoint a node is served from: 1 at the one in use.',
    labelNames: ['node', 'source'],
    registers,
  });
  return {
    observe(node, success, seconds, wallMs) {
      total.inc({ success: String(success) });
      duration.observe({ node }, seconds);
      lastTime.set({ node }, wallMs / 1000);
    },
    source(node, source) {
      sources.set({ node, source }, 1);
      sources.remove({ node, source: source === 'cadvisor' ? 'resource' : 'cadvisor' });
    },
    remove(node) {
      duration.remove({ node });
      lastTime.remove({ node });
      for (const source of ['cadvisor', 'resource']) sources.remove({ node, source });
    },
  };
}
