/**
 * Decides which metrics are scraped: those that an autoscaler names, that were requested in the last hour, or that the
 * flag names. Each family costs kubelets and us, so without demand none is requested.
 */
import type { Clock } from '../clock.ts';
import type { ColumnName, WantedColumns } from '../sample/seriescolumns.ts';
import { noColumns } from '../sample/seriescolumns.ts';
import { catalogue, type KubeletMetric, metricNamed } from './catalogue.ts';

/** How long a request keeps its metric wanted, in milliseconds. Autoscalers ask every 15 s. */
export const demandMs = 3_600_000;

export interface Demand {
  /** The same array until the demand changes. In the catalogue's order. */
  metrics(): readonly KubeletMetric[];
  /** The series of these metrics, as `WantedColumns`. */
  columns(): WantedColumns;
  /** Notes a request. Returns whether there was one in the last hour. */
  requested(metric: KubeletMetric): boolean;
  /** Milliseconds since the metric is wanted, without a pause. */
  wantedForMs(metric: KubeletMetric): number;
  /** Returns the wanted metrics for a snapshot: names, and milliseconds since the last request. */
  saved(): readonly (readonly [name: string, ageMs: number])[];
  /** Takes the metrics of a snapshot for requested. @param thenMs when it was written, monotonic. */
  restore(saved: ReturnType<Demand['saved']>, thenMs: number): void;
  /** Why the metric is wanted; undefined if it is not. */
  reasonOf(metric: KubeletMetric): DemandReason | undefined;
}

export type DemandReason = 'flag' | 'autoscaler' | 'request';

export interface DemandOptions {
  readonly clock: Clock;
  /** Metrics that are wanted always. */
  readonly always: readonly string[];
  /** Calls the listener with the metrics that autoscalers name, after each change. */
  readonly onAutoscalers: (listener: (names: ReadonlySet<string>) => void) => void;
}

interface WantedMetrics {
  readonly metrics: readonly KubeletMetric[];
  readonly columns: WantedColumns;
  /** When the first request expires, monotonic; Infinity if none does. */
  readonly untilMs: number;
}

export function createDemand({ clock, always, onAutoscalers }: DemandOptions): Demand {
  const permanent = new Set(always);
  const requests = new Map<string, number>();
  const since = new Map<string, number>();
  let autoscalers: ReadonlySet<string> = new Set();
  let wanted: WantedMetrics = { metrics: [], columns: noColumns, untilMs: -Infinity };
  let isChanged = false;
  onAutoscalers((names) => {
    autoscalers = names;
    isChanged = true;
  });
  return {
    metrics: () => current().metrics,
    columns: () => current().columns,
    requested,
    wantedForMs,
    reasonOf,
    saved() {
      const nowMs = clock.monotonicMs();
      // An autoscaler's demand is as young as can be.
      const ageMs = (metric: KubeletMetric) =>
        reasonOf(metric) === 'request' ? nowMs - (requests.get(metric.name) ?? nowMs) : 0;
      return current().metrics.map((metric) => [metric.name, ageMs(metric)]);
    },
    restore(saved, thenMs) {
      for (const [name, ageMs] of saved) {
        if (metricNamed(name) === undefined) continue;
        requests.set(name, thenMs - ageMs);
        // Its first samples came before the restart.
        since.set(name, thenMs - demandMs);
      }
      isChanged = true;
    },
  };

  function requested(metric: KubeletMetric): boolean {
    const nowMs = clock.monotonicMs();
    const wasRequested = isRecent(metric.name, nowMs);
    if (reasonOf(metric) === undefined) isChanged = true;
    requests.set(metric.name, nowMs);
    return wasRequested;
  }

  function wantedForMs({ name }: KubeletMetric): number {
    current();
    const nowMs = clock.monotonicMs();
    return nowMs - (since.get(name) ?? nowMs);
  }

  function reasonOf({ name }: KubeletMetric): DemandReason | undefined {
    if (permanent.has(name)) return 'flag';
    if (autoscalers.has(name)) return 'autoscaler';
    return isRecent(name, clock.monotonicMs()) ? 'request' : undefined;
  }

  function isRecent(name: string, nowMs: number): boolean {
    return nowMs - (requests.get(name) ?? -Infinity) < demandMs;
  }

  function current(): WantedMetrics {
    const nowMs = clock.monotonicMs();
    if (!isChanged && nowMs < wanted.untilMs) return wanted;
    isChanged = false;
    const metrics = catalogue.filter((metric) => reasonOf(metric) !== undefined);
    const names = new Set(metrics.map(({ name }) => name));
    for (const name of since.keys()) if (!names.has(name)) since.delete(name);
    for (const name of names) if (!since.has(name)) since.set(name, nowMs);
    for (const name of requests.keys()) if (!isRecent(name, nowMs)) requests.delete(name);
    const untilMs = requests.values().reduce((first, atMs) => Math.min(first, atMs + demandMs), Infinity);
    // The same arrays for the same metrics: what was made of them is kept.
    wanted = areSame(wanted.metrics, metrics)
      ? { ...wanted, untilMs }
      : { metrics, columns: columnsOf(metrics), untilMs };
    return wanted;
  }
}

/** Returns the series that metrics need; sorted, each once. */
export function columnsOf(metrics: readonly KubeletMetric[]): WantedColumns {
  if (metrics.length === 0) return noColumns;
  return [...new Set<ColumnName>(metrics.flatMap(({ columns }) => columns))].sort();
}

/** Returns the names that are not in the catalogue. */
export function unknownMetrics(names: readonly string[]): readonly string[] {
  return names.filter((name) => metricNamed(name) === undefined);
}

function areSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}
