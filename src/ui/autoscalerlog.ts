/** Metrics and replicas of autoscalers that were read while the program runs: no server keeps them. */
import { parseQuantity } from '../apimachinery/quantity.ts';
import type { AutoscalerView } from '../view/types.ts';
import { autoscalerSeriesLimit, historySeconds, metricSeriesLimit } from './limits.ts';
import type { AutoscalerSeries } from './routes.ts';

type LogColumn = (number | null)[];

interface MetricColumns {
  readonly current: LogColumn;
  readonly target: LogColumn;
  readonly ratio: LogColumn;
  unit: '%' | '';
}

interface Columns {
  readonly namespace: string;
  readonly name: string;
  readonly timeSeconds: number[];
  readonly replicas: LogColumn;
  readonly desiredReplicas: LogColumn;
  readonly metrics: Map<string, MetricColumns>;
}

export interface AutoscalerQuery {
  readonly namespace?: string;
  readonly name?: string;
  readonly sinceSeconds: number;
}

export class AutoscalerLog {
  readonly #autoscalers = new Map<string, Columns>();

  /** Takes a reading of all autoscalers, and removes what is older than an hour. @param nowMs when it was read. */
  add(autoscalers: readonly AutoscalerView[], nowMs: number): void {
    const timeSeconds = Math.round(nowMs / 1000);
    for (const autoscaler of autoscalers) {
      const key = `${autoscaler.namespace}/${autoscaler.name}`;
      let columns = this.#autoscalers.get(key);
      if (columns === undefined) {
        if (this.#autoscalers.size >= autoscalerSeriesLimit) continue;
        columns = newColumns(autoscaler);
        this.#autoscalers.set(key, columns);
      }
      addReading(columns, autoscaler, timeSeconds);
    }
    for (const [key, columns] of this.#autoscalers) {
      dropBefore(columns, timeSeconds - historySeconds);
      if (columns.timeSeconds.length === 0) this.#autoscalers.delete(key);
    }
  }

  read(query: AutoscalerQuery, nowMs: number): readonly AutoscalerSeries[] {
    const fromSeconds = nowMs / 1000 - query.sinceSeconds;
    return [...this.#autoscalers.values()]
      .filter(({ namespace, name }) => namespace === (query.namespace ?? namespace) && name === (query.name ?? name))
      .map((columns) => toSeries(columns, firstSince(columns.timeSeconds, fromSeconds)));
  }
}

function newColumns({ namespace, name }: AutoscalerView): Columns {
  return { namespace, name, timeSeconds: [], replicas: [], desiredReplicas: [], metrics: new Map() };
}

function addReading(columns: Columns, autoscaler: AutoscalerView, timeSeconds: number): void {
  const readings = columns.timeSeconds.push(timeSeconds);
  columns.replicas.push(autoscaler.replicas ?? null);
  columns.desiredReplicas.push(autoscaler.desiredReplicas ?? null);
  for (const { name, current, target, ratio } of autoscaler.metrics) {
    let metric = columns.metrics.get(name);
    if (metric === undefined) {
      if (columns.metrics.size >= metricSeriesLimit) continue;
      metric = { current: [], target: [], ratio: [], unit: '' };
      columns.metrics.set(name, metric);
    }
    fill(metric, readings - 1);
    metric.current.push(toNumber(current));
    metric.target.push(toNumber(target));
    metric.ratio.push(ratio ?? null);
    metric.unit = target.endsWith('%') ? '%' : '';
  }
  for (const metric of columns.metrics.values()) fill(metric, readings);
}

function fill({ current, target, ratio }: MetricColumns, length: number): void {
  for (const column of [current, target, ratio]) while (column.length < length) column.push(null);
}

function dropBefore(columns: Columns, timeSeconds: number): void {
  const first = firstSince(columns.timeSeconds, timeSeconds);
  if (first === 0) return;
  for (const column of [columns.timeSeconds, columns.replicas, columns.desiredReplicas]) column.splice(0, first);
  for (const [name, { current, target, ratio }] of columns.metrics) {
    for (const column of [current, target, ratio]) column.splice(0, first);
    if (target.every((value) => value === null)) columns.metrics.delete(name);
  }
}

/** Returns the index of the first time that is not before. */
function firstSince(timeSeconds: readonly number[], fromSeconds: number): number {
  const first = timeSeconds.findIndex((each) => each >= fromSeconds);
  return first === -1 ? timeSeconds.length : first;
}

function toSeries(columns: Columns, first: number): AutoscalerSeries {
  return {
    namespace: columns.namespace,
    name: columns.name,
    timeSeconds: columns.timeSeconds.slice(first),
    replicas: columns.replicas.slice(first),
    desiredReplicas: columns.desiredReplicas.slice(first),
    metrics: [...columns.metrics].map(([name, { unit, current, target, ratio }]) => ({
      name,
      unit,
      current: current.slice(first),
      target: target.slice(first),
      ratio: ratio.slice(first),
    })),
  };
}

/** @param text `45%` or a quantity. */
function toNumber(text: string | undefined): number | null {
  return text === undefined ? null : (parseQuantity(text.replace(/%$/, '')) ?? null);
}
