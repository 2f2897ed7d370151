/** Our own metrics about custom metrics from kubelets. */
import { Gauge } from 'prom-client';
import type { Registry } from '../monitoring.ts';
import type { Demand } from './demand.ts';
import type { SeriesStore } from './seriesstore.ts';

export function createSourceMetrics(registry: Registry, demand: Demand, store: SeriesStore): void {
  const registers = [registry];
  new Gauge({
    name: 'kubegauge_kubelet_metrics_wanted',
    help: 'Number of custom metrics that are scraped from kubelets, because something wants them.',
    registers,
    collect() {
      this.set(demand.metrics().length);
    },
  });
  new Gauge({
    name: 'kubegauge_kubelet_metrics_values',
    help: 'Number of stored values of custom metrics from kubelets, one per metric and pod or node.',
    registers,
    collect() {
      this.set(store.counts().numbers);
    },
  });
  new Gauge({
    name: 'kubegauge_kubelet_metrics_sample_bytes',
    help: 'Bytes of the samples kept for the window of custom metrics from kubelets.',
    registers,
    collect() {
      this.set(store.counts().bytes);
    },
  });
  new Gauge({
    name: 'kubegauge_kubelet_metrics_refused_nodes',
    help: 'Number of nodes whose last series for custom metrics were not whole or above a limit.',
    registers,
    collect() {
      this.set(store.counts().refused);
    },
  });
}
