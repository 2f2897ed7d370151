/** Computes a metric from the kept samples of cgroups; pure. */
import type { ColumnName } from '../sample/seriescolumns.ts';
import type { KubeletMetric } from './catalogue.ts';
import type { Increase, SampleHistory } from './history.ts';

/** A number of one object. */
export interface MetricNumber {
  readonly value: number;
  /** The oldest part's last sample, in milliseconds since the epoch by the node's clock. */
  readonly timestampMs: number;
  /** Between that part's samples; 0 for a value of one moment. */
  readonly windowMs: number;
}

/**
 * - absent: there is no such series;
 * - waiting: the second sample is still to come, or another one after scrapes without it.
 */
export type NoNumber = 'absent' | 'waiting';

export interface Combined {
  readonly number: MetricNumber | NoNumber;
  /** False while a part waits for its second sample, or lacks a series that it must have: the number is without it. */
  readonly isWhole: boolean;
  /** The newest part's last sample; -Infinity without one. */
  readonly newestMs: number;
  /** Parts with a number. */
  readonly ready: number;
}

/** The samples of one cgroup. */
export interface Part {
  /** Undefined if no wanted series of it came. */
  readonly history: SampleHistory | undefined;
  /** Whether this is the first scrape that has it. */
  readonly isNew: boolean;
  /** Whether scrapes lack the container, or bring no newer sample of it for as long as a value stands. */
  readonly isAway: boolean;
}

/** Returns the metric of the parts together. */
export function combine(metric: KubeletMetric, parts: Iterable<Part>): Combined {
  let number: MetricNumber | undefined;
  let isWhole = true;
  let isLacking = false;
  let newestMs = -Infinity;
  let ready = 0;
  for (const part of parts) {
    const one = numberOfPart(metric, part);
    if (one === 'waiting') isWhole = false;
    if (one === 'absent' && metric.needs === 'every container')
      return { number: 'absent', isWhole: true, newestMs, ready };
    isLacking ||= one === 'absent' && metric.needs === 'each in time';
    if (typeof one === 'string') continue;
    ready += 1;
    newestMs = Math.max(newestMs, one.timestampMs);
    number = number === undefined ? one : joined(number, one, metric.combine);
  }
  if (number === undefined) return { number: isWhole ? 'absent' : 'waiting', isWhole, newestMs, ready };
  return { number, isWhole: isWhole && !isLacking, newestMs, ready };
}

function joined(a: MetricNumber, b: MetricNumber, how: KubeletMetric['combine']): MetricNumber {
  const value = how === 'sum' ? a.value + b.value : Math.max(a.value, b.value);
  const { timestampMs, windowMs } = a.timestampMs <= b.timestampMs ? a : b;
  return { value, timestampMs, windowMs };
}

/** Adds the numbers of two objects. */
export function sumOf(a: MetricNumber, b: MetricNumber): MetricNumber {
  return joined(a, b, 'sum');
}

function numberOfPart(metric: KubeletMetric, { history, isNew, isAway }: Part): MetricNumber | NoNumber {
  if (history === undefined) return isNew ? 'waiting' : 'absent';
  const number = Number.isNaN(history.lastMs) ? 'waiting' : numberOf(metric, history);
  // One without the series is not waited for.
  return isAway && typeof number !== 'string' ? 'waiting' : number;
}

/** Returns the metric of one cgroup. */
function numberOf(metric: KubeletMetric, history: SampleHistory): MetricNumber | NoNumber {
  const { rule, needs } = metric;
  const [first, second, third] = metric.columns;
  const timestampMs = history.lastMs;
  const last = (name: ColumnName | undefined) => lastOf(history, name);
  const increase = (name: ColumnName, beside = name) => increaseOf(history, name, beside);
  const over = (value: number, { intervalMs }: Increase): MetricNumber => ({
    value,
    timestampMs,
    windowMs: intervalMs,
  });
  // The others' sum would fall by what this one had.
  const missing = (name: ColumnName) => (needs !== 'every container' && isKnown(history, name) ? 'waiting' : 'absent');
  // A limit that is missing once is none that was removed.
  const unlimited = (name: ColumnName | undefined) =>
    name !== undefined && Number.isNaN(last(name)) ? missing(name) : 'absent';
  const moment = (value: number): MetricNumber => ({ value, timestampMs, windowMs: 0 });
  switch (rule) {
    case 'gauge':
      return Number.isNaN(last(first)) ? 'absent' : moment(last(first));
    case 'memory limit':
      if (!(last(second) > 0)) return unlimited(second);
      return Number.isNaN(last(first)) ? 'waiting' : moment(last(first) / last(second));
    case 'cpu limit': {
      if (!(last(second) > 0)) return unlimited(second);
      if (!(last(third) > 0)) return unlimited(third);
      const usage = increase(first);
      return usage === undefined ? 'waiting' : over(perSecond(usage) / (last(second) / last(third)), usage);
    }
    case 'throttled': {
      if (second === undefined) return 'absent';
      if (Number.isNaN(last(second))) return missing(second);
      const periods = increase(second, first);
      const throttled = increase(first, second);
      if (periods === undefined || throttled === undefined) return 'waiting';
      // A container that needed no CPU has no periods, and was not throttled.
      return over(periods.amount === 0 ? 0 : Math.min(1, throttled.amount / periods.amount), periods);
    }
    case 'rate':
    case 'share':
    case 'increase': {
      if (Number.isNaN(last(first))) return missing(first);
      const counted = increase(first);
      if (counted === undefined) return 'waiting';
      if (rule === 'increase') return over(counted.amount, counted);
      return over(rule === 'share' ? Math.min(1, perSecond(counted)) : perSecond(counted), counted);
    }
  }
}

function perSecond({ amount, intervalMs }: Increase): number {
  return amount / (intervalMs / 1000);
}

function lastOf(history: SampleHistory, name: ColumnName | undefined): number {
  const column = name === undefined ? -1 : history.columns.indexOf(name);
  return column === -1 ? Number.NaN : history.last(column);
}

function isKnown(history: SampleHistory, name: ColumnName): boolean {
  const column = history.columns.indexOf(name);
  return column !== -1 && history.isKnown(column);
}

function increaseOf(history: SampleHistory, name: ColumnName, beside: ColumnName): Increase | undefined {
  const column = history.columns.indexOf(name);
  const other = history.columns.indexOf(beside);
  return column === -1 || other === -1 ? undefined : history.increase(column, other);
}
