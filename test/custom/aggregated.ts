/**
 * The real server and ours behind kube-apiserver, one after the other: what discovery and kubectl show, and what the
 * HorizontalPodAutoscaler controller makes of the same metrics.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { outcomeOf } from '../cluster/command.ts';
import { readSettings } from '../cluster/settings.ts';
import { build } from '../cluster/toolchain.ts';
import { waitFor } from '../cluster/wait.ts';
import { startChild } from '../conformance/children.ts';
import { differencesBetween } from '../conformance/compare.ts';
import type { ControlPlane } from '../conformance/controlplane.ts';
import { dig } from '../conformance/objects.ts';
import type { Servers } from './judge.ts';
import type { Lab } from './lab.ts';
import type { CustomServer } from './servers.ts';

/** Numbers of the statements that these observations are about. */
export const aggregatedStatements = [54, 55, 109, 110] as const;

const service = { namespace: 'monitoring', name: 'adapter' };
const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices';
const autoscalers = '/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers';
const scale = '/apis/apps/v1/namespaces/shop/deployments/web';
const versions = [
  { group: 'custom.metrics.k8s.io', version: 'v1beta1', versionPriority: 100 },
  { group: 'custom.metrics.k8s.io', version: 'v1beta2', versionPriority: 200 },
  { group: 'external.metrics.k8s.io', version: 'v1beta1', versionPriority: 100 },
];
/** kube-apiserver looks at a new APIService at once, and again after half a minute. */
const availableTimeoutMs = 180_000;
/** A period of the controller is two seconds. */
const autoscaleTimeoutMs = 180_000;

/** Returns a title and the lines about what is wrong for each observation. */
export async function judgeAggregated(
  lab: Lab,
  { real, ours }: Servers,
): Promise<readonly (readonly [title: string, wrong: readonly string[]])[]> {
  const { call } = lab.plane;
  await using controller = await startController(lab);
  await call('POST', `/api/v1/namespaces/${service.namespace}/services`, {
    metadata: service,
    spec: { type: 'ExternalName', externalName: 'localhost' },
  });
  for (const spec of versions) await register(call, spec, real.port);
  await call('PATCH', `${scale}/status`, { status: { replicas: 3 } });
  const seen: Record<string, unknown>[] = [];
  for (const server of [real, ours]) {
    for (const { group, version } of versions) {
      await call('PATCH', `${apiServices}/${version}.${group}`, { spec: { service: { port: server.port } } });
    }
    await untilReached(call, server);
    seen.push({
      'the preferred version is v1beta2': dig(await call('GET', '/apis/custom.metrics.k8s.io'), 'preferredVersion'),
      'kubectl api-resources': await controller.kubectl(['api-resources', '--api-group=custom.metrics.k8s.io']),
      'kubectl get': await controller.kubectl(['get', 'namespace', 'shop', '--output=name']),
      'an autoscaler with eight kinds of metrics': await autoscale(call, metrics, 7),
    });
  }
  await call('DELETE', `${apiServices}/v1beta2.custom.metrics.k8s.io`);
  for (const [index, server] of [real, ours].entries()) {
    for (const { group, version } of versions.filter((each) => each.version === 'v1beta1')) {
      await call('PATCH', `${apiServices}/${version}.${group}`, { spec: { service: { port: server.port } } });
    }
    await untilReached(call, server);
    Object.assign(seen[index] ?? {}, {
      'an autoscaler with v1beta1 only': await autoscale(call, metrics.slice(0, 1), 1),
    });
  }
  const [before = {}, after = {}] = seen;
  return Object.entries(before).map(([title, value]) => [title, differencesBetween(value, after[title])] as const);
}

