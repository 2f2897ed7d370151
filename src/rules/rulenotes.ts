/** Notes mistakes that prometheus-adapter accepts in silence: the rule loads, and will surprise. */
import { bracketProblem, plainQuery } from './brackets.ts';
import { guessLabel } from './dryrun.ts';
import type { RuleProblem } from './problem.ts';
import type { MetricRule } from './rule.ts';

/** Returns the notes of one rule. */
export function noteRule(rule: MetricRule, lineOf: (path: string) => number): readonly RuleProblem[] {
  const note = (key: string, problem: string, remedy: string): RuleProblem => {
    const path = `${rule.path}${key}`;
    return { line: lineOf(path), path, problem, remedy };
  };
  const { overrides, template } = rule.labels;
  const query = rule.metricsQueryText;
  const isCustom = rule.kind === 'custom';
  const ofSeries = bracketProblem(rule.seriesQuery);
  const ofQuery = bracketProblem(plainQuery(query) ?? '');
  const rules: readonly (readonly [boolean, RuleProblem])[] = [
    [
      rule.seriesQuery.trim() === '',
      note(
        '.seriesQuery',
        'no seriesQuery, so the rule finds no series',
        'write a series selector, such as {namespace!=""}',
      ),
    ],
    [
      ofSeries !== undefined,
      note('.seriesQuery', `${ofSeries}: an engine refuses it, so the rule finds no series`, 'correct the brackets'),
    ],
    [
      ofQuery !== undefined,
      note('.metricsQuery', `${ofQuery}: an engine refuses it, so each request fails`, 'correct the brackets'),
    ],
    [
      query === '',
      note(
        '.metricsQuery',
        'no metricsQuery, so each request is a 404',
        'write for example sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)',
      ),
    ],
    [
      isCustom && overrides.size === 0 && template === undefined,
      note(
        '.resources',
        'no label names an object, so the rule exposes nothing',
        'add resources.overrides or resources.template',
      ),
    ],
    [
      isCustom && aggregation.test(query) && !grouping.test(query),
      note(
        '.metricsQuery',
        'an aggregation without by (<<.GroupBy>>) loses the label that names the object, so no object has a value',
        'add by (<<.GroupBy>>)',
      ),
    ],
    [
      isCustom && guessLabel(rule, 'namespace') === undefined && [...overrides.values()].some(isNamespaced),
      note(
        '.resources',
        'no label names the namespace, so each request for a namespaced object fails',
        'map a label to namespace in resources.overrides',
      ),
    ],
    [
      !isCustom && rule.namespaced && guessLabel(rule, 'namespace') === undefined,
      note(
        '.resources',
        'no label names the namespace, so each request fails',
        'map a label to namespace in resources.overrides, or write resources: {namespaced: false}',
      ),
    ],
    [
      !isCustom && query.includes('.GroupBy'),
      note('.metricsQuery', '.GroupBy is empty in external rules', 'name the labels: by (queue)'),
    ],
    [
      new Set(overrides.values()).size < overrides.size,
      note('.resources.overrides', 'two labels name one resource; queries use the last', 'leave one of them'),
    ],
  ];
  return rules.filter(([holds]) => holds).map(([, each]) => each);
}

/** As far as it is known without a cluster. */
function isNamespaced(resource: string): boolean {
  return !/^(?:nodes?|namespaces?|persistentvolumes?)$/.test(resource);
}

const aggregation = /\b(?:sum|avg|min|max|count|group|stddev|stdvar|quantile)\b/;
const grouping = /\b(?:by|without)\b|\.GroupBy/;
