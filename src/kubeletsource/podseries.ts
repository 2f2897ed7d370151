/** The kept samples and the last values of one pod, or of one machine. */
import {
  areSameColumns,
  columnOf,
  type SeriesBatch,
  type SeriesCgroup,
  type WantedColumns,
} from '../sample/seriescolumns.ts';
import { cgroupsOf, type KubeletMetric } from './catalogue.ts';
import { type CgroupNumbers, type HistoryLimits, SampleHistory } from './history.ts';
import { combine, type MetricNumber, type NoNumber, type Part } from './metricvalue.ts';

/** The batch's columns that cgroups of one kind have. */
export interface KindColumns {
  readonly columns: WantedColumns;
  readonly indexes: readonly number[];
  readonly isCounter: readonly boolean[];
  readonly isUnreadAtZero: readonly boolean[];
}

/** Returns the columns of one kind of cgroup. */
export function kindColumns(wanted: WantedColumns, kind: SeriesCgroup['kind']): KindColumns {
  const indexes = [...wanted.keys()].filter((index) => kind === 'machine' || columnOf(wanted[index]!).of === kind);
  const columns = indexes.map((index) => wanted[index]!);
  const isCounter = columns.map((name) => columnOf(name).kind === 'counter');
  const isUnreadAtZero = columns.map((name) => columnOf(name).isUnreadAtZero === true);
  return { columns, indexes, isCounter, isUnreadAtZero };
}

/** The samples of one scrape for one object. */
export interface SeriesUpdate {
  readonly batch: SeriesBatch;
  readonly columnsOf: Readonly<Record<SeriesCgroup['kind'], KindColumns>>;
  readonly limits: HistoryLimits;
  /** Monotonic. */
  readonly nowMs: number;
  readonly stalenessMs: number;
  /** Metrics whose columns the batch has. */
  readonly metrics: readonly KubeletMetric[];
}

/** One cgroup of the object in this scrape: its ID, and its place in the batch, undefined without wanted series. */
export interface FoundCgroup {
  readonly id: string;
  readonly cgroup: number | undefined;
}

export type FoundCgroups = Readonly<Record<SeriesCgroup['kind'], readonly FoundCgroup[]>>;

interface LastNumber extends MetricNumber {
  /** When its newest part came, monotonic. */
  readonly sinceMs: number;
  readonly newestMs: number;
  /** When the last number with all parts came, or the object's first scrape, monotonic. */
  readonly wholeMs: number;
}

export class ObjectSeries {
  readonly #since: number;
  #seenMs: number;
  readonly #parts: Record<SeriesCgroup['kind'], Map<string, Part>> = {
    machine: new Map(),
    pod: new Map(),
    sandbox: new Map(),
    container: new Map(),
  };
  readonly #last = new Map<string, LastNumber>();
  readonly #why = new Map<string, NoNumber>();

  /** @param sinceMs when the object was first scraped, monotonic. */
  constructor(sinceMs: number) {
    this.#since = sinceMs;
    this.#seenMs = sinceMs;
  }

  /** When it was last scraped, monotonic. */
  get seenMs(): number {
    return this.#seenMs;
  }

  /** Bytes of kept samples. */
  get bytes(): number {
    let bytes = 0;
    for (const parts of Object.values(this.#parts)) {
      for (const { history } of parts.values()) bytes += history?.bytes ?? 0;
    }
    return bytes;
  }

  get numbers(): number {
    return this.#last.size;
  }

  /** Drops the samples, not the values: there is no rate over a step of the node's clock. */
  clearSamples(): void {
    for (const parts of Object.values(this.#parts)) for (const { history } of parts.values()) history?.clear();
  }

  update(found: FoundCgroups, update: SeriesUpdate): void {
    this.#seenMs = update.nowMs;
    for (const kind of ['machine', 'pod', 'sandbox', 'container'] as const) this.#addSamples(kind, found[kind], update);
    for (const metric of update.metrics) this.#compute(metric, this.#partsFor(metric), update);
  }

  /** Keeps the values of these metrics only. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#last.keys()) if (!names.has(name)) this.#last.delete(name);
    for (const name of this.#why.keys()) if (!names.has(name)) this.#why.delete(name);
  }

  /** Returns the last value, or why there is none. */
  read(name: string, nowMs: number, stalenessMs: number): MetricNumber | NoNumber | 'stale' {
    const last = this.#last.get(name);
    if (last !== undefined && nowMs - last.sinceMs <= stalenessMs) return last;
    return this.#why.get(name) ?? (last === undefined ? 'waiting' : 'stale');
  }

  #partsFor(metric: KubeletMetric): readonly Part[] {
    const machine = this.#parts.machine;
    return [...(machine.size > 0 ? machine : this.#parts[cgroupsOf(metric)]).values()];
  }

  #addSamples(kind: SeriesCgroup['kind'], found: readonly FoundCgroup[], update: SeriesUpdate): void {
    const parts = this.#parts[kind];
    // Kubelets leave out cgroups for a scrape or two; which containers there are is the decoder's decision.
    if (found.length === 0 && kind !== 'container') return;
    const ids = new Set(found.map(({ id }) => id));
    for (const id of parts.keys()) if (!ids.has(id)) parts.delete(id);
    for (const { id, cgroup } of found) {
      const before = parts.get(id);
      const history =
        cgroup === undefined ? before?.history : historyFor(before?.history, update.columnsOf[kind].columns);
      if (history !== before?.history || before?.isNew !== false)
        parts.set(id, { history, isNew: before === undefined });
      if (cgroup === undefined || history === undefined) continue;
      const { batch, columnsOf, limits } = update;
      history.add({ batch, cgroup, ...columnsOf[kind] } satisfies CgroupNumbers, limits);
    }
  }

  /** The last value stands while there is no other, until it is stale; then a part of it counts. */
  #compute(metric: KubeletMetric, parts: readonly Part[], { nowMs, stalenessMs }: SeriesUpdate): void {
    const { name } = metric;
    const { number, isWhole, newestMs } = combine(metric, parts);
    const last = this.#last.get(name);
    if (typeof number === 'string') this.#why.set(name, number);
    else {
      const wholeMs = last?.wholeMs ?? this.#since;
      if (!isWhole && nowMs - wholeMs <= stalenessMs) return;
      this.#why.delete(name);
      const sinceMs = last?.newestMs === newestMs ? last.sinceMs : nowMs;
      this.#last.set(name, { ...number, newestMs, sinceMs, wholeMs: isWhole ? sinceMs : wholeMs });
    }
  }
}

function historyFor(before: SampleHistory | undefined, columns: WantedColumns): SampleHistory {
  if (before !== undefined && areSameColumns(before.columns, columns)) return before;
  return new SampleHistory(columns, before);
}
