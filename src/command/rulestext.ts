/** Prints a check of rules: for people, or as JSON. */
import { formatDuration } from '../apimachinery/duration.ts';
import { terminalJson, withoutSecrets } from '../foreigntext.ts';
import type { RuleExplanation } from '../rules/explanation.ts';
import { problemText, type RuleProblem } from '../rules/problem.ts';
import { type ResourceExample, resourceExamples, resourceRulesProblems } from '../rules/resourcequeries.ts';
import type { ResourceRules, Rules } from '../rules/rule.ts';

export interface RulesReport {
  readonly file: string;
  /** Undefined if the file does not load. */
  readonly rules: Rules | undefined;
  readonly explanations: readonly RuleExplanation[];
  readonly problems: readonly RuleProblem[];
  /** Those that are of no rule. */
  readonly notes: readonly RuleProblem[];
  /** If engines were asked. */
  asked?: AskedEngines;
}

export interface AskedEngines {
  readonly engines: readonly {
    readonly name: string;
    /** Without credentials. */
    readonly url: string;
  }[];
  readonly rules: readonly AskedRule[];
  /** Those of resourceRules that were sent. */
  readonly resourceQueries: readonly AskedResourceQuery[];
}

/** The series, metrics and values that an engine has for a rule. */
export interface AskedRule {
  readonly path: string;
  /** Those that the series query selects. */
  readonly series: number;
  readonly metrics: readonly AskedMetric[];
  /** Those of `series` that the filters and `name.matches` left. */
  readonly left: number;
  /** Metrics that are not in `metrics`. */
  readonly moreMetrics: number;
  /** Names of series that no label associates with a resource. */
  readonly unassociated: readonly string[];
  readonly errors: readonly AskedError[];
}

/** The values that an engine has for a query of resourceRules. */
export interface AskedResourceQuery {
  /** Such as `resourceRules.cpu.nodeQuery`. */
  readonly path: string;
  readonly query: string;
  /** The first containers or nodes, in cores or bytes. */
  readonly values: readonly AskedValue[];
  /** Why there are no values. */
  readonly problem?: string | undefined;
  readonly errors: readonly AskedError[];
}

export interface AskedError {
  readonly message: string;
  /** The engine did not answer; the rule may be well. */
  readonly isUnavailable: boolean;
}

export interface AskedMetric {
  readonly metric: string;
  /** Such as `pods`; undefined for external metrics. */
  readonly resource: string | undefined;
  readonly series: string;
  /** The rule whose metric is served in its place. */
  readonly overriddenBy?: string | undefined;
  /** The first objects or label sets. */
  readonly values: readonly AskedValue[];
  readonly query: string | undefined;
  /** Why there are no values. */
  readonly problem?: string | undefined;
}

export interface AskedValue {
  readonly object: string;
  /** Undefined where the API would leave it out. */
  readonly value: number | undefined;
  readonly problem?: string | undefined;
}

export function rulesText(report: RulesReport, format: 'table' | 'json'): string {
  if (format === 'table')
    return `${lines(report)
      .map((line) => withoutSecrets(line))
      .join('\n')}\n`;
  const { rules, ...rest } = report;
  const resourceRules = rules?.resource && {
    windowMs: rules.resource.windowMs,
    queries: examplesOf(rules.resource),
    problems: resourceRulesProblems(rules.resource),
  };
  const clean = withoutSecrets({ ...rest, loads: rules !== undefined, resourceRules }) as object;
  return `${terminalJson(clean, 2)}\n`;
}

function lines({ file, rules, explanations, problems, notes, asked }: RulesReport): readonly string[] {
  if (rules === undefined) {
    return [`${file} does not load:`, '', ...problems.map((problem) => `  ERROR  ${problemText(problem)}`)];
  }
  const { custom, external, resource } = rules;
  const counts = [count(custom.length, 'rule'), count(external.length, 'external rule')];
  if (resource !== undefined) counts.push('resourceRules');
  const result = [`${file} loads: ${counts.join(', ')}`];
  for (const note of notes) result.push(...noteLines(note));
  if (asked !== undefined) result.push(`asked: ${askedText(asked)}`);
  for (const explanation of explanations) {
    result.push('', ...ruleLines(explanation));
    const found = asked?.rules.find(({ path }) => path === explanation.path);
    if (found !== undefined) result.push(...askedLines(found));
  }
  if (resource !== undefined) result.push('', ...resourceLines(resource, asked));
  return result;
}

