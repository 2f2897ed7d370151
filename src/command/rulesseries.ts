/** Finds the metrics that a rule makes of the series of its engine, with a few objects of each. */
import { neverAborted } from '../abort.ts';
import { systemClock } from '../clock.ts';
import { metricKey } from '../metricsource/combined.ts';
import type { DescribedResource, Mapper } from '../metricsource/described.ts';
import type { PromqlClient } from '../promql/client.ts';
import { namespaceLabelOf } from '../rules/queries.ts';
import { remembered } from '../rules/remembered.ts';
import type { MetricRule } from '../rules/rule.ts';
import {
  externalMetricsOf,
  metricNameOf,
  metricsOf,
  type RuleExternalMetric,
  type RuleMetric,
} from '../rules/seriesmetrics.ts';
import { errorOf, unknownEngine } from './askedvalues.ts';
import type { AskedRule } from './rulestext.ts';
import { type ObjectLabel, SeriesSamples } from './seriessamples.ts';

/** How far back series are looked for: prometheus-adapter's default. */
const seriesAgeMs = 600_000;
/** Metrics of a rule that are queried. */
const metricLimit = 20;
/** Names of series that are listed. */
const nameLimit = 10;

/** The path of the rule that serves each metric which is reported: the last one that has it. */
export type Owners = Map<string, string>;

/** What stays of the series of a rule until the series of all were read: other rules may have its metrics, too. */
export interface FoundRule extends Pick<AskedRule, 'series' | 'left' | 'moreMetrics' | 'unassociated' | 'errors'> {
  readonly rule: MetricRule;
  /** Undefined where no engine has the rule's source as its name. */
  readonly client: PromqlClient | undefined;
  readonly mapper: Mapper;
  /** Those that are queried. */
  readonly metrics: readonly FoundMetric[];
}

export interface FoundMetric {
  readonly metric: RuleMetric | RuleExternalMetric;
  /** External metrics have the namespace of a series. */
  readonly objects: ReturnType<SeriesSamples['objects']>;
}

/** Asks for the series of a rule. Adds the metrics that are reported to the owners. */
export async function findMetrics(
  client: PromqlClient | undefined,
  rule: MetricRule,
  mapper: Mapper,
  owners: Owners,
): Promise<FoundRule> {
  const none = { rule, client, mapper, series: 0, left: 0, metrics: [], moreMetrics: 0, unassociated: [] };
  if (client === undefined) {
    return { ...none, errors: [unknownEngine(rule)] };
  }
  if (rule.seriesQuery.trim() === '') return { ...none, errors: [] };
  const objectLabels = objectLabelsOf(rule, mapper);
  try {
    const { result: samples, series } = await client.series(
      { match: rule.seriesQuery, startMs: systemClock.wallMs() - seriesAgeMs, subject: rule.path },
      () => {
        const collected = new SeriesSamples(objectLabels.ofLabel);
        return { add: (labels) => collected.add(labels), result: () => collected };
      },
      neverAborted,
    );
    const { metrics, unassociated } =
      rule.kind === 'external' ? externalMetricsOf(rule, samples.shapes()) : metricsOf(rule, samples.shapes(), mapper);
    addOwners(owners, rule, metrics);
    const asked = metrics.slice(0, metricLimit);
    return {
      ...none,
      series,
      left: samples.count((name) => metricNameOf(rule, name) !== undefined),
      metrics: asked.map((metric) => ({
        metric,
        objects: samples.objects(metric.series, objectLabels.ofMetric(metric)),
      })),
      moreMetrics: metrics.length - asked.length,
      unassociated: [...unassociated].slice(0, nameLimit),
      errors: [],
    };
  } catch (error) {
    return { ...none, errors: [errorOf(error)] };
  }
}

/** Metrics that no rule reports have no owner: a rule may have 30,000. */
function addOwners(owners: Owners, rule: MetricRule, metrics: readonly (RuleMetric | RuleExternalMetric)[]): void {
  for (const [index, metric] of metrics.entries()) {
    const key = ownerKey(rule, metric);
    if (index < metricLimit || owners.has(key)) owners.set(key, rule.path);
  }
}

/** Returns what is equal for the same metric of several rules. */
export function ownerKey(rule: MetricRule, metric: RuleMetric | RuleExternalMetric): string {
  return `${rule.kind} ${'resource' in metric ? metricKey(metric.resource, metric.metric) : metric.metric}`;
}

/** Returns which labels name objects: by a label of a series, and of a metric. External metrics need a namespace only. */
function objectLabelsOf(rule: MetricRule, mapper: Mapper) {
  const namespaceLabel = namespaceLabelOf(rule, mapper);
  const ofResource = (resource: DescribedResource): ObjectLabel => ({
    label: rule.labels.labelOf(resource, mapper) ?? '',
    namespaceLabel: resource.namespaced ? namespaceLabel : undefined,
  });
  const ofNamespaces: ObjectLabel = {
    label: rule.namespaced ? (namespaceLabel ?? '') : '',
    namespaceLabel: undefined,
  };
  const ofLabel = (label: string) => {
    if (rule.kind === 'external') return label === ofNamespaces.label ? ofNamespaces : undefined;
    const resource = rule.labels.resourceOf(label, mapper);
    return resource === undefined ? undefined : ofResource(resource);
  };
  return {
    ofLabel: remembered(ofLabel),
    ofMetric: (metric: RuleMetric | RuleExternalMetric) =>
      'resource' in metric ? ofResource(metric.resource) : ofNamespaces,
  };
}
