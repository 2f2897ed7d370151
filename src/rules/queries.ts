/** From a request to the query that an engine gets. */
import type { LabelRequirement } from '../apimachinery/labelparser.ts';
import type { LabelSelector } from '../apimachinery/labels.ts';
import { quoteWhole } from '../apimachinery/quote.ts';
import { badRequest } from '../apimachinery/status.ts';
import type { DescribedResource, Mapper } from '../metricsource/described.ts';
import type { MetricRule } from './rule.ts';
import { TemplateError } from './template/error.ts';

/**
 * How text of a request becomes part of a regular expression. `exact` escapes what is special; `as-adapter` pastes it,
 * and pastes keys that are no label names, as prometheus-adapter does: a dot in a pod's name then matches any character.
 */
export type QueryStyle = 'exact' | 'as-adapter';

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
  const parts = new Parts(style);
  parts.addSelector(metricSelector);
  if (resource.namespaced && namespace !== '') parts.addNamespace(requireNamespaceLabel(rule, mapper), namespace);
  const label = rule.labels.labelOf(resource, mapper);
  if (label === undefined) throw new QueryError(`${rule.path}: no label names ${resource.resource}`);
  parts.addNames(label, names);
  return { query: execute(rule, series, parts, label), label };
}

/** @throws as `customQuery`. */
export function externalQuery(
  rule: MetricRule,
  { series, namespace, selector }: ExternalQueryRequest,
  mapper: Mapper,
  style: QueryStyle = 'exact',
): string {
  const parts = new Parts(style);
  parts.addSelector(selector);
  if (rule.namespaced && namespace !== '') parts.addNamespace(requireNamespaceLabel(rule, mapper), namespace);
  return execute(rule, series, parts, undefined);
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

function execute(rule: MetricRule, series: string, { matchers, values }: Parts, label: string | undefined): string {
  if (rule.metricsQuery === undefined) throw new QueryError(`${rule.path}: metricsQuery is empty`);
  try {
    const query = rule.metricsQuery.execute({
      Series: series,
      LabelMatchers: matchers.join(','),
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

/** The matchers of a query, in prometheus-adapter's order: the selector by key, the namespace, the objects. */
class Parts {
  readonly matchers: string[] = [];
  /** Joined by `|` and not escaped: templates write them behind = as well as behind =~. */
  readonly values = new Map<string, string>();
  readonly #isExact: boolean;

  constructor(style: QueryStyle) {
    this.#isExact = style === 'exact';
  }

  addSelector({ requirements }: LabelSelector): void {
    for (const requirement of requirements) this.#addRequirement(requirement);
  }

  addNamespace(label: string, namespace: string): void {
    this.#add(label, '=', namespace, [namespace]);
  }

  addNames(label: string, names: readonly string[]): void {
    const [only = ''] = names;
    if (names.length > 1) this.#add(label, '=~', this.#alternatives(names), names);
    else this.#add(label, '=', only, names);
  }

  #addRequirement({ key, operator, values, isSet }: LabelRequirement): void {
    if (this.#isExact && !labelName.test(key)) {
      throw badRequest(`unable to select by ${quoteWhole(key)}: labels of metrics match [a-zA-Z_][a-zA-Z0-9_]*`);
    }
    if (operator === 'Gt' || operator === 'Lt') {
      throw badRequest(`unable to select by ${quoteWhole(key)}: metrics cannot be selected by > and <`);
    }
    if (operator === 'Exists' || operator === 'DoesNotExist') {
      this.#add(key, operator === 'Exists' ? '!=' : '=', '', values);
      return;
    }
    const isNegative = operator === 'NotIn';
    const [only = ''] = values;
    if (!isSet && values.length === 1) this.#add(key, isNegative ? '!=' : '=', only, values);
    else this.#add(key, isNegative ? '!~' : '=~', this.#alternatives(values), values);
  }

  #alternatives(values: readonly string[]): string {
    return values.map((value) => (this.#isExact ? escapeRegexp(value) : value)).join('|');
  }

  #add(label: string, operator: string, value: string, values: readonly string[]): void {
    this.matchers.push(`${label}${operator}${quoteWhole(value)}`);
    this.values.set(label, values.join('|'));
  }
}

/** Prometheus' own rule; others than Prometheus 3 know no other names. */
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** As Go's QuoteMeta. */
function escapeRegexp(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`);
}
