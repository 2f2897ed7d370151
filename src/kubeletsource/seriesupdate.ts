/** Makes the update of a node's objects by one scrape: columns by kind of cgroup, limits, times. */
import type { SeriesBatch, WantedColumns } from '../sample/seriescolumns.ts';
import { stalenessMs } from '../storage/lastusage.ts';
import { longestWindowMs, mostCoresOf, mostMemoryBytesOf } from '../storage/samplerules.ts';
import type { UpdateOptions } from '../storage/scrapeupdate.ts';
import type { KubeletMetric } from './catalogue.ts';
import { kindColumns, type SeriesUpdate } from './podseries.ts';

export interface SeriesLimitsOptions
  extends Pick<UpdateOptions, 'clock' | 'resolutionMs' | 'stalenessMs' | 'capacityCores' | 'capacityMemoryBytes'> {
  /** Milliseconds over which rates are averaged. */
  readonly windowMs: number;
}

/** A scraped node. */
interface UpdatedNode {
  readonly name: string;
  /** See StoreResult. */
  readonly spacingMs: number;
}

/** Returns a function that makes updates. @param options as of the storage. */
export function createUpdates(
  options: SeriesLimitsOptions,
): (batch: SeriesBatch, metrics: readonly KubeletMetric[], node: UpdatedNode) => SeriesUpdate {
  const kinds = createKinds();
  return (batch, metrics, { name, spacingMs }) => {
    const had = new Set<string>(batch.columns);
    const unreadMs = stalenessMs({ atLeastMs: options.stalenessMs, spacingMs });
    return {
      batch,
      columnsOf: kinds(batch.columns),
      limits: limitsOf(options, name, spacingMs, unreadMs),
      nowMs: options.clock.monotonicMs(),
      stalenessMs: unreadMs,
      metrics: metrics.filter((metric) => metric.columns.every((each) => had.has(each))),
    };
  };
}

function limitsOf(
  { windowMs, resolutionMs, capacityCores, capacityMemoryBytes }: SeriesLimitsOptions,
  node: string,
  spacingMs: number,
  unreadMs: number,
): SeriesUpdate['limits'] {
  return {
    windowMs,
    longestIntervalMs: Math.max(windowMs, longestWindowMs(resolutionMs, spacingMs)),
    unreadMs,
    most: {
      cores: mostCoresOf(capacityCores?.(node)),
      memory: mostMemoryBytesOf(capacityMemoryBytes?.(node)),
    },
  };
}

/** Returns a function that keeps its last result: the wanted columns seldom change. */
function createKinds(): (columns: WantedColumns) => SeriesUpdate['columnsOf'] {
  let last: { readonly columns: WantedColumns; readonly of: SeriesUpdate['columnsOf'] } | undefined;
  return (columns) => {
    if (last?.columns !== columns) {
      const of = {
        machine: kindColumns(columns, 'machine'),
        pod: kindColumns(columns, 'pod'),
        sandbox: kindColumns(columns, 'sandbox'),
        container: kindColumns(columns, 'container'),
      };
      last = { columns, of };
    }
    return last.of;
  };
}