/** They are not in use without the flag, so what is missing is a note. */
function resourceLines(resource: ResourceRules, asked: AskedEngines | undefined): readonly string[] {
  const { line, windowMs } = resource;
  return [
    `resourceRules, line ${line}: metrics.k8s.io with --resource-metrics=prometheus; without the flag it comes from kubelets`,
    `  window     ${formatDuration(windowMs)}`,
    ...examplesOf(resource).flatMap(({ path, source, query, problem }) => [
      `  ${path}${sourceText(source)}`,
      `             ${query === undefined ? `(none: ${problem})` : inOneLine(query)}`,
      ...(asked?.resourceQueries ?? []).filter((each) => each.path === path).flatMap(valueLines),
    ]),
    ...resourceRulesProblems(resource).flatMap(noteLines),
  ];
}

function examplesOf({ cpu, memory }: ResourceRules): readonly ResourceExample[] {
  return [cpu, memory].flatMap(resourceExamples);
}

function askedText({ engines }: AskedEngines): string {
  const isSeveral = engines.length > 1;
  return engines.map(({ name, url }) => (isSeveral ? `${name} at ${url}` : url)).join(', ');
}

function ruleLines(rule: RuleExplanation): readonly string[] {
  const { nameExample } = rule;
  const example =
    nameExample === undefined
      ? []
      : [
          nameExample.metric === undefined
            ? `             ${nameExample.series} is left out`
            : `             ${nameExample.series} becomes ${nameExample.metric}`,
        ];
  const objects = rule.objects.map(({ resource, label }) => `${resource} by label ${label}`);
  return [
    `${rule.path}, line ${rule.line}${sourceText(rule.source)}`,
    `  series     ${rule.seriesQuery.trim() === '' ? '(none)' : inOneLine(rule.seriesQuery)}`,
    ...rule.filters.map((filter) => `  filter     ${filter}`),
    `  name       ${rule.matches === '.*' ? '' : `${rule.matches} -> `}${rule.as === '$0' ? "the series' name" : rule.as}`,
    ...example,
    ...(rule.kind === 'external' ? [] : [`  objects    ${objects.length === 0 ? '(none)' : objects.join(', ')}`]),
    ...(rule.template === undefined || rule.kind === 'external'
      ? []
      : [`             and by template ${rule.template} each resource whose name a label has`]),
    `  query      ${rule.queryExample === undefined ? `(none: ${rule.queryProblem})` : inOneLine(rule.queryExample)}`,
    ...rule.notes.flatMap(noteLines),
  ];
}

function sourceText(source: string | undefined): string {
  return source === undefined ? '' : `, source ${source}`;
}

function noteLines({ line, problem, remedy }: RuleProblem): readonly string[] {
  return [`  NOTE       line ${line}: ${problem}`, `             ${remedy}`];
}

function askedLines({ series, left, metrics, moreMetrics, unassociated, errors }: AskedRule): readonly string[] {
  const filtered = left === series ? '' : `, ${left} left by the filters`;
  const metricCount = count(metrics.length + moreMetrics, 'metric');
  // Without an answer, 0 series would read like one.
  const result =
    series === 0 && errors.length > 0
      ? []
      : [`  found      ${count(series, 'series', 'series')}${filtered}, ${metricCount}`];
  const known = new Set(metrics.map(({ problem }) => problem));
  for (const { message } of errors) if (!known.has(message)) result.push(`  ERROR      ${message}`);
  if (unassociated.length > 0)
    result.push(`  NOTE       no label of these names an object: ${unassociated.join(', ')}`);
  for (const metric of metrics) {
    const { resource, overriddenBy } = metric;
    const replaced = overriddenBy === undefined ? '' : `; ${overriddenBy} has it, too, and is served`;
    result.push(
      `  metric     ${resource === undefined ? '' : `${resource}/`}${metric.metric} from ${metric.series}${replaced}`,
    );
    result.push(...valueLines(metric));
  }
  if (moreMetrics > 0) result.push(`             and ${count(moreMetrics, 'metric')} more`);
  return result;
}

/** Prints the query where it has no value. */
function valueLines({ values, problem, query }: Pick<AskedMetric, 'values' | 'problem' | 'query'>): readonly string[] {
  return [
    ...values.map(({ object, value, problem: why }) => `${object} = ${value ?? `left out: ${why}`}`),
    ...(problem === undefined ? [] : [`no value: ${problem}`]),
    ...(values.length > 0 || query === undefined ? [] : [inOneLine(query)]),
  ].map((line) => `             ${line}`);
}

/** Queries in a file are folded over lines. */
function inOneLine(query: string): string {
  return query
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
