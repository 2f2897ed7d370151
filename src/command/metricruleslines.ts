/** Formats the part of a status report about rules of custom and external metrics. */
import type { MetricRuleReport } from '../server/statuspage.ts';
import { tableLines } from './texttable.ts';

/** Characters of a query; one for many pods has thousands. */
const queryLimit = 300;

const titles = ['SOURCE', 'RULE', 'METRICS', 'SERIES', 'LAST SUCCESS'];

/** Returns a line per rule, then errors and queries. */
export function metricRulesLines(rules: readonly MetricRuleReport[]): readonly string[] {
  const rows = rules.map(({ source, rule, metrics, series, lastSuccess }) => [
    source,
    rule,
    String(metrics),
    String(series ?? '-'),
    lastSuccess ?? '-',
  ]);
  const hasResources = rules.some(({ rule }) => rule.startsWith('resourceRules.'));
  const title = hasResources ? 'resource, custom and external metrics:' : 'custom and external metrics:';
  return [title, ...tableLines([titles, ...rows]), ...rules.flatMap(remarks)];
}

function remarks({ source, rule, error, warning, query }: MetricRuleReport): readonly string[] {
  const cut = query !== undefined && query.length > queryLimit ? `${query.slice(0, queryLimit)}...` : query;
  const lines = [
    ...(error === undefined ? [] : [`RuleFails: ${error}`]),
    ...(warning === undefined ? [] : [`AnswerIncomplete: ${warning}`]),
    ...(cut === undefined ? [] : [cut]),
  ];
  return lines.length === 0 ? [] : ['', `${source} ${rule}:`, ...lines.map((line) => `  ${line}`)];
}
