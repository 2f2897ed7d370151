/** The kept samples and the last values of one pod, or of one machine. */
import { mayBeSameContainer } from '../sample/containerid.ts';
import {
  areSameColumns,
  columnOf,
  type SeriesBatch,
  type SeriesCgroup,
  type WantedColumns,
} from '../sample/seriescolumns.ts';
import { type AbsentContainers, absentContainers, noneAbsent } from '../storage/nodestate.ts';
import { cgroupsOf, type KubeletMetric, metricNamed } from './catalogue.ts';
import { type ColumnShape, type HistoryLimits, SampleHistory } from './history.ts';
import { combine, type MetricNumber, type NoNumber, type Part } from './metricvalue.ts';

/** The batch's columns that cgroups of one kind have. */
export interface KindColumns {
  readonly columns: WantedColumns;
  readonly indexes: readonly number[];
  readonly shapes: readonly ColumnShape[];
}

/** Returns the columns of one kind of cgroup. */
export function kindColumns(wanted: WantedColumns, kind: SeriesCgroup['kind']): KindColumns {
  const indexes = [...wanted.keys()].filter((index) => kind === 'machine' || columnOf(wanted[index]!).of === kind);
  const columns = indexes.map((index) => wanted[index]!);
  return { columns, indexes, shapes: columns.map(columnOf) };
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

/** One cgroup of the object in this scrape. */
export interface FoundCgroup {
  /** A container's; empty for others. */
  readonly name: string;
  readonly id: string;
  /** Its place in the batch; undefined without wanted series. */
  readonly cgroup: number | undefined;
}

export type FoundCgroups = Readonly<Record<SeriesCgroup['kind'], readonly FoundCgroup[]>>;

/** A number that is served until it is stale. */
export interface LastNumber extends MetricNumber {
  /** When its newest part came, monotonic. */
  readonly sinceMs: number;
  readonly newestMs: number;
  /** Parts that it has. */
  readonly ready: number;
}

/** The number of some parts, while others have none. */
interface PartialNumber extends LastNumber {
  /** Since when the others are waited for, monotonic. */
  readonly waitMs: number;
}

interface StoredPart extends Part {
  readonly id: string;
  history: SampleHistory | undefined;
  isNew: boolean;
  isAway: boolean;
  /** When its last new sample came, monotonic. */
  sampledMs: number;
}

const kinds = ['machine', 'pod', 'sandbox', 'container'] as const;

export class ObjectSeries {
  #seenMs: number;
  #bytes = 0;
  #isWaiting = false;
  /** By name; only kinds that have parts, since an empty Map takes 200 bytes. */
  readonly #parts: Partial<Record<SeriesCgroup['kind'], Map<string, StoredPart>>> = {};
  #absent: AbsentContainers = noneAbsent;
  readonly #last = new Map<string, LastNumber>();
  /** Most objects have none. */
  #partial: Map<string, PartialNumber> | undefined;
  /** When no part of a metric had a number any more, monotonic; until all have one. Most objects have none. */
  #unready: Map<string, number> | undefined;
  /** Undefined while every metric has had a value. */
  #why: Map<string, NoNumber> | undefined;

  /** @param sinceMs when the object was first scraped, monotonic. */
  constructor(sinceMs: number) {
    this.#seenMs = sinceMs;
  }

  /** When it was last scraped, monotonic. */
  get seenMs(): number {
    return this.#seenMs;
  }

  /** Bytes of kept samples. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Kept values. */
  get numbers(): number {
    return this.#last.size + (this.#partial?.size ?? 0);
  }

  /** Whether a metric of the last scrape has no value before its second sample. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Drops the samples, not the values: there is no rate over a step of the node's clock. */
  clearSamples(): void {
    for (const parts of Object.values(this.#parts)) for (const { history } of parts.values()) history?.clear();
  }

  /** @param hasEnded reports whether the API says so of a container; undefined if it does not know the pod. */
  update(found: FoundCgroups, update: SeriesUpdate, hasEnded: (container: string) => boolean | undefined): void {
    this.#seenMs = update.nowMs;
    this.#dropEnded(found.container, update, hasEnded);
    for (const kind of kinds) for (const each of found[kind]) this.#addSample(kind, each, update);
    for (const [name, part] of this.#parts.container ?? noParts) {
      part.isAway = this.#absent.has(name) || update.nowMs - part.sampledMs > update.stalenessMs;
    }
    this.#isWaiting = false;
    for (const metric of update.metrics) this.#compute(metric, update);
  }

  /** Keeps the values of these metrics only. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const values of [this.#last, this.#partial, this.#unready, this.#why]) {
      for (const name of values?.keys() ?? []) if (!names.has(name)) values?.delete(name);
    }
  }

  /** Returns the values that are served now. */
  *served(nowMs: number, stalenessMs: number): Generator<readonly [metric: string, number: LastNumber]> {
    for (const name of new Set([...this.#last.keys(), ...(this.#partial?.keys() ?? [])])) {
      const number = this.#served(name, nowMs, stalenessMs);
      if (number !== undefined) yield [name, number];
    }
  }

  /** Sets a value of a snapshot. */
  restore(metric: string, number: LastNumber): void {
    this.#last.set(metric, number);
  }

  /** Returns the last value, or why there is none. */
  read(name: string, nowMs: number, stalenessMs: number): MetricNumber | NoNumber | 'stale' {
    const served = this.#served(name, nowMs, stalenessMs);
    return served ?? this.#why?.get(name) ?? (this.#last.has(name) ? 'stale' : 'waiting');
  }

  /** As `readPodUsage` of `storage/`: the whole until it is stale, then a part of it. */
  #served(name: string, nowMs: number, stalenessMs: number): LastNumber | undefined {
    const isFresh = ({ sinceMs }: LastNumber) => nowMs - sinceMs <= stalenessMs;
    const last = this.#last.get(name);
    if (last !== undefined && isFresh(last)) return last;
    const part = this.#partial?.get(name);
    return part !== undefined && nowMs - part.waitMs > stalenessMs && isFresh(part) ? part : undefined;
  }

  /**
   * Drops containers that have ended, by the rule of `storage/`, with the values that they are part of: an init
   * container's must not stand for the app's. Cgroups of other kinds are replaced: kubelets leave them out for a scrape
   * or two.
   */
  #dropEnded(
    found: readonly FoundCgroup[],
    { nowMs, stalenessMs }: SeriesUpdate,
    hasEnded: (container: string) => boolean | undefined,
  ): void {
    const { container: containers = noParts } = this.#parts;
    const absent = this.#absent;
    this.#absent = noneAbsent;
    // Fast path: the same containers.
    if (found.length === containers.size && found.every(({ name }) => containers.has(name))) return;
    this.#absent = absentContainers({ containers, absent }, found, nowMs, stalenessMs, hasEnded);
    const names = new Set(found.map(({ name }) => name));
    for (const [name, { history }] of containers) {
      if (names.has(name) || this.#absent.has(name)) continue;
      this.#bytes -= history?.bytes ?? 0;
      this.#parts.container?.delete(name);
      this.#dropContainerValues();
    }
  }

  #dropContainerValues(): void {
    for (const values of [this.#last, this.#partial]) {
      for (const name of values?.keys() ?? []) if (isOfContainers(name)) values?.delete(name);
    }
  }

  #addSample(kind: SeriesCgroup['kind'], { name, id, cgroup }: FoundCgroup, update: SeriesUpdate): void {
    const { batch, columnsOf, limits, nowMs } = update;
    let part = this.#parts[kind]?.get(name);
    if (part === undefined || !mayBeSameContainer(part.id, id)) {
      this.#bytes -= part?.history?.bytes ?? 0;
      part = { id, history: undefined, isNew: true, isAway: false, sampledMs: nowMs };
      (this.#parts[kind] ??= new Map()).set(name, part);
    } else part.isNew = false;
    if (cgroup === undefined) return;
    const history = historyFor(part.history, columnsOf[kind].columns);
    if (history !== part.history) this.#bytes += history.bytes - (part.history?.bytes ?? 0);
    part.history = history;
    if (history.add({ batch, cgroup, ...columnsOf[kind] }, limits)) part.sampledMs = nowMs;
  }

  #setWhy(name: string, why: NoNumber): void {
    this.#why ??= new Map();
    this.#why.set(name, why);
  }

  #partsFor(metric: KubeletMetric): ReadonlyMap<string, Part> {
    const { machine } = this.#parts;
    return machine ?? this.#parts[cgroupsOf(metric)] ?? noParts;
  }

  /**
   * Keeps the number of all parts, or that of some as `updatePodUsage` of `storage/` does: it is not served while the
   * last one of all stands, and a served one does not shrink.
   */
  #compute(metric: KubeletMetric, { nowMs, stalenessMs }: SeriesUpdate): void {
    const { name } = metric;
    const { number, isWhole, newestMs, ready } = combine(metric, this.#partsFor(metric).values());
    if (isWhole && typeof number === 'string') this.#setWhy(name, number);
    else if (isWhole && typeof number !== 'string') {
      this.#why?.delete(name);
      this.#partial?.delete(name);
      if (this.#unready?.delete(name) === true && this.#unready.size === 0) this.#unready = undefined;
      this.#last.set(name, lastNumber(this.#last.get(name), { ...number, newestMs, ready }, nowMs));
    } else {
      this.#setWhy(name, 'waiting');
      const served = this.#served(name, nowMs, stalenessMs);
      this.#isWaiting ||= served === undefined;
      const isLess = served !== undefined && served.ready > ready;
      if (isLess) this.#last.set(name, served);
      const before = this.#partial?.get(name);
      if (typeof number === 'string') {
        this.#partial?.delete(name);
        // As `updatePodUsage`: after a step of the clock the slowest part needs two samples.
        if (this.#last.has(name)) (this.#unready ??= new Map()).set(name, nowMs);
      } else {
        const sinceMs = Math.max(served?.sinceMs ?? nowMs, this.#unready?.get(name) ?? -Infinity);
        const waitMs = (isLess ? undefined : before?.waitMs) ?? sinceMs;
        this.#partial ??= new Map();
        this.#partial.set(name, { ...lastNumber(before, { ...number, newestMs, ready }, nowMs), waitMs });
      }
    }
  }
}

const noParts: ReadonlyMap<string, StoredPart> = new Map();

function isOfContainers(name: string): boolean {
  const metric = metricNamed(name);
  return metric !== undefined && cgroupsOf(metric) === 'container';
}

/** A kubelet that repeats its samples brings no newer number. */
function lastNumber(before: LastNumber | undefined, number: Omit<LastNumber, 'sinceMs'>, nowMs: number): LastNumber {
  return { ...number, sinceMs: before?.newestMs === number.newestMs ? before.sinceMs : nowMs };
}

function historyFor(before: SampleHistory | undefined, columns: WantedColumns): SampleHistory {
  if (before !== undefined && areSameColumns(before.columns, columns)) return before;
  return new SampleHistory(columns, before);
}
