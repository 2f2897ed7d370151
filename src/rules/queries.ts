/** From a request to the query that an engine gets. */
import type { LabelSelector } from '../apimachinery/labels.ts';
import type { DescribedResource, Mapper } from '../metricsource/described.ts';
import { Matchers, type QueryStyle } from './matchers.ts';
import type { MetricRule } from './rule.ts';
import { TemplateError } from './template/error.ts';

export interface CustomQueryRequest {
  readonly series: string;
  readonly resource: DescribedResource;
  /** Without effect for cluster-scoped resources. */
  readonly namespace: string;
  /** At least one. */
  readonly names: readonly string[];
  readonly metricSelector: LabelSelector;
}

export interface ExternalQueryRequest {
  readonly series: string;
  readonly namespace: string;
  readonly selector: LabelSelector;
}

/** The rule cannot make a query of a request. The message is for the log and for operators. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
}

/**
 * Returns the query, and the label whose value is the object's name in the result.
 * @throws QueryError, and StatusError BadRequest for a selector that no query can express.
 */
export function customQuery(
  rule: MetricRule,
  { series, resource, namespace, names, metricSelector }: CustomQueryRequest,
  mapper: Mapper,
  style: QueryStyle = 'exact',
): { readonly query: string; readonly label: string } {
  const matchers = new Matchers(style);
  matchers.addSelector(metricSelector);
  if (resource.namespaced && namespace !== '') matchers.addNamespace(requireNamespaceLabel(rule, mapper), namespace);
  const label = rule.labels.labelOf(resource, mapper);
  if (label === undefined) throw new QueryError(`${rule.path}: no label names ${resource.resource}`);
  matchers.addNames(label, names);
  return { query: execute(rule, series, matchers, label), label };
}

/** @throws as `customQuery`. */
export function externalQuery(
  rule: MetricRule,
  { series, namespace, selector }: ExternalQueryRequest,
  mapper: Mapper,
  style: QueryStyle = 'exact',
): string {
  const matchers = new Matchers(style);
  matchers.addSelector(selector);
  if (rule.namespaced && namespace !== '') matchers.addNamespace(requireNamespaceLabel(rule, mapper), namespace);
  return execute(rule, series, matchers, undefined);
}

/** Returns the last sample of each object. Samples without the label are dropped. */
export function lastByObject<Sample extends { readonly labels: ReadonlyMap<string, string> }>(
  samples: readonly Sample[],
  label: string,
): ReadonlyMap<string, Sample> {
  return new Map(
    samples.flatMap((sample) => {
      const name = sample.labels.get(label);
      return name === undefined || name === '' ? [] : [[name, sample] as const];
    }),
  );
}

/** Returns the label that names the namespace; undefined if the rule has none. */
export function namespaceLabelOf({ labels }: MetricRule, mapper: Mapper): string | undefined {
  return labels.labelOf(mapper.resourceFor(coreNamespaces.resource) ?? coreNamespaces, mapper);
}

function requireNamespaceLabel(rule: MetricRule, mapper: Mapper): string {
  const label = namespaceLabelOf(rule, mapper);
  if (label !== undefined) return label;
  const remedy = rule.kind === 'external' ? ', or write resources: {namespaced: false}' : '';
  throw new QueryError(`${rule.path}: no label names the namespace; map one in resources.overrides${remedy}`);
}

/** For the time before discovery has answered. */
const coreNamespaces: DescribedResource = {
  group: '',
  version: 'v1',
  resource: 'namespaces',
  kind: 'Namespace',
  singular: 'namespace',
  namespaced: false,
};

function execute(rule: MetricRule, series: string, { texts, values }: Matchers, label: string | undefined): string {
  if (rule.metricsQuery === undefined) throw new QueryError(`${rule.path}: metricsQuery is empty`);
  try {
    const query = rule.metricsQuery.execute({
      Series: series,
      LabelMatchers: texts.join(','),
      LabelValuesByName: values,
      GroupBy: label ?? '',
      GroupBySlice: label === undefined ? [] : [label],
    });
    if (query === '') throw new QueryError(`${rule.path}: metricsQuery makes an empty query of this request`);
    return query;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new QueryError(`${rule.path}.metricsQuery: ${error.message}`, { cause: error });
  }
}
