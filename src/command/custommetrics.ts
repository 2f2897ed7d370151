/** Custom and external metrics: the sources that flags name, and what they need of the cluster. */
import type { RestClient } from '../client/rest.ts';
import { createDescribedObjects } from '../cluster/describedobjects.ts';
import { createResourceMapper, type ResourceMapper } from '../cluster/resourcemapper.ts';
import { combineCustomSources, combineExternalSources, type NamedSource } from '../metricsource/combined.ts';
import type { SourceReport } from '../metricsource/source.ts';
import type { UsageSource } from '../metricsource/usage.ts';
import type { ApiGroups } from './apigroups.ts';
import type { KubeletMetrics } from './kubeletmetrics.ts';
import type { ConfiguredSource } from './configuredsource.ts';
import type { PrometheusMetricsOptions } from './prometheusmetrics.ts';
import type { SnapshotKeeper } from './snapshotfile.ts';
import { createValueGroups } from './valuegroups.ts';
import type { WritePath } from './writepath.ts';

export interface CustomMetricsOptions extends Omit<PrometheusMetricsOptions, 'mapper' | 'pods' | 'nodes'> {
  readonly rest: RestClient;
  readonly writePath: Pick<WritePath, 'pods' | 'nodes' | 'kubeletMetrics'>;
}

export interface CustomMetrics {
  readonly groups: ApiGroups;
  /** Of metrics.k8s.io; undefined where it comes from kubelets. */
  readonly usage: UsageSource | undefined;
  readonly snapshots: readonly SnapshotKeeper[];
  reports(): readonly SourceReport[];
  /** As `ConfiguredSource.isWarm`, of all sources. */
  isWarm(): boolean;
  run(signal: AbortSignal): Promise<void>;
}

/** Returns undefined without a source: then neither group is served, and nothing of the cluster is read for it. */
export async function createCustomMetrics(options: CustomMetricsOptions): Promise<CustomMetrics | undefined> {
  const { rest, clock, log, writePath } = options;
  const mapper = createResourceMapper({ rest, clock, log });
  const sources = await createSources(options, mapper);
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
  // A file with resourceRules only describes no objects.
  const lookups = custom.length + external.length === 0 ? [] : [mapper, objects];
  return {
    groups,
    usage: sources.find(({ usage }) => usage !== undefined)?.usage,
    snapshots: sources.flatMap(({ snapshot }) => snapshot ?? []),
    reports: () => sources.flatMap((source) => source.reports()),
    isWarm: () => sources.every((source) => source.isWarm()),
    run: async (signal) => void (await Promise.all([...lookups, ...sources].map((each) => each.run(signal)))),
  };
}

/** Makes the sources that flags name. The first one of several that have a metric serves it. */
async function createSources(
  { writePath: { kubeletMetrics, pods, nodes }, ...options }: CustomMetricsOptions,
  mapper: ResourceMapper,
): Promise<readonly ConfiguredSource[]> {
  const { config } = options.options;
  const prometheus = config === undefined ? [] : [await createPrometheus(config, { ...options, pods, nodes, mapper })];
  return [...(kubeletMetrics === undefined ? [] : [kubeletSource(kubeletMetrics)]), ...prometheus];
}

/** Imports the modules of rules and PromQL, with the YAML library, only with --config: 2 MB of heap, and 40 to 80 ms. */
async function createPrometheus(path: string, options: PrometheusMetricsOptions): Promise<ConfiguredSource> {
  const { createPrometheusMetrics } = await import('./prometheusmetrics.ts');
  return createPrometheusMetrics(path, options);
}

function kubeletSource({ source, run }: KubeletMetrics): ConfiguredSource {
  return {
    name: 'kubelet',
    custom: source,
    external: undefined,
    usage: undefined,
    snapshot: undefined,
    reports: source.reports,
    // Its list is that of the catalogue. For its samples the server waits by itself.
    isWarm: () => true,
    run,
  };
}

function sourcesOf<T>(
  sources: readonly ConfiguredSource[],
  pick: (source: ConfiguredSource) => T | undefined,
): readonly NamedSource<T>[] {
  return sources.flatMap((each): NamedSource<T>[] => {
    const source = pick(each);
    return source === undefined ? [] : [{ name: each.name, source }];
  });
}
