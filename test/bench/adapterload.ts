/** The cluster, the series and the requests with which prometheus-adapter and ours are compared. */
import type { ControlPlane } from '../conformance/controlplane.ts';
import { dig } from '../conformance/objects.ts';
import { autoscaler, headersOf } from './aggregator.ts';
import { requestOf } from './leanclient.ts';
import { podObject } from './podobject.ts';

/** Workloads, each with an HPA. */
export const workloads = 100;
const podsPerWorkload = 10;
/** Pods of a Deployment as podObject has them. */
const podsPerTemplate = 20;
/** Each pod and metric has a series for each. */
const codes = [200, 500];
/** Each has a metric of every pod: 100,000 series. */
export const ruleCount = 50;
/** Metrics that HPAs name in a sync. */
const usedMetrics = 4;

/** By workload. */
const runningPods = Array.from({ length: workloads }, (_, workload) =>
  Array.from({ length: podsPerWorkload }, (_, pod) => podObject(workload * podsPerTemplate + pod).metadata),
).flat();

const metricOf = (rule: number): string => `shop_queue_length_${rule}`;

/** As prometheus-adapter's documents write them, with a seriesQuery each. A range outlasts scrapes that fail. */
export function rulesText(): string {
  const rules = Array.from({ length: ruleCount }, (_, rule) => ({
    seriesQuery: `${metricOf(rule)}_current{namespace!="",pod!=""}`,
    resources: { overrides: { namespace: { resource: 'namespace' }, pod: { resource: 'pod' } } },
    name: { matches: '^(.*)_current$', as: '${1}' },
    metricsQuery: 'sum(max_over_time(<<.Series>>{<<.LabelMatchers>>}[5m])) by (<<.GroupBy>>)',
  }));
  return JSON.stringify({ rules });
}

/** Returns an exporter's text. */
export function exposition(): string {
  const heads = runningPods.flatMap(({ namespace, name }, index) => {
    const service = `checkout-service-${Math.floor(index / podsPerWorkload)}`;
    const labels = `namespace="${namespace}",pod="${name}",container="app",endpoint="http-metrics",service="${service}"`;
    return codes.map((code) => `{${labels},method="GET",code="${code}"} ${index}\n`);
  });
  const rules = Array.from({ length: ruleCount }, (_, rule) => `${metricOf(rule)}_current`);
  return rules.map((metric) => heads.map((head) => metric + head).join('')).join('');
}

const creations = 20;

/** Makes namespaces, pods of the usual size, and an account that may read everything. Returns its token. */
export async function fillCluster({ call }: ControlPlane): Promise<string> {
  const namespaces = new Set(runningPods.map(({ namespace }) => namespace));
  for (const name of namespaces) await call('POST', '/api/v1/namespaces', { metadata: { name } });
  const rest = [...runningPods];
  const create = async (): Promise<void> => {
    for (let pod = rest.pop(); pod !== undefined; pod = rest.pop()) {
      const { namespace, name, labels, annotations } = pod;
      const body = { metadata: { name, labels, annotations }, spec };
      await call('POST', `/api/v1/namespaces/${namespace}/pods`, body);
      await call('PATCH', `/api/v1/namespaces/${namespace}/pods/${name}/status`, { status });
    }
  };
  await Promise.all(Array.from({ length: creations }, create));
  const rights = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
  await call('POST', rights, {
    metadata: { name: 'bench' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'bench', namespace: 'kube-system' }],
  });
  await call('POST', '/api/v1/namespaces/kube-system/serviceaccounts', { metadata: { name: 'bench' } });
  const account = '/api/v1/namespaces/kube-system/serviceaccounts/bench/token';
  return String(dig(await call('POST', account, { spec: { expirationSeconds: 7_200 } }), 'status', 'token'));
}

const probe = { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 10, timeoutSeconds: 2 };
const resources = { limits: { memory: '512Mi' }, requests: { cpu: '250m', memory: '256Mi' } };
const env = Array.from({ length: 8 }, (_, index) => ({ name: `SETTING_${index}`, value: `value-of-setting-${index}` }));
const container = (name: string) => ({
  name,
  image: `registry.example.com/shop/${name}:1.4.3`,
  env,
  ports: [{ name: 'http-metrics', containerPort: 8080 }],
  livenessProbe: probe,
  readinessProbe: probe,
  resources,
  volumeMounts: [{ name: 'config', mountPath: '/etc/config', readOnly: true }],
});
const spec = {
  nodeName: 'node-a',
  containers: [container('app'), container('proxy')],
  volumes: [{ name: 'config', configMap: { name: 'checkout-config' } }],
};

const startedAt = '2026-11-01T12:00:00Z';
const status = {
  phase: 'Running',
  hostIP: '10.0.0.1',
  podIP: '10.1.0.1',
  startTime: startedAt,
  conditions: ['ContainersReady', 'Initialized', 'PodReadyToStartContainers', 'PodScheduled', 'Ready'].map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: startedAt,
  })),
  containerStatuses: ['app', 'proxy'].map((name) => ({
    name,
    image: `registry.example.com/shop/${name}:1.4.3`,
    imageID: `registry.example.com/shop/${name}@sha256:${'0123456789abcdef'.repeat(4)}`,
    containerID: `containerd://${'fedcba9876543210'.repeat(4)}`,
    ready: true,
    restartCount: 0,
    state: { running: { startedAt } },
  })),
};

/** Returns the requests of one sync of all HPAs. */
export function syncRequests(): readonly Buffer[] {
  return Array.from({ length: workloads }, (_, workload) => requestFor(workload, workload % usedMetrics));
}

/**
 * Returns every workload's requests for every metric, in an order in which neighbours differ in their metric and equal
 * ones are far apart: ours joins requests that differ in their pods only, and sends equal ones within a second once.
 */
export function differentRequests(): readonly Buffer[] {
  return Array.from({ length: workloads * ruleCount }, (_, index) =>
    requestFor(Math.floor(index / ruleCount), index % ruleCount),
  );
}

/** As the HPA controller asks for the pods of a workload, in protobuf. */
function requestFor(workload: number, rule: number): Buffer {
  const { namespace, labels } = podObject(workload * podsPerTemplate).metadata;
  const selector = encodeURIComponent(`app.kubernetes.io/name=${String(dig(labels, 'app.kubernetes.io/name'))}`);
  const path = `${group}/namespaces/${namespace}/pods/%2A/${metricOf(rule)}?labelSelector=${selector}`;
  return requestOf(path, { ...headersOf(autoscaler), accept: 'application/vnd.kubernetes.protobuf, */*' });
}

export const group = '/apis/custom.metrics.k8s.io/v1beta2';
