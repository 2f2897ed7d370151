/** The application of the tutorial: pods that count requests, a queue, workers, their autoscalers, and clients. */
import type { ChildProcess } from 'node:child_process';
import type { V1Container, V1Deployment, V1Pod, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import type { Cluster } from '../cluster.ts';
import { metricsAutoscaler, scaledDeployment } from './autoscaler.ts';

export const shopNamespace = 'e2e-shop';
const port = 8080;
/** What one pod is to get: the load is more than one pod's and less than two pods'. */
const targetPerSecond = '12';
const requestsPerSecond = 23;
/** Entries of the queue for one worker. */
const targetDepth = '2';
export const requestMetric = 'http_requests_per_second';
export const queueMetric = 'queue_depth';

/**
 * Returns a file of rules as guides have it.
 * @param window such as `2m`.
 */
export function rulesOver(window: string): string {
  const resources = 'resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}';
  return `rules:
- seriesQuery: 'http_requests_total{namespace!="",pod!=""}'
  ${resources}
  name: {matches: "^(.*)_total$", as: "\${1}_per_second"}
  metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>}[${window}])) by (<<.GroupBy>>)
externalRules:
- seriesQuery: '${queueMetric}{namespace!="",queue!=""}'
  ${resources}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (queue)
`;
}

/** Counts requests and exposes the count; a request for /queue/<n> sets the depth of a queue instead. */
const program = `
let served = 0, queue = '';
process.on('SIGTERM', () => process.exit());
require('node:http').createServer(({ url }, response) => {
  if (url === '/metrics') return response.end('# TYPE http_requests_total counter\\nhttp_requests_total ' + served + '\\n' + queue);
  if (url.startsWith('/queue/')) queue = '# TYPE ${queueMetric} gauge\\n${queueMetric}{queue="orders"} ' + url.slice(7) + '\\n';
  else served += 1;
  response.end();
}).listen(${port});`;

/** @param image any with Node where distroless has it: the product's own. */
export function shopObjects(cluster: Cluster, image: string): readonly object[] {
  const container: V1Container = {
    name: 'shop',
    image,
    imagePullPolicy: 'Never',
    command: ['/nodejs/bin/node', '-e', program],
    ports: [{ name: 'metrics', containerPort: port }],
    readinessProbe: { httpGet: { path: '/metrics', port: 'metrics' }, periodSeconds: 1 },
    resources: { requests: { cpu: '10m', memory: '32Mi' } },
  };
  const spec = { terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, containers: [container] };
  const shop: V1Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'shop', namespace: shopNamespace },
    spec: {
      selector: { matchLabels: { app: 'shop' } },
      template: { metadata: { labels: { app: 'shop' } }, spec },
    },
  };
  const queue: V1Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'queue', namespace: shopNamespace, labels: { app: 'queue' } },
    spec,
  };
  const workers = scaledDeployment(cluster, shopNamespace, 'workers', {
    script: 'exec sleep infinity',
    requests: { cpu: '10m' },
  });
  return [shop, queue, workers];
}

/** The first follows requests and keeps a replica; the second follows the queue, to zero. */
export function shopAutoscalers(): readonly V2HorizontalPodAutoscaler[] {
  return [
    metricsAutoscaler({ name: 'shop', namespace: shopNamespace }, 1, [
      {
        type: 'Pods',
        pods: { metric: { name: requestMetric }, target: { type: 'AverageValue', averageValue: targetPerSecond } },
      },
    ]),
    metricsAutoscaler({ name: 'workers', namespace: shopNamespace }, 0, [
      {
        type: 'External',
        external: {
          metric: { name: queueMetric, selector: { matchLabels: { queue: 'orders' } } },
          target: { type: 'AverageValue', averageValue: targetDepth },
        },
      },
    ]),
  ];
}

/** Sets the depth of the queue. */
export async function setQueue(cluster: Cluster, depth: number): Promise<void> {
  await cluster.runInNamespace('curl', [
    '--silent',
    '--fail',
    '--max-time',
    '5',
    `${await urlOf(cluster, 'queue')}/queue/${depth}`,
  ]);
}

/** Sends requests to a pod of the shop at a steady rate until it is killed. There is no kube-proxy, so all go to one. */
export async function sendRequests(cluster: Cluster): Promise<ChildProcess> {
  const client = `
    const http = require('node:http');
    const agent = new http.Agent({ keepAlive: true });
    const startMs = performance.now();
    let sent = 0;
    // What is owed by now, so that a late timer does not lower the rate.
    setInterval(() => {
      const owed = ((performance.now() - startMs) / 1000) * ${requestsPerSecond};
      for (; sent < owed; sent += 1)
        http.get('${await urlOf(cluster, 'shop')}/', { agent }, (response) => response.resume()).on('error', () => {});
    }, 50);`;
  return cluster.inNamespace(process.execPath, ['-e', client], { stdio: 'ignore' });
}

/** Returns the address of a pod that stays: a ReplicaSet ends one that is not ready first, else either of about one age, and it is listed to its end. */
async function urlOf(cluster: Cluster, app: string): Promise<string> {
  const args = ['get', 'pods', `--namespace=${shopNamespace}`, '--selector', `app=${app}`, '-o', 'json'];
  const { items } = JSON.parse(await cluster.kubectl(args)) as { readonly items: readonly V1Pod[] };
  const isReady = ({ status }: V1Pod) =>
    status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
  const pod = items.find((each) => each.metadata?.deletionTimestamp === undefined && isReady(each));
  if (pod?.status?.podIP === undefined) throw new Error(`no pod of ${app} is ready and stays`);
  return `http://${pod.status.podIP}:${port}`;
}
