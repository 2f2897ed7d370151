/** Reads what people see of a cluster: objects of the API, joined with usages, requests and reasons. */
import type { ApiServer } from '../client/apiserver.ts';
import { type Clock, systemClock } from '../clock.ts';
import { type AutoscalerObject, parseAutoscalerObject } from './autoscalerviews.ts';
import { createHistoryReader, type HistoryKeeper } from './historyreader.ts';
import { createNodeReader } from './nodereader.ts';
import { part } from './part.ts';
import { autoscalerList, nodeMetrics, podMetrics } from './paths.ts';
import { createPodReader } from './podreader.ts';
import { autoscalerReasons } from './reasons.ts';
import { createReads, type Reads } from './reads.ts';
import { createSourceReader } from './sources.ts';
import { readServerReport, type ServerReportResult } from './serverreport.ts';
import { summarise } from './summary.ts';
import type { AutoscalerView, ClusterView, PointView } from './types.ts';
import { createMetricsReader, type MeasuredUsage, pointOf, type PodUsages } from './usages.ts';
import { ViewError } from './viewerror.ts';

export interface ClusterViewOptions {
  readonly server: ApiServer;
  readonly clock?: Clock;
  /**
   * The first nodes and summary wait for what all pods request, and for sources of usages. Without it, a cluster of many pods has no requests
   * in them at first, and no cluster sources.
   */
  readonly waitsForAll?: boolean;
}

export interface OpenClusterView extends ClusterView, AsyncDisposable {
  /** Returns the latest point of each node, by name: reads usages, and not why one is missing. @throws ViewError. */
  nodePoints(): Promise<ReadonlyMap<string, PointView>>;
  /** Returns the autoscalers of all namespaces, without reading why one does not scale. @throws ViewError. */
  unexplainedAutoscalers(): Promise<readonly AutoscalerView[]>;
  /** Returns the latest point of each container, by `namespace/pod/container`: reads usages, and no pods. @throws ViewError. */
  containerPoints(namespace?: string): Promise<ReadonlyMap<string, PointView>>;
  /** Returns what the server reports of itself. @throws ViewError without a usable answer. */
  serverReport(): Promise<ServerReportResult>;
  /** Returns who keeps the history of a namespace's containers; of nodes without one. @throws ViewError if that is not known. */
  historyKeeper(namespace?: string): Promise<HistoryKeeper>;
  /** The namespace of the kubeconfig's context, if it names one: a user without rights on others has it. */
  readonly contextNamespace?: string;
  /** Resolves when what all pods request has been read once, or cannot be: nodes and summaries of before may lack it. */
  readonly requestsRead: Promise<void>;
}

/** Opens connections with the first read. */
export function createClusterView({
  server,
  clock = systemClock,
  waitsForAll = false,
}: ClusterViewOptions): OpenClusterView {
  const reads = createReads(server, clock);
  const usages = createMetricsReader(reads, clock);
  const history = createHistoryReader(reads, clock);
  const sources = createSourceReader(history, clock, waitsForAll);
  const nodes = createNodeReader(reads, usages, { clock, sources, waitsForAll });
  const { pods, busiestPods, pod } = createPodReader(reads, usages, { nodes, sources });
  const keeperOfServer = () => part(history.keeperOfServer(server.contextNamespace));
  const comesFromPrometheus = async () => (await keeperOfServer()).value === 'prometheus';
  return {
    async summary() {
      const [read, keeper] = await Promise.all([nodes.viewsWithoutCauses(), keeperOfServer()]);
      return summarise({ ...read, keeper: keeper.value });
    },
    async nodes() {
      const read = await nodes.views();
      if (read.nodes.length === 0 && read.problems.length > 0) throw new ViewError(read.problems.join('; '), undefined);
      return read.nodes;
    },
    pods,
    busiestPods,
    pod,
    autoscalers: async (namespace) => explained(reads, await readAutoscalers(reads, namespace), comesFromPrometheus),
    nodeHistory: ({ name, ...range }) => history.nodes(range, name),
    containerHistory: (query) => history.containers(query, query),
    nodePoints: async () => toNodePoints(await nodes.usages()),
    unexplainedAutoscalers: async () => (await readAutoscalers(reads, undefined)).map(({ view }) => view),
    async containerPoints(namespace) {
      return toContainerPoints(await usages.allPods(namespace, undefined));
    },
    serverReport: () => readServerReport(reads),
    historyKeeper: async (namespace) => history.keeper(namespace === undefined ? nodeMetrics : podMetrics(namespace)),
    ...(server.contextNamespace !== undefined && { contextNamespace: server.contextNamespace }),
    requestsRead: nodes.requestsRead,
    nowMs: reads.nowMs,
    [Symbol.asyncDispose]: () => reads[Symbol.asyncDispose](),
  };
}

function toNodePoints(usages: ReadonlyMap<string, MeasuredUsage>): ReadonlyMap<string, PointView> {
  const points = new Map<string, PointView>();
  for (const [name, usage] of usages) {
    const point = pointOf(usage, usage);
    if (point !== undefined) points.set(name, point);
  }
  return points;
}

function toContainerPoints(usages: PodUsages): ReadonlyMap<string, PointView> {
  const points = new Map<string, PointView>();
  for (const usage of usages.values()) {
    for (const [container, numbers] of usage.containers) {
      const point = pointOf(usage, numbers);
      if (point !== undefined) points.set(`${usage.namespace}/${usage.name}/${container}`, point);
    }
  }
  return points;
}

const autoscalersPerPage = 500;

async function readAutoscalers(reads: Reads, namespace: string | undefined): Promise<readonly AutoscalerObject[]> {
  const { path, what } = autoscalerList(namespace);
  const known: AutoscalerObject[] = [];
  for await (const page of reads.pages(what, path, autoscalersPerPage))
    known.push(...page.flatMap((object) => parseAutoscalerObject(object) ?? []));
  return known;
}

async function explained(
  reads: Reads,
  known: readonly AutoscalerObject[],
  comesFromPrometheus: () => Promise<boolean>,
): Promise<readonly AutoscalerView[]> {
  const reasons = await autoscalerReasons(reads, known, comesFromPrometheus);
  return known.map(({ view }) => {
    const reason = reasons.get(`${view.namespace}/${view.name}`);
    return reason === undefined ? view : { ...view, reason };
  });
}
