/** The fixed set of series of all cases, and Prometheus' text of them. */

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** A gauge's value, or by how much a counter grows each second. */
  readonly gauge?: string;
  readonly perSecond?: number;
}

const gauge = (name: string, labels: Series['labels'], value: number | string): Series => ({
  name,
  labels,
  gauge: String(value),
});
const counter = (name: string, labels: Series['labels'], perSecond: number): Series => ({ name, labels, perSecond });

const shop = { namespace: 'shop' };

export const series: readonly Series[] = [
  counter('http_requests_total', { ...shop, pod: 'web-0', method: 'GET', path: '/' }, 8),
  counter('http_requests_total', { ...shop, pod: 'web-0', method: 'POST', path: '/buy' }, 2),
  counter('http_requests_total', { ...shop, pod: 'web-1', method: 'GET', path: '/' }, 4),
  counter('http_requests_total', { ...shop, pod: 'web-2', method: 'GET', path: '/' }, 1),
  counter('http_requests_total', { ...shop, pod: 'gone-0', method: 'GET', path: '/' }, 1),
  counter('http_requests_total', { kubernetes_namespace: 'shop', kubernetes_pod_name: 'web-0' }, 3),
  counter('http_requests_total', { kubernetes_namespace: 'shop', kubernetes_pod_name: 'web-2' }, 5),
  counter('dup_a_total', { ...shop, pod: 'web-0' }, 1),
  counter('dup_b_total', { ...shop, pod: 'web-0' }, 5),
  counter('work_seconds_total', { ...shop, pod: 'web-0' }, 2),
  gauge('inflight', { ...shop, pod: 'web-0', verb: 'GET' }, 3),
  gauge('inflight', { ...shop, pod: 'web-0', verb: 'POST' }, 5),
  gauge('inflight', { ...shop, pod: 'web-1', verb: 'GET' }, 7),
  gauge('dotted', { ...shop, pod: 'a.b' }, 1),
  gauge('dotted', { ...shop, pod: 'axb' }, 2),
  gauge('odd_nan', { ...shop, pod: 'web-0' }, 'NaN'),
  gauge('odd_nan', { ...shop, pod: 'web-1' }, 7),
  gauge('odd_inf', { ...shop, pod: 'web-0' }, '+Inf'),
  gauge('odd_inf', { ...shop, pod: 'web-1' }, '-Inf'),
  gauge('odd_neg', { ...shop, pod: 'web-0' }, -1.5),
  gauge('odd_neg', { ...shop, pod: 'web-1' }, -0.0004),
  gauge('odd_tiny', { ...shop, pod: 'web-0' }, 0.0004),
  gauge('odd_tiny', { ...shop, pod: 'web-1' }, 0.0019),
  gauge('odd_tiny', { ...shop, pod: 'web-2' }, 0.29),
  gauge('odd_huge', { ...shop, pod: 'web-0' }, '1000000000000000'),
  gauge('odd_huge', { ...shop, pod: 'web-1' }, '10000000000000000'),
  gauge('odd_huge', { ...shop, pod: 'web-2' }, '9223372036854776'),
  gauge('odd_float', { ...shop, pod: 'web-0' }, 0.57),
  gauge('odd_float', { ...shop, pod: 'web-1' }, 1.005),
  gauge('odd_float', { ...shop, pod: 'web-2' }, 2.3),
  gauge('odd_float', { ...shop, pod: 'a.b' }, 1.1),
  gauge('odd_float', { ...shop, pod: 'axb' }, 4.35),
  gauge('odd_frac', { ...shop, pod: 'web-0', service: 'web' }, 1.9999),
  gauge('odd_frac', { ...shop, pod: 'web-1', service: 'web' }, 1000),
  gauge('odd_frac', { ...shop, pod: 'web-2', service: 'web' }, 1234567.5),
  gauge('ns_budget', shop, 42),
  gauge('ns_budget', { namespace: 'bank' }, 17),
  gauge('node_temperature', { node: 'node-a' }, 61.5),
  gauge('node_temperature', { node: 'node-b' }, 48),
  gauge('node_only', { node: 'node-a', pod: 'web-0' }, 1),
  gauge('deploy_lag', { ...shop, deployment: 'web' }, 12),
  gauge('svc_latency_seconds', { ...shop, service: 'web' }, 0.25),
  gauge('pv_fill', { persistentvolume: 'pv-1' }, 0.5),
  gauge('widget_level', { ...shop, widget: 'g1' }, 3),
  gauge('gizmo_level', { gizmo: 'z1' }, 4),
  gauge('lag_seconds', { ...shop, apps_deployment: 'web' }, 33),
  gauge('kube_pod_count', { kube_namespace: 'shop', kube_pod: 'web-0', kube_deployment: 'web' }, 2),
  gauge('queue_depth', { ...shop, queue: 'mails' }, 12),
  gauge('queue_depth', { ...shop, queue: 'orders' }, 30),
  gauge('queue_depth', { namespace: 'bank', queue: 'orders' }, 5),
  gauge('queue_ignored', { ...shop, queue: 'orders' }, 1),
  gauge('global_depth', { queue: 'g1' }, 99),
  gauge('no_namespace_label', { queue: 'g1' }, 1),
  gauge('weird_labels', { ...shop, queue: 'a|b', x: 'quote"back\\slash' }, 1),
  counter('container_cpu_usage_seconds_total', { ...shop, pod: 'web-0', container: 'app', cpu: 'total' }, 0.25),
  counter('container_cpu_usage_seconds_total', { ...shop, pod: 'web-0', cpu: 'total' }, 0.25),
  counter('container_network_receive_bytes_total', { ...shop, pod: 'web-0', interface: 'eth0' }, 1024),
  counter('container_network_receive_bytes_total', { ...shop, pod: 'web-1', interface: 'eth0' }, 512),
  gauge('container_memory_working_set_bytes', { ...shop, pod: 'web-0', container: 'app' }, 10_432_512),
  gauge('container_memory_working_set_bytes', { ...shop, pod: 'web-0', container: 'POD' }, 442_368),
  gauge('container_memory_working_set_bytes', { ...shop, pod: 'web-0' }, 10_874_880),
  counter('lab_cpu_seconds_total', { node: 'node-a', id: '/' }, 1.5),
  gauge('lab_memory_bytes', { node: 'node-a', id: '/' }, 8_000_000_000),
  counter('lab_cpu_seconds_total', { ...shop, pod: 'web-0', container: 'app' }, 0.25),
  gauge('lab_memory_bytes', { ...shop, pod: 'web-0', container: 'app' }, 123_456_789),
  counter('lab_cpu_seconds_total', { ...shop, pod: 'web-1', container: 'app' }, 0.5),
  gauge('lab_memory_bytes', { ...shop, pod: 'web-1', container: 'app' }, 50_000_000),
  gauge('lab_memory_bytes', { ...shop, pod: 'web-2', container: 'app' }, 1),
  counter('lab_cpu_seconds_total', { ...shop, pod: 'idle-0', container: 'app' }, 1),
  gauge('lab_memory_bytes', { ...shop, pod: 'idle-0', container: 'app' }, 1_048_576),
  gauge('lab_memory_bytes', { ...shop, pod: 'idle-0', container: 'late' }, 1_048_576),
  counter('lab_cpu_seconds_total', { ...shop, pod: 'axb', container: 'app' }, 1),
  // Reads of all that is listed know impossible values by the metric's name.
  gauge('lab_memory_nan', { ...shop, pod: 'axb', container: 'app' }, 'NaN'),
];

/** Labels that a scrape would have added. */
const target = { instance: '127.0.0.1:9100', job: 'lab' };
/** A gauge's samples: well within the five minutes that PromQL looks back. */
const gaugeIntervalSeconds = 60;

/** Returns OpenMetrics with a sample per second of each counter, so that rates at whole seconds are exact. */
export function openMetrics(fromSeconds: number, toSeconds: number): string {
  const lines: string[] = [];
  // All samples of a family stand together.
  for (const [name, members] of Map.groupBy(series, (each) => each.name)) {
    lines.push(`# TYPE ${name} unknown`);
    for (const { labels, gauge: value, perSecond = 0 } of members) {
      const text = `${name}${labelText({ ...labels, ...target })}`;
      const step = value === undefined ? 1 : gaugeIntervalSeconds;
      for (let at = fromSeconds; at <= toSeconds; at += step) {
        lines.push(`${text} ${value ?? (at - fromSeconds) * perSecond} ${at}`);
      }
    }
  }
  return `${lines.join('\n')}\n# EOF\n`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`,
  );
  return `{${pairs.join(',')}}`;
}
