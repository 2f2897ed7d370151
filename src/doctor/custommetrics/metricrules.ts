/** Explains the sources and rules of custom and external metrics, as the server's /status has them. */
import { field, items, text } from '../../client/json.ts';
import { foreignText } from '../../foreigntext.ts';
import type { Finding } from '../finding.ts';
import { objectOf } from '../grouping.ts';

export interface RuleFacts {
  readonly source: string;
  /** Such as `rules[0]`, or a metric of kubelets. */
  readonly rule: string;
  readonly metrics: number;
  readonly series: number | undefined;
  readonly lastSuccess: string | undefined;
  readonly error: string | undefined;
  readonly query: string | undefined;
}

export const ruleCodes = ['metric-rule-fails', 'metric-rules'] as const;

/** Rules whose figures are named in one finding. */
const namedRules = 20;
/** Characters of a query in a finding. */
const queryLimit = 300;

/** Returns the rules of a StatusReport; undefined if the server has no source. */
export function rulesOfStatus(report: unknown): readonly RuleFacts[] | undefined {
  if (field(report, 'metricRules') === undefined) return undefined;
  return items(field(report, 'metricRules')).map((rule) => {
    const series = field(rule, 'series');
    return {
      source: text(field(rule, 'source')) ?? '',
      rule: text(field(rule, 'rule')) ?? '',
      metrics: Number(field(rule, 'metrics') ?? 0),
      series: typeof series === 'number' ? series : undefined,
      lastSuccess: text(field(rule, 'lastSuccess')),
      error: text(field(rule, 'error')),
      query: text(field(rule, 'query')),
    };
  });
}

export function* explainRules(rules: readonly RuleFacts[]): Generator<Finding> {
  const failing = rules.filter(({ error }) => error !== undefined);
  for (const members of Map.groupBy(failing, ({ source, error }) => JSON.stringify([source, error])).values()) {
    yield failure(members);
  }
  for (const [source, members] of Map.groupBy(rules, (rule) => rule.source)) yield figures(source, members);
}

/** An engine that is away fails all of its rules with one error. @param members of one source and error. */
function failure(members: readonly RuleFacts[]): Finding {
  const [first] = members;
  const { source = '', error = '' } = first ?? {};
  const isKubelet = source === 'kubelet';
  const never = members.every(({ lastSuccess }) => lastSuccess === undefined);
  const since = members
    .flatMap(({ lastSuccess }) => lastSuccess ?? [])
    .toSorted()
    .at(-1);
  const query = first?.query === undefined ? '' : `; query: ${foreignText(first.query, { limit: queryLimit })}`;
  return {
    code: 'metric-rule-fails',
    severity: never ? 'error' : 'warning',
    object: objectOf(
      'Rule',
      members.map(({ rule }) => rule),
    ),
    problem: never
      ? `source ${source} has not answered since the start, so there are no such metrics`
      : isKubelet
        ? 'some nodes and their pods have no such metrics'
        : `source ${source} fails since ${since}; last values are served for --metrics-max-age`,
    evidence: `${foreignText(error)}${query}`,
    remedy: isKubelet
      ? 'kubegauge doctor kubelets'
      : 'kubegauge rules check <file> --prometheus-url=<url>   # the file of --config, the URL as from the pod',
  };
}

function figures(source: string, members: readonly RuleFacts[]): Finding {
  const well = members.filter(({ error }) => error === undefined).length;
  const named = members.slice(0, namedRules).map(figuresOf);
  const rest = members.length - named.length;
  return {
    code: 'metric-rules',
    severity: 'note',
    object: `Source ${source}`,
    problem: `${well} of its ${members.length} ${source === 'kubelet' ? 'wanted metrics' : 'rules'} work`,
    evidence: [...named, ...(rest > 0 ? [`and ${rest} others`] : [])].join('; '),
  };
}

function figuresOf({ rule, metrics, series, lastSuccess }: RuleFacts): string {
  const counted = series === undefined ? [] : [`${series} series`];
  return [
    `${rule}: ${metrics} ${metrics === 1 ? 'metric' : 'metrics'}`,
    ...counted,
    `last success ${lastSuccess ?? 'never'}`,
  ].join(', ');
}
