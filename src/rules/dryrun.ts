/** Executes a query's template over made-up requests, so that a template that cannot work is rejected when it is loaded. */
import type { MetricRule } from './rule.ts';
import { TemplateError } from './template/error.ts';
import { parseTemplate, type GoTemplate } from './template/template.ts';

/** Fields that prometheus-adapter gives to a query's template. */
const queryFields = ['Series', 'LabelMatchers', 'LabelValuesByName', 'GroupBy', 'GroupBySlice'] as const;

/** @throws TemplateError, also for a field that there is not. */
export function parseQueryTemplate(text: string): GoTemplate {
  return parseTemplate(text, queryFields);
}

interface DryFailure {
  readonly request: string;
  readonly problem: string;
  /** Whether another request of this kind may work. */
  readonly dependsOnData: boolean;
}

export interface DryRun {
  readonly failures: readonly DryFailure[];
  /** Reports whether each request fails, whatever its data. */
  readonly neverWorks: boolean;
}

/** Executes the rule's query for typical requests. */
export function dryRun(rule: MetricRule): DryRun {
  const { metricsQuery } = rule;
  const samples = rule.kind === 'external' ? externalSamples(rule) : customSamples(rule);
  if (metricsQuery === undefined) return { failures: [], neverWorks: false };
  const failures = samples.flatMap(({ request, data }): readonly DryFailure[] => {
    try {
      const isEmpty = metricsQuery.execute(data) === '';
      return isEmpty ? [{ request, problem: 'the query is empty', dependsOnData: true }] : [];
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      return [{ request, problem: error.message, dependsOnData: error.dependsOnData }];
    }
  });
  const neverWorks = failures.length === samples.length && failures.every(({ dependsOnData }) => !dependsOnData);
  return { failures, neverWorks };
}

interface DryRequest {
  readonly request: string;
  readonly data: Parameters<GoTemplate['execute']>[0];
}

function customSamples(rule: MetricRule): readonly DryRequest[] {
  const namespace = guessLabel(rule, 'namespace') ?? 'namespace';
  const pod =
    guessLabel(rule, 'pod') ?? [...rule.labels.overrides.keys()].find((label) => label !== namespace) ?? 'pod';
  const one = { [namespace]: 'default', [pod]: 'web-0' };
  const many = { [namespace]: 'default', [pod]: 'web-0|web-1|web-2' };
  const node = guessLabel(rule, 'node') ?? 'node';
  return [
    { request: 'one object', data: dataOf(one, pod) },
    { request: 'several objects', data: dataOf(many, pod) },
    { request: 'one object and a selector', data: dataOf({ method: 'GET', ...one }, pod) },
    { request: 'a cluster-scoped object', data: dataOf({ [node]: 'node-a' }, node) },
  ];
}

function externalSamples(rule: MetricRule): readonly DryRequest[] {
  const namespace = rule.namespaced ? { [guessLabel(rule, 'namespace') ?? 'namespace']: 'default' } : {};
  return [
    { request: 'no selector', data: dataOf(namespace) },
    { request: 'a selector', data: dataOf({ queue: 'orders', ...namespace }) },
  ];
}

function dataOf(values: Readonly<Record<string, string>>, groupBy?: string): DryRequest['data'] {
  const matchers = Object.entries(values).map(
    ([label, value]) => `${label}${value.includes('|') ? '=~' : '='}"${value}"`,
  );
  return {
    Series: 'http_requests_total',
    LabelMatchers: matchers.join(','),
    LabelValuesByName: new Map(Object.entries(values)),
    GroupBy: groupBy ?? '',
    GroupBySlice: groupBy === undefined ? [] : [groupBy],
  };
}

/** Returns the label of a core resource, without a cluster. */
export function guessLabel({ labels }: MetricRule, singular: string): string | undefined {
  const override = [...labels.overrides].findLast(([, name]) => name === singular || name === `${singular}s`);
  return override?.[0] ?? labels.templateLabelOf('', singular);
}
