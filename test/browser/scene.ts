/** A made-up cluster for the page: thousands of pods, names that are markup, numbers that are missing, reads that fail. */
import { parseLabelSelector } from '../../src/apimachinery/labels.ts';
import type { Examination } from '../../src/doctor/examination.ts';
import { silentLogger } from '../../src/logging.ts';
import { systemClock } from '../../src/clock.ts';
import type { UiView } from '../../src/ui/collector.ts';
import { startUi, type Ui } from '../../src/ui/ui.ts';
import { parseServerReport, type ServerReportResult } from '../../src/view/serverreport.ts';
import type { AutoscalerView, ClusterSummaryView, NodeView, PodView, PointView } from '../../src/view/types.ts';

export const markup = '<img src=x onerror=alert(1)>';

export interface Scene {
  nodes: readonly NodeView[];
  pods: readonly PodView[];
  autoscalers: readonly AutoscalerView[];
  degraded: readonly string[];
  examination: Examination;
  serverReport: ServerReportResult;
  /** Minutes of history of a node or pod. */
  minutesOf: (name: string) => number;
  /** Minutes since the last point of a node or pod. */
  endedOf?: (name: string) => number;
  /** kube-apiserver's clock minus the browser's; undefined for none. */
  clockAheadMs?: number;
  /** Of the summary; undefined for kubegauge. */
  server?: string;
  /** Each read fails with it. */
  failure?: Error;
}

const gib = 2 ** 30;
const mib = 2 ** 20;
/** Returns the same fraction for the same text. */
function fractionOf(text: string): number {
  let hash = 2_166_136_261;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619);
  return ((hash >>> 0) % 10_000) / 10_000;
}

export function createScene({ nodes = 3, pods = 40 } = {}): Scene {
  return {
    nodes: Array.from({ length: nodes }, (_, index) => nodeAt(index)),
    pods: Array.from({ length: pods }, (_, index) => (index === pods - 1 ? unmeasuredPod : podAt(index, nodes))),
    autoscalers,
    minutesOf: () => 55,
    degraded: [],
    examination,
    serverReport: reported(statusReport),
  };
}

export function nodeAt(index: number): NodeView {
  const name = `node-${index + 1}`;
  return {
    name,
    ready: true,
    cpu: { used: 0.4 + 2 * fractionOf(name), requested: 1.8, allocatable: 3.92 },
    memory: { used: (2 + 8 * fractionOf(`${name}m`)) * gib, requested: 6 * gib, allocatable: 15.5 * gib },
    pods: 14,
    podCapacity: 110,
    timestampMs: Date.now() - 9000,
    windowSeconds: 15.2,
    source: 'cadvisor',
  };
}

export function podAt(index: number, nodes = 3): PodView {
  const app = ['web', 'cart', 'checkout', 'catalog'][index % 4] ?? 'web';
  const name = `${app}-${index}`;
  const cpu = { used: 0.01 + 0.2 * fractionOf(name), requested: 0.15, limit: 0.5 };
  const memory = { used: (40 + 180 * fractionOf(`${name}m`)) * mib, requested: 128 * mib, limit: 256 * mib };
  return {
    namespace: ['shop', 'jobs'][index % 2] ?? 'shop',
    name,
    node: `node-${(index % nodes) + 1}`,
    workload: { kind: 'Deployment', name: app },
    phase: 'Running',
    status: 'Running',
    restarts: index % 9 === 0 ? 2 : 0,
    labels: { app },
    cpu,
    memory,
    containers: [{ name: 'app', kind: 'container', cpu, memory, restarts: 0, state: 'running' }],
    timestampMs: Date.now() - 12_000,
    windowSeconds: 14.8,
    source: 'cadvisor',
  };
}

/** A pod that restarts before it can be measured, with a sidecar. */
const unmeasuredPod: PodView = {
  namespace: 'jobs',
  name: 'leaky-0',
  node: 'node-1',
  phase: 'Running',
  status: 'Running',
  workload: { kind: 'StatefulSet', name: 'leaky' },
  labels: { app: 'leaky' },
  cpu: { requested: 0.15, limit: 0.5 },
  memory: { requested: 128 * mib, limit: 256 * mib },
  restarts: 62,
  reason: 'its containers restart again and again (app: OOMKilled)',
  containers: ['app', 'sidecar-that-exports-metrics'].map((name) => ({
    name,
    kind: 'container',
    cpu: { requested: 0.15, limit: 0.5 },
    memory: { requested: 128 * mib, limit: 256 * mib },
    restarts: 31,
    state: 'waiting',
    reason: 'CrashLoopBackOff',
  })),
};

