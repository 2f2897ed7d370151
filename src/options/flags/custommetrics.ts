/** Flags about custom.metrics.k8s.io and external.metrics.k8s.io. */
import { between, type FlagSection, oneOf } from './flag.ts';

export const customMetricsFlags = {
  'custom-metrics': {
    type: 'string',
    default: undefined,
    check: oneOf('kubelet'),
    help: 'kubelet serves custom.metrics.k8s.io from kubelets, without Prometheus: network, pressure, throttling and more, see docs/kubelet-metrics.md. A metric is scraped while an autoscaler names it, and for an hour after a request. Unset: custom metrics do not come from kubelets.',
  },
  'custom-metrics-window': {
    type: 'duration',
    default: '1m',
    check: between(15_000, 3_600_000, '15s, because kubelets sample no faster', '1h'),
    help: 'Window over which rates of --custom-metrics=kubelet are averaged. A longer one is steadier, a shorter one follows faster.',
  },
  'custom-metrics-always': {
    type: 'list',
    default: '',
    help: 'Metrics of --custom-metrics=kubelet to scrape although nothing asks for them. Empty: none, which costs nothing.',
  },
} as const satisfies FlagSection;
