/** Says what a rule does, with examples and without an engine. */
import { parseLabelSelector } from '../apimachinery/labels.ts';
import { fullName } from '../apimachinery/status.ts';
import type { DescribedResource, Mapper } from '../metricsource/described.ts';
import type { RuleProblem } from './problem.ts';
import { customQuery, externalQuery, QueryError } from './queries.ts';
import type { MetricRule, Rules } from './rule.ts';
import { metricNameOf, onlySeriesOf } from './seriesmetrics.ts';

export interface RuleExplanation {
  readonly path: string;
  readonly line: number;
  readonly kind: MetricRule['kind'];
  readonly source?: string | undefined;
  readonly seriesQuery: string;
  /** Such as `is ^http_`. */
  readonly filters: readonly string[];
  readonly matches: string;
  readonly as: string;
  /** Undefined if the series query names no series. */
  readonly nameExample?: { readonly series: string; readonly metric: string | undefined } | undefined;
  /** The label that names objects of each resource. A template adds only the usual ones. */
  readonly objects: readonly { readonly resource: string; readonly label: string }[];
  readonly template?: string | undefined;
  /** For one object, or without a selector. */
  readonly queryExample?: string | undefined;
  /** Why there is no example. */
  readonly queryProblem?: string | undefined;
  readonly notes: readonly RuleProblem[];
}

/** Resources that are named for a template. */
const usualResources = ['pods', 'namespaces', 'nodes', 'services', 'deployments.apps', 'jobs.batch'];

export function explainRules(rules: Rules, mapperOf: (rule: MetricRule) => Mapper): readonly RuleExplanation[] {
  return [...rules.custom, ...rules.external].map((rule) => {
    const notes = rules.notes.filter(({ path }) => path.startsWith(`${rule.path}.`) || path === rule.path);
    return explainRule(rule, mapperOf(rule), notes);
  });
}

function explainRule(rule: MetricRule, mapper: Mapper, notes: readonly RuleProblem[]): RuleExplanation {
  const { labels, name } = rule;
  const series = onlySeriesOf(rule.seriesQuery);
  const objects = rule.kind === 'external' ? [] : objectsOf(rule, mapper);
  return {
    path: rule.path,
    line: rule.line,
    kind: rule.kind,
    source: rule.source,
    seriesQuery: rule.seriesQuery,
    filters: rule.filters
      .filter(({ pattern }) => pattern !== name.matches)
      .map(({ pattern, isPositive }) => `${isPositive ? 'is' : 'isNot'} ${pattern.source}`),
    matches: name.matches.source,
    as: name.as,
    nameExample: series === undefined ? undefined : { series, metric: metricNameOf(rule, series) },
    objects: objects.map(({ resource, label }) => ({ resource: fullName(resource), label })),
    template: labels.template,
    ...exampleQuery(rule, series ?? '<series>', objects[0]?.resource, mapper),
    notes,
  };
}

interface NamedObject {
  readonly resource: DescribedResource;
  readonly label: string;
}

/** Returns pods first: they are what most queries ask for. */
function objectsOf(rule: MetricRule, mapper: Mapper): readonly NamedObject[] {
  const names = [...(rule.labels.template === undefined ? [] : usualResources), ...rule.labels.overrides.values()];
  const found = new Map<string, NamedObject>();
  for (const name of names) {
    const resource = mapper.resourceFor(name);
    const label = resource === undefined ? undefined : rule.labels.labelOf(resource, mapper);
    if (resource !== undefined && label !== undefined) found.set(fullName(resource), { resource, label });
  }
  const isPods = ({ resource }: NamedObject) => resource.resource === 'pods';
  return [...found.values()].toSorted((a, b) => Number(isPods(b)) - Number(isPods(a)));
}

function exampleQuery(
  rule: MetricRule,
  series: string,
  resource: DescribedResource | undefined,
  mapper: Mapper,
): Pick<RuleExplanation, 'queryExample' | 'queryProblem'> {
  const everything = parseLabelSelector('');
  try {
    if (rule.kind === 'external') {
      return { queryExample: externalQuery(rule, { series, namespace: 'default', selector: everything }, mapper) };
    }
    if (resource === undefined) return { queryProblem: 'no label names an object' };
    const names = [resource.resource === 'namespaces' ? 'default' : `${resource.singular}-0`];
    const asked = { series, resource, namespace: 'default', names, metricSelector: everything };
    return { queryExample: customQuery(rule, asked, mapper).query };
  } catch (error) {
    if (error instanceof QueryError) return { queryProblem: error.message };
    throw error;
  }
}