const autoscalers: readonly AutoscalerView[] = [
  {
    namespace: 'shop',
    name: 'web',
    target: { kind: 'Deployment', name: 'web' },
    minReplicas: 2,
    maxReplicas: 10,
    replicas: 6,
    desiredReplicas: 7,
    metrics: [{ name: 'cpu', current: '93%', target: '70%', ratio: 1.33 }],
  },
  {
    namespace: 'shop',
    name: 'cart',
    target: { kind: 'Deployment', name: 'cart' },
    minReplicas: 1,
    maxReplicas: 5,
    replicas: 1,
    metrics: [{ name: 'memory', target: '80%' }],
    reason: 'containers of its pods have no memory request, of which the target is 80%',
  },
];

/** Returns what the page gets of a server that reports this. */
export function reported(report: unknown): ServerReportResult {
  const parsed = parseServerReport(report);
  if (parsed === undefined) throw new Error('this is no report');
  return { state: 'read', report: parsed };
}

/** The report of a server with one of each trouble. */
export const statusReport = {
  version: '0.1.0',
  pod: 'kube-system/metrics-server-7d9c',
  startTime: '2026-11-22T20:00:00Z',
  resolution: '15s',
  staleness: '45s',
  resourceMetrics: { source: 'kubelet', scrapesKubelets: true },
  degraded: [
    { code: 'NodesNotRead', message: '1 of 3 ready nodes cannot be scraped' },
    { code: 'PinsInMemory', message: `keys of kubelets are in memory only: ${markup}` },
  ],
  refused: [
    {
      code: 'UserDenied',
      message: 'a user lacks the right',
      reason: `User "${markup}" cannot list resource "pods"`,
      requests: 3,
      since: '2026-11-22T20:00:00Z',
      last: '2026-11-22T20:01:00Z',
    },
  ],
  kubeletIdentity: { sent: 'account', account: 'kube-system/kubegauge-kubelets' },
  caBundles: [
    { apiService: 'v1.metrics.k8s.io', code: 'RootPublished', state: 'published', ready: true, trouble: false },
    {
      apiService: 'v1beta1.metrics.k8s.io',
      code: 'BundlePatchDenied',
      state: 'the server may not patch it',
      ready: false,
      trouble: true,
    },
  ],
  metricRules: [
    { source: 'main', rule: 'rules[0]', metrics: 2, series: 40, lastSuccess: '2026-11-22T20:00:00Z' },
    { source: 'main', rule: 'rules[1]', metrics: 1, error: 'the engine answers 503', query: 'rate(x[2m])' },
  ],
  nodes: [
    { name: 'node-1', ready: true, state: 'scraped', source: 'cadvisor', verifiedBy: 'address', served: true },
    {
      name: 'node-2',
      ready: true,
      state: 'scraped',
      source: 'resource',
      fallback: 'no container rows',
      verifiedBy: 'pinned-key',
      served: true,
    },
    {
      name: 'node-3',
      ready: true,
      state: 'failing',
      served: false,
      missing: 'never-scraped',
      failures: 4,
      error: {
        code: 'ConnectionRefused',
        message: 'nothing listens at 10.0.0.3:10250',
        remedy: 'does the kubelet run? See: kubectl describe node node-3',
      },
    },
  ],
};

const examination: Examination = {
  kind: 'Examination',
  version: '0.1.0',
  time: new Date().toISOString(),
  cluster: 'https://127.0.0.1:6443',
  place: 'outside',
  examined: true,
  checks: [
    { name: 'apiservices', title: 'APIServices of metrics', result: 'ok' },
    { name: 'nodes', title: 'the way to the kubelets', result: 'error' },
  ],
  findings: [
    {
      check: 'nodes',
      code: 'kubelet-refused',
      severity: 'error',
      object: `Node ${markup}`,
      problem: 'The kubelet refuses connections.',
      remedy: 'kubectl get node node-3 -o wide',
      evidence: 'ECONNREFUSED 10.0.0.9:10250',
    },
  ],
};

