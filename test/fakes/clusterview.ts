/** A view of a small cluster whose numbers a test sets. */
import type { UiView } from '../../src/ui/collector.ts';
import type { HistoryKeeper } from '../../src/view/historyreader.ts';
import type { ServerReportResult } from '../../src/view/serverreport.ts';
import type { NodeView, PodView, AutoscalerView, PointView } from '../../src/view/types.ts';
import { pointOf } from '../../src/view/usages.ts';

export interface FakeClusterView extends UiView {
  readonly content: FakeViewContent;
}

export interface FakeViewContent {
  nodes: readonly NodeView[];
  pods: readonly PodView[];
  autoscalers: readonly AutoscalerView[];
  /** Undefined: the server cannot be recognised by nodes. */
  keepsHistory: boolean | undefined;
  contextNamespace?: string;
  /** Called with what would be recognised. */
  keeperOf: (namespace: string | undefined) => HistoryKeeper;
  containerPoints: ReadonlyMap<string, PointView>;
  serverReport: ServerReportResult;
  /** What the server keeps, by name. */
  points: ReadonlyMap<string, readonly PointView[]>;
  /** Names of the reads so far. */
  reads: string[];
  /** Called before each read, which may throw or wait. */
  before: (read: string) => Promise<void> | void;
}

/** @param nowMs kube-apiserver's time. */
export function createFakeClusterView(nowMs: () => number, given: Partial<FakeViewContent> = {}): FakeClusterView {
  const content: FakeViewContent = {
    nodes: [],
    pods: [],
    autoscalers: [],
    keepsHistory: true,
    keeperOf: () => (content.keepsHistory === true ? 'kubegauge' : 'other'),
    containerPoints: new Map(),
    serverReport: { state: 'absent' },
    points: new Map(),
    reads: [],
    before: () => undefined,
    ...given,
  };
  const read = async <T>(name: string, value: () => T): Promise<T> => {
    content.reads.push(name);
    await content.before(name);
    return value();
  };
  return {
    content,
    nowMs,
    summary: () =>
      read('summary', () => ({
        server: content.keepsHistory === undefined ? 'unknown' : content.keepsHistory ? 'kubegauge' : 'metrics-server',
        nodes: content.nodes.length,
        readyNodes: content.nodes.filter(({ ready }) => ready).length,
        cpu: {},
        memory: {},
        degraded: [],
        ...(content.keepsHistory !== undefined && { keepsHistory: content.keepsHistory }),
      })),
    nodes: () => read('nodes', () => content.nodes),
    pods: (query) =>
      read(`pods ${JSON.stringify(query)}`, () => {
        const from = Number(query.continue ?? 0);
        const to = from + (query.limit ?? 500);
        const page = content.pods.slice(from, to);
        return { items: page, ...(to < content.pods.length && { continue: String(to) }) };
      }),
    pod: (namespace, name) =>
      read(`pod ${namespace}/${name}`, () =>
        content.pods.find((pod) => pod.namespace === namespace && pod.name === name),
      ),
    busiestPods: () => Promise.reject(new Error('the page reads pods by pages')),
    nodePoints: () =>
      read('nodePoints', () => {
        const points = new Map<string, PointView>();
        for (const node of content.nodes) {
          const point = pointOf(node, { cpu: node.cpu.used, memory: node.memory.used });
          if (point !== undefined) points.set(node.name, point);
        }
        return points;
      }),
    containerPoints: (namespace) =>
      read(`containerPoints${namespace === undefined ? '' : ` ${namespace}`}`, () => content.containerPoints),
    serverReport: () => read('serverReport', () => content.serverReport),
    historyKeeper: (namespace) => read(`historyKeeper ${namespace}`, () => content.keeperOf(namespace)),
    ...(content.contextNamespace !== undefined && { contextNamespace: content.contextNamespace }),
    autoscalers: () => read('autoscalers', () => content.autoscalers),
    unexplainedAutoscalers: () => read('unexplainedAutoscalers', () => content.autoscalers),
    nodeHistory: (query) => read(`nodeHistory ${JSON.stringify(query)}`, () => content.points),
    containerHistory: (query) => read(`containerHistory ${JSON.stringify(query)}`, () => content.points),
  };
}

export function nodeView(name: string, given: Partial<NodeView> = {}): NodeView {
  const timestampMs = Date.parse('2026-11-22T20:00:00Z');
  return { name, ready: true, cpu: { used: 1 }, memory: { used: 1000 }, timestampMs, windowSeconds: 15, ...given };
}

/** A pod without containers and numbers. */
export function barePodView(name: string, given: Partial<PodView> = {}): PodView {
  return {
    namespace: 'shop',
    name,
    phase: 'Running',
    status: 'Running',
    restarts: 0,
    labels: {},
    cpu: {},
    memory: {},
    containers: [],
    ...given,
  };
}

/** A pod with one container, `app`. */
export function podView(namespace: string, name: string, given: Partial<PodView> = {}): PodView {
  const [cpu, memory] = [{ used: 0.5 }, { used: 500 }];
  return barePodView(name, {
    namespace,
    cpu,
    memory,
    containers: [{ name: 'app', kind: 'container', cpu, memory, restarts: 0 }],
    timestampMs: Date.parse('2026-11-22T20:00:00Z'),
    windowSeconds: 15,
    ...given,
  });
}

export function autoscalerView(namespace: string, name: string, given: Partial<AutoscalerView> = {}): AutoscalerView {
  const metrics = [{ name: 'cpu', current: '45%', target: '50%', ratio: 0.9 }];
  return {
    namespace,
    name,
    target: { kind: 'Deployment', name },
    minReplicas: 1,
    maxReplicas: 5,
    replicas: 2,
    metrics,
    ...given,
  };
}
