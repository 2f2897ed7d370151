/** From the series of an engine to the metrics of the APIs. */
import { metricKey } from '../metricsource/combined.ts';
import type { DescribedResource, Mapper } from '../metricsource/described.ts';
import type { CustomMetric } from '../metricsource/source.ts';
import { expand } from './expansion.ts';
import { remembered } from './remembered.ts';
import type { MetricRule } from './rule.ts';

/** A series without the values of its labels: the rules use names only. */
export interface SeriesShape {
  /** The metric's name; empty if the series has none. */
  readonly name: string;
  /** Names of the labels without `__name__`. */
  readonly labels: readonly string[];
}

/** A metric with the series and the rule that it is queried by. */
export interface RuleMetric extends CustomMetric {
  readonly resource: DescribedResource;
  readonly series: string;
  readonly rule: MetricRule;
}

export interface RuleExternalMetric {
  readonly metric: string;
  readonly series: string;
  readonly rule: MetricRule;
}

/** Metrics of one rule. One for all of Prometheus' own and cAdvisor's series makes some thousands. */
export const ruleMetricLimit = 30_000;
/** Shapes that are read in one step; some 100 us once their names were matched. */
const stepShapes = 20;

/** The metrics that a rule makes of series. */
export interface FoundMetrics<Metric> {
  /** Each once, by the last of several series with one name. */
  readonly metrics: readonly Metric[];
  /** Series that the filters and `name.matches` left. */
  readonly series: number;
  /** Whether there are more than `ruleMetricLimit`, which are left out. */
  readonly isCut: boolean;
  /** Names of series that no label associates with a resource; prometheus-adapter is silent about them. */
  readonly unassociated: ReadonlySet<string>;
}

/**
 * Returns the name of a series' metric; undefined if a filter or `name.matches` leaves it out, or the name is empty, or
 * the series' name is none that a query can have without quotes. Prometheus 3 lets any target choose any name, and
 * `<<.Series>>` writes it into the query.
 */
export function metricNameOf(rule: MetricRule, series: string): string | undefined {
  let nameOf = namesOf.get(rule);
  if (nameOf === undefined) {
    nameOf = remembered((each) => matchName(rule, each));
    namesOf.set(rule, nameOf);
  }
  return nameOf(series);
}

/** Returns the name of the only series that the selector can have; undefined if it does not select by a name. */
export function onlySeriesOf(seriesQuery: string): string | undefined {
  return (
    /^\s*([a-zA-Z_:][\w:]*)\s*(?:\{|$)/.exec(seriesQuery)?.[1] ??
    /\b__name__\s*=\s*(["'])([\w:]+)\1/.exec(seriesQuery)?.[2]
  );
}

/** Returns the name of a rule's only metric, where the file says it. */
export function fixedNameOf(rule: MetricRule): string | undefined {
  const { as } = rule.name;
  if (!as.includes('$')) return as;
  const series = onlySeriesOf(rule.seriesQuery);
  return series === undefined ? undefined : metricNameOf(rule, series);
}

const namesOf = new WeakMap<MetricRule, (series: string) => string | undefined>();

/**
 * As Prometheus 2 allows, and dots, which templates for OpenTelemetry's names quote. Empty without a name. Longer ones
 * fit into no URL, and a regular expression takes time for each character.
 */
const seriesName = /^[a-zA-Z0-9_:.]{0,1000}$/;

function matchName(rule: MetricRule, series: string): string | undefined {
  if (!seriesName.test(series)) return undefined;
  if (rule.filters.some(({ pattern, isPositive }) => pattern.test(series) !== isPositive)) return undefined;
  const match = rule.name.matches.match(series);
  const name = match === undefined ? '' : expand(rule.name.as, rule.name.matches, match);
  // A slash ends the name in a URL.
  return name === '' || name.includes('/') ? undefined : name;
}

/** Matches the texts of one shape; `metricsOf` and `externalMetricsOf` then find them remembered, and take no time. */
export function matchShape(rule: MetricRule, { name, labels }: SeriesShape): void {
  if (metricNameOf(rule, name) === undefined || rule.kind === 'external') return;
  for (const label of labels) rule.labels.nameOf(label);
}

/** Returns the metrics of a rule in rules. */
export function metricsOf(rule: MetricRule, shapes: Iterable<SeriesShape>, mapper: Mapper): FoundMetrics<RuleMetric> {
  return finish(findMetrics(rule, shapes, mapper));
}

/** As `metricsOf`, in steps. */
export function* findMetrics(
  rule: MetricRule,
  shapes: Iterable<SeriesShape>,
  mapper: Mapper,
): Generator<undefined, FoundMetrics<RuleMetric>> {
  const metrics = new Map<string, RuleMetric>();
  const unassociated = new Set<string>();
  const resourceOf = remembered((label: string) => rule.labels.resourceOf(label, mapper));
  let count = 0;
  let isCut = false;
  let read = 0;
  for (const { name: series, labels } of shapes) {
    read += 1;
    if (read % stepShapes === 0) yield undefined;
    const metric = metricNameOf(rule, series);
    if (metric === undefined) continue;
    count += 1;
    let isAssociated = false;
    for (const label of labels) {
      const resource = resourceOf(label);
      if (resource === undefined) continue;
      isAssociated = true;
      const { namespaced } = resource;
      const key = metricKey(resource, metric);
      if (metrics.size < ruleMetricLimit || metrics.has(key))
        metrics.set(key, { resource, namespaced, metric, series, rule });
      else isCut = true;
    }
    if (!isAssociated) unassociated.add(series);
  }
  return { metrics: [...metrics.values()], series: count, isCut, unassociated };
}

/** Returns the metrics of a rule in externalRules. */
export function externalMetricsOf(rule: MetricRule, shapes: Iterable<SeriesShape>): FoundMetrics<RuleExternalMetric> {
  return finish(findExternalMetrics(rule, shapes));
}

/** As `externalMetricsOf`, in steps. */
export function* findExternalMetrics(
  rule: MetricRule,
  shapes: Iterable<SeriesShape>,
): Generator<undefined, FoundMetrics<RuleExternalMetric>> {
  const metrics = new Map<string, RuleExternalMetric>();
  let count = 0;
  let isCut = false;
  let read = 0;
  for (const { name: series } of shapes) {
    read += 1;
    if (read % stepShapes === 0) yield undefined;
    const metric = metricNameOf(rule, series);
    if (metric === undefined) continue;
    count += 1;
    if (metrics.size < ruleMetricLimit || metrics.has(metric)) metrics.set(metric, { metric, series, rule });
    else isCut = true;
  }
  return { metrics: [...metrics.values()], series: count, isCut, unassociated: new Set() };
}

function finish<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
