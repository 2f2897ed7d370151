/** Builds custom metrics from kubelets by the flags: demand, store and source. */
import type { RestClient } from '../client/rest.ts';
import type { Clock } from '../clock.ts';
import type { Nodes } from '../cluster/nodes.ts';
import type { Pods } from '../cluster/pods.ts';
import { createAutoscalerMetrics } from '../kubeletsource/autoscalermetrics.ts';
import { catalogue, metricNamed } from '../kubeletsource/catalogue.ts';
import { createDemand, type Demand, unknownMetrics } from '../kubeletsource/demand.ts';
import { createKubeletSource, type KubeletSource } from '../kubeletsource/kubeletsource.ts';
import { checkSavedDemand, checkSavedSeries } from '../kubeletsource/seriessnapshot.ts';
import { createSeriesStore, type SeriesStore } from '../kubeletsource/seriesstore.ts';
import { createSourceMetrics } from '../kubeletsource/sourcemetrics.ts';
import type { Logger } from '../logging.ts';
import type { Registry } from '../monitoring.ts';
import type { Options } from '../options/flags.ts';
import { UsageError } from '../options/parse.ts';
import type { WantedColumns } from '../sample/seriescolumns.ts';
import type { SnapshotAddition } from './snapshotfile.ts';

export interface KubeletMetrics {
  readonly source: KubeletSource;
  readonly store: SeriesStore;
  readonly snapshot: SnapshotAddition;
  /** Returns the series that are scraped for it now. */
  readonly wanted: () => WantedColumns;
  /** Watches autoscalers. */
  run(signal: AbortSignal): Promise<void>;
}

export interface KubeletMetricsOptions {
  readonly options: Options;
  readonly rest: RestClient;
  readonly nodes: Pick<Nodes, 'get'>;
  readonly pods: Pick<Pods, 'get' | 'list' | 'hasEnded'>;
  readonly bringForward: (node: string) => void;
  readonly stalenessMs: number;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Returns undefined unless --custom-metrics=kubelet. @throws UsageError for metrics that are not in the catalogue. */
export function createKubeletMetrics(from: KubeletMetricsOptions): KubeletMetrics | undefined {
  const { options, rest, nodes, pods, bringForward, stalenessMs, registry, clock, log } = from;
  if (options['custom-metrics'] !== 'kubelet') return undefined;
  const always = options['custom-metrics-always'];
  const [unknown] = unknownMetrics(always);
  if (unknown !== undefined) {
    const known = catalogue.map(({ name }) => name).join(', ');
    throw new UsageError({
      code: 'InvalidFlagValue',
      text: `--custom-metrics-always: kubelets have no metric ${unknown}; they have ${known}`,
    });
  }
  const autoscalers = createAutoscalerMetrics({ rest, clock, log, isKnown: (name) => metricNamed(name) !== undefined });
  const demand = createDemand({ clock, always, onAutoscalers: autoscalers.onChange });
  const store = createSeriesStore({
    clock,
    windowMs: options['custom-metrics-window'],
    resolutionMs: options['metric-resolution'],
    stalenessMs,
    capacityCores: (node) => nodes.get(node)?.capacityCores,
    capacityMemoryBytes: (node) => nodes.get(node)?.capacityMemoryBytes,
    hasEnded: pods.hasEnded,
    nodeUid: (node) => nodes.get(node)?.uid,
    wanted: demand.metrics,
    isDemandKnown: autoscalers.isKnown,
  });
  createSourceMetrics(registry, demand, store);
  const source = createKubeletSource({
    demand,
    store,
    pods,
    bringForward,
    resolutionMs: options['metric-resolution'],
  });
  return { source, store, snapshot: additionOf(demand, store), wanted: demand.columns, run: autoscalers.run };
}

/** A line of what is wanted, so that the first scrape requests it, then one for each node. */
function additionOf(demand: Demand, store: SeriesStore): SnapshotAddition {
  return {
    *saved() {
      yield demand.saved();
      yield* store.saved();
    },
    restore([wanted = [], ...lines], thenMs) {
      const saved = { wanted: checkSavedDemand(wanted), series: lines.map(checkSavedSeries) };
      demand.restore(saved.wanted, thenMs);
      store.restore(saved.series, thenMs);
    },
    forget: store.forget,
  };
}
