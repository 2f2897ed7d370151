/** Sums the nodes to the cluster's header, and says what is degraded. */
import type { HistoryKeeper } from './historyreader.ts';
import { defined } from './defined.ts';
import { type ResourceName, sumOf } from './resources.ts';
import type { AmountName, ClusterSummaryView, NodeView, ResourceView } from './types.ts';

export interface SummaryFacts {
  readonly nodes: readonly NodeView[];
  /** A sentence for each part that could not be read. */
  readonly problems: readonly string[];
  /** Reports whether usages of nodes were read. */
  readonly isMeasured: boolean;
  /** Undefined if it is not known. */
  readonly keeper: HistoryKeeper | undefined;
}

export function summarise({ nodes: views, problems, isMeasured, keeper }: SummaryFacts): ClusterSummaryView {
  // No spread: a server that ignores `limit` may answer with more nodes than a call has arguments.
  const oldestMs = views.reduce(
    (oldest, { timestampMs = oldest }) => Math.min(oldest, timestampMs),
    Number.POSITIVE_INFINITY,
  );
  const isReadyKnown = views.some(({ ready }) => ready !== undefined);
  const ready = views.filter((node) => node.ready === true).length;
  const missing = views.filter(({ timestampMs }) => timestampMs === undefined).length;
  const notes = [
    ...(isReadyKnown && ready < views.length ? [`${views.length - ready} of ${views.length} nodes are not ready`] : []),
    ...(missing > 0 && isMeasured ? [`${missing} of ${views.length} nodes have no usage`] : []),
  ];
  return defined({
    server: keeper === undefined ? 'unknown' : keeper === 'other' ? 'metrics-server' : 'kubegauge',
    nodes: views.length,
    readyNodes: isReadyKnown ? ready : undefined,
    cpu: total(views, 'cpu'),
    memory: total(views, 'memory'),
    timestampMs: Number.isFinite(oldestMs) ? oldestMs : undefined,
    degraded: [...problems, ...notes],
    keepsHistory: keeper === undefined ? undefined : keeper === 'kubegauge',
  });
}

function total(views: readonly NodeView[], resource: ResourceName): ResourceView {
  const measured = views.filter((node) => node[resource].used !== undefined);
  const isPart = measured.length > 0 && measured.length < views.length;
  return defined({
    used: sumOfKnown(views, resource, 'used'),
    requested: sumOfKnown(views, resource, 'requested'),
    limit: sumOfKnown(views, resource, 'limit'),
    allocatable: sumOfKnown(views, resource, 'allocatable'),
    allocatableWithUsage: isPart ? sumOfKnown(measured, resource, 'allocatable') : undefined,
  });
}

function sumOfKnown(views: readonly NodeView[], resource: ResourceName, key: AmountName): number | undefined {
  const known = views.flatMap((node) => node[resource][key] ?? []);
  return known.length === 0 ? undefined : sumOf(known);
}