async function startController({ plane, startOptions: { folder, credentials } }: Lab) {
  const binaries = await build(readSettings(), 'kubernetes');
  const kubeconfig = path.join(folder, 'admin-kubeconfig.json');
  const { cert, key } = credentials.certificates.administrator;
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const cluster = { server: plane.url, 'certificate-authority-data': base64(credentials.clients.cert) };
  const user = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster }],
    users: [{ name: 'lab', user }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    'current-context': 'lab',
  };
  writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  const child = startChild(folder, {
    name: 'kube-controller-manager',
    command: path.join(binaries, 'kube-controller-manager'),
    args: [
      `--kubeconfig=${kubeconfig}`,
      '--controllers=horizontal-pod-autoscaler-controller',
      '--leader-elect=false',
      '--secure-port=0',
      '--horizontal-pod-autoscaler-sync-period=2s',
    ],
  });
  return {
    kubectl: async (args: readonly string[]) => {
      const command = path.join(binaries, 'kubectl');
      const outcome = await outcomeOf(command, [`--kubeconfig=${kubeconfig}`, ...args], { env: { HOME: folder } });
      if (outcome.exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${outcome.stderr}`);
      return outcome;
    },
    [Symbol.asyncDispose]: () => child.stop(),
  };
}

async function register(call: ControlPlane['call'], spec: (typeof versions)[number], port: number): Promise<void> {
  const name = `${spec.version}.${spec.group}`;
  await call('POST', apiServices, {
    metadata: { name },
    spec: { ...spec, service: { ...service, port }, insecureSkipTLSVerify: true, groupPriorityMinimum: 100 },
  });
  const isAvailable = async () => {
    const conditions = dig(await call('GET', `${apiServices}/${name}`), 'status', 'conditions');
    return Array.isArray(conditions) && conditions.some((each) => dig(each, 'status') === 'True');
  };
  await waitFor(`${name} to be available`, isAvailable, availableTimeoutMs);
}

/** Reads through kube-apiserver until this server sends the query. */
async function untilReached(call: ControlPlane['call'], { name, recorder }: CustomServer): Promise<void> {
  const isReached = async () => {
    const before = recorder.requests.length;
    await call('GET', '/apis/custom.metrics.k8s.io/v1beta1/namespaces/shop/metrics/ns_budget');
    await call('GET', '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue_total');
    return recorder.requests.slice(before).filter(({ path: to }) => to.endsWith('/query')).length === 2;
  };
  // Equal queries within a second are one.
  await waitFor(`kube-apiserver to ask ${name}`, isReached, availableTimeoutMs, 1_100);
}

/** Makes an autoscaler and returns its status when it has this many metrics. Afterwards there is none. */
async function autoscale(call: ControlPlane['call'], spec: readonly unknown[], count: number): Promise<unknown> {
  await call('PATCH', scale, { spec: { replicas: 3 } });
  await call('POST', autoscalers, {
    metadata: { name: 'web' },
    spec: {
      minReplicas: 1,
      maxReplicas: 10,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      metrics: spec,
    },
  });
  try {
    return await waitFor(
      `the autoscaler to have ${count} metrics`,
      async () => {
        const { status } = (await call('GET', `${autoscalers}/web`)) as { readonly status?: unknown };
        const current = dig(status, 'currentMetrics');
        const valid = Array.isArray(current) ? current.filter((each) => !isDeepStrictEqual(each, { type: '' })) : [];
        if (valid.length < count || dig(status, 'desiredReplicas') === 0) return undefined;
        return { desired: dig(status, 'desiredReplicas'), metrics: valid, conditions: conditionsOf(status) };
      },
      autoscaleTimeoutMs,
    );
  } finally {
    await call('DELETE', `${autoscalers}/web`);
  }
}

/** Without times; those of able to scale depend on when the controller looks. */
function conditionsOf(status: unknown): unknown {
  const conditions = dig(status, 'conditions');
  if (!Array.isArray(conditions)) return undefined;
  return conditions
    .filter((each) => dig(each, 'type') === 'ScalingActive')
    .map((each) => [dig(each, 'status'), dig(each, 'reason'), dig(each, 'message')]);
}

const object = (kind: string, apiVersion: string, name: string, metric: unknown, value: string) => ({
  type: 'Object',
  object: { describedObject: { kind, apiVersion, name }, metric, target: { type: 'Value', value } },
});
const selecting = (label: string, value: string) => ({ selector: { matchLabels: { [label]: value } } });
const average = (averageValue: string) => ({ type: 'AverageValue', averageValue });

/** All but the metric of a node, which autoscalers ask for in a namespace, have a value. */
const metrics: readonly unknown[] = [
  { type: 'Pods', pods: { metric: { name: 'http_requests_per_second' }, target: average('2500m') } },
  {
    type: 'Pods',
    pods: { metric: { name: 'http_requests_per_second', ...selecting('method', 'GET') }, target: average('10') },
  },
  object('Namespace', 'v1', 'shop', { name: 'ns_budget' }, '42'),
  object('Deployment', 'apps/v1', 'web', { name: 'deploy_lag' }, '12'),
  object('Service', 'v1', 'web', { name: 'svc_latency_seconds' }, '250m'),
  object('Node', 'v1', 'node-a', { name: 'node_temperature' }, '60'),
  {
    type: 'External',
    external: { metric: { name: 'queue_depth', ...selecting('queue', 'orders') }, target: average('10') },
  },
  { type: 'External', external: { metric: { name: 'queue_total' }, target: { type: 'Value', value: '42' } } },
];
