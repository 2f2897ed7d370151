/** Custom and external metrics: the sources that flags name, and what they need of the cluster. */
import type { RestClient } from '../client/rest.ts';
import type { Clock } from '../clock.ts';
import { createDescribedObjects } from '../cluster/describedobjects.ts';
import { createResourceMapper } from '../cluster/resourcemapper.ts';
import type { Logger } from '../logging.ts';
import { combineCustomSources, combineExternalSources, type NamedSource } from '../metricsource/combined.ts';
import type { CustomMetricSource, ExternalMetricSource, SourceReport } from '../metricsource/source.ts';
import type { ApiGroups } from './apigroups.ts';
import type { KubeletMetrics } from './kubeletmetrics.ts';
import { createValueGroups } from './valuegroups.ts';
import type { WritePath } from './writepath.ts';

export interface CustomMetricsOptions {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly writePath: Pick<WritePath, 'pods' | 'nodes' | 'kubeletMetrics'>;
}

/** A source of one or both kinds of metrics. */
export interface MetricsSource {
  /** For the log and /status. */
  readonly name: string;
  readonly custom: CustomMetricSource | undefined;
  readonly external: ExternalMetricSource | undefined;
  reports(): readonly SourceReport[];
  /** Runs until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

export interface CustomMetrics {
  readonly groups: ApiGroups;
  reports(): readonly SourceReport[];
  run(signal: AbortSignal): Promise<void>;
}

/** Returns undefined without a source: then neither group is served, and nothing of the cluster is read for it. */
export async function createCustomMetrics(options: CustomMetricsOptions): Promise<CustomMetrics | undefined> {
  const { rest, clock, log, writePath } = options;
  const mapper = createResourceMapper({ rest, clock, log });
  const sources = await createSources(options);
  if (sources.length === 0) return undefined;
  const objects = createDescribedObjects({ rest, clock, log, pods: writePath.pods, nodes: writePath.nodes });
  const custom = sourcesOf(sources, ({ custom: of }) => of);
  const external = sourcesOf(sources, ({ external: of }) => of);
  const groups = createValueGroups({
    custom: custom.length === 0 ? undefined : combineCustomSources(custom, log),
    external: external.length === 0 ? undefined : combineExternalSources(external, log),
    mapper,
    objects,
  });
  return {
    groups,
    reports: () => sources.flatMap((source) => source.reports()),
    run: async (signal) => void (await Promise.all([mapper, objects, ...sources].map((each) => each.run(signal)))),
  };
}

/** Makes the sources that flags name. Of a metric that several have, the first one is served. */
async function createSources({
  writePath: { kubeletMetrics },
}: CustomMetricsOptions): Promise<readonly MetricsSource[]> {
  return kubeletMetrics === undefined ? [] : [kubeletSource(kubeletMetrics)];
}

function kubeletSource({ source, run }: KubeletMetrics): MetricsSource {
  return { name: 'kubelet', custom: source, external: undefined, reports: source.reports, run };
}

function sourcesOf<T>(
  sources: readonly MetricsSource[],
  pick: (source: MetricsSource) => T | undefined,
): readonly NamedSource<T>[] {
  return sources.flatMap((each): NamedSource<T>[] => {
    const source = pick(each);
    return source === undefined ? [] : [{ name: each.name, source }];
  });
}
