/** Several sources as one. */
import type { GroupResource } from '../apimachinery/status.ts';
import type { Logger } from '../logging.ts';
import { perLists } from './perlist.ts';
import type { CustomMetric, CustomMetricSource, ExternalMetricSource } from './source.ts';

/** Identifies a metric of a resource; neither part has a slash. */
export function metricKey({ group, resource }: GroupResource, metric: string): string {
  return `${resource}.${group}/${metric}`;
}

export interface NamedSource<T> {
  /** For the log. */
  readonly name: string;
  readonly source: T;
}

/** Serves a metric that several sources have from the first of them, and logs each such metric once. */
export function combineCustomSources(
  sources: readonly NamedSource<CustomMetricSource>[],
  log: Logger,
): CustomMetricSource {
  const [only] = sources;
  if (only !== undefined && sources.length === 1) return only.source;
  const union = createUnion(sources, log, (each: CustomMetric) => metricKey(each.resource, each.metric));
  return {
    list: () => union().items,
    absence: (metric, resource) => firstOf(sources, ({ source }) => source.absence?.(metric, resource)),
    get: async (question, signal) => {
      const owner = union().owners.get(metricKey(question.resource, question.metric));
      // It has gone since the API looked at the list.
      return owner === undefined ? { samples: [] } : owner.source.get(question, signal);
    },
  };
}

/** As `combineCustomSources`. */
export function combineExternalSources(
  sources: readonly NamedSource<ExternalMetricSource>[],
  log: Logger,
): ExternalMetricSource {
  const [only] = sources;
  if (only !== undefined && sources.length === 1) return only.source;
  const union = createUnion(sources, log, (metric: string) => metric);
  return {
    list: () => union().items,
    absence: (metric) => firstOf(sources, ({ source }) => source.absence?.(metric)),
    get: async (question, signal) => (await union().owners.get(question.metric)?.source.get(question, signal)) ?? [],
  };
}

interface Union<Item, Source> {
  readonly items: readonly Item[];
  readonly owners: ReadonlyMap<string, NamedSource<Source>>;
}

/** Returns a function that returns the union of the sources' current lists. */
function createUnion<Item, Source extends { list(): readonly Item[] }>(
  sources: readonly NamedSource<Source>[],
  log: Logger,
  keyOf: (item: Item) => string,
): () => Union<Item, Source> {
  const logged = new Set<string>();
  const listed = sources.map(({ source }) => source);
  return perLists(listed, (lists) => {
    const items: Item[] = [];
    const owners = new Map<string, NamedSource<Source>>();
    for (const [index, named] of sources.entries()) {
      for (const item of lists[index] ?? []) {
        const key = keyOf(item);
        const owner = owners.get(key);
        if (owner === undefined) {
          owners.set(key, named);
          items.push(item);
        } else if (owner !== named) logConflict(key, owner.name, named.name);
      }
    }
    return { items, owners };
  });

  function logConflict(metric: string, served: string, ignored: string): void {
    if (logged.has(metric) || logged.size >= loggedLimit) return;
    logged.add(metric);
    log.warn(
      { code: 'MetricInTwoSources', metric, served, ignored },
      'two sources have the same metric; the first one is served',
    );
  }
}

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Metrics that are logged; more explain no conflict better. */
const loggedLimit = 1_000;