/** The last point is the current usage. */
function historyOf(
  { minutesOf, endedOf = () => 0 }: Scene,
  name: string,
  cpu: number,
  memory: number,
): readonly PointView[] {
  const minutes = minutesOf(name);
  const end = (Math.floor(Date.now() / 60_000) - endedOf(name)) * 60_000;
  const phase = 6 * fractionOf(name);
  const wave = (index: number, period: number, depth: number) => 1 - depth + depth * Math.sin(index / period + phase);
  const last = minutes - 1;
  return Array.from({ length: minutes }, (_, index) => ({
    timestampMs: end - (last - index) * 60_000,
    windowSeconds: 60,
    cpu: (cpu * wave(index, 6, 0.2)) / wave(last, 6, 0.2),
    memory: (memory * wave(index, 15, 0.1)) / wave(last, 15, 0.1),
  }));
}

/** The last point of each step, as the server has it. */
function thinned(points: readonly PointView[], stepSeconds: number): readonly PointView[] {
  const stepOf = ({ timestampMs }: PointView) => Math.floor(timestampMs / 1000 / stepSeconds);
  return [...new Map(points.map((point) => [stepOf(point), point])).values()];
}

const sum = (values: readonly (number | undefined)[]): number =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0);

/** Serves the scene as it is when it is read. */
export function viewOf(scene: Scene): UiView {
  const read = async <T>(make: () => T): Promise<T> => {
    if (scene.failure !== undefined) throw scene.failure;
    return make();
  };
  const total = (resource: 'cpu' | 'memory') => ({
    used: sum(scene.nodes.map((node) => node[resource].used)),
    requested: sum(scene.nodes.map((node) => node[resource].requested)),
    allocatable: sum(scene.nodes.map((node) => node[resource].allocatable)),
  });
  return {
    summary: () =>
      read(
        (): ClusterSummaryView => ({
          server: scene.server ?? 'kubegauge',
          nodes: scene.nodes.length,
          readyNodes: scene.nodes.filter(({ ready }) => ready).length,
          cpu: total('cpu'),
          memory: total('memory'),
          timestampMs: Date.now() - 12_000,
          degraded: scene.degraded,
          keepsHistory: true,
        }),
      ),
    nodes: () => read(() => scene.nodes),
    pods: ({ namespace, node, limit = 500, continue: from = '0' }) =>
      read(() => {
        const all = scene.pods.filter(
          (pod) =>
            (namespace === undefined || pod.namespace === namespace) && (node === undefined || pod.node === node),
        );
        const end = Number(from) + limit;
        return { items: all.slice(Number(from), end), ...(end < all.length ? { continue: String(end) } : {}) };
      }),
    nowMs: () => Date.now() + (scene.clockAheadMs ?? 0),
    busiestPods: ({ limit }) => read(() => scene.pods.slice(0, limit)),
    nodePoints: () => read(() => new Map()),
    containerPoints: () => read(() => new Map()),
    serverReport: () => read(() => scene.serverReport),
    unexplainedAutoscalers: () => read(() => scene.autoscalers),
    historyKeeper: () => read(() => 'kubegauge' as const),
    pod: (namespace, name) => read(() => scene.pods.find((pod) => pod.namespace === namespace && pod.name === name)),
    autoscalers: (namespace) =>
      read(() => scene.autoscalers.filter((one) => namespace === undefined || one.namespace === namespace)),
    nodeHistory: ({ name }) =>
      read(() => {
        const chosen = scene.nodes.filter((node) => name === undefined || node.name === name);
        return new Map(
          chosen.map((node) => [node.name, historyOf(scene, node.name, node.cpu.used ?? 0, node.memory.used ?? 0)]),
        );
      }),
    containerHistory: ({ namespace, name, labelSelector = '', stepSeconds = 60 }) =>
      read(() => {
        const { matches } = parseLabelSelector(labelSelector);
        const chosen = scene.pods.filter(
          (pod) =>
            pod.namespace === namespace &&
            (name ?? pod.name) === pod.name &&
            matches(new Map(Object.entries(pod.labels))),
        );
        return new Map(
          chosen.flatMap((pod) =>
            pod.containers.flatMap(({ name: container, cpu: { used: cpu }, memory: { used: memory } }) => {
              if (cpu === undefined || memory === undefined) return [];
              const points = historyOf(scene, pod.name, cpu, memory);
              return [[`${pod.namespace}/${pod.name}/${container}`, thinned(points, stepSeconds)] as const];
            }),
          ),
        );
      }),
  };
}

/** The real server of `kubegauge ui` over a scene. */
export function serveScene(scene: Scene, port = 0): Promise<Ui> {
  return startUi({
    view: viewOf(scene),
    examine: async () => scene.examination,
    context: 'made-up',
    port,
    clock: systemClock,
    log: silentLogger,
  });
}
