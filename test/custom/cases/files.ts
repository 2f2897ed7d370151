/** Files of rules and flags with which the servers start or refuse to. */
import type { RowName } from '../differences.ts';

/** What became of a server: it ended with an error, or serves, with the statuses of the documents of its groups. */
export type Outcome = 'refused' | 'serves custom' | 'serves external' | 'serves both' | 'serves neither';

export interface StartCase {
  readonly statements: readonly number[];
  readonly name: string;
  readonly file: string;
  readonly args?: readonly string[];
  /** The adapter's. */
  readonly outcome: Outcome;
  readonly differs?: { readonly row: RowName; readonly ours: Outcome };
}

const query = 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)';
const rule = (more: string, metricsQuery = query) => `rules:
- seriesQuery: 'inflight'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: '${metricsQuery}'
${more}`;
const good = rule('');

export const startCases: readonly StartCase[] = [
  { statements: [93], name: 'an empty file', file: '', outcome: 'serves neither' },
  { statements: [93], name: 'empty lists', file: 'rules: []\nexternalRules: []\n', outcome: 'serves neither' },
  { statements: [92], name: 'an unknown key', file: rule('  nonsense: 1\n'), outcome: 'refused' },
  { statements: [92], name: 'a key twice', file: rule("  metricsQuery: 'x'\n"), outcome: 'refused' },
  { statements: [92], name: 'text for a list', file: 'rules: yes\n', outcome: 'refused' },
  { statements: [92], name: 'a tab', file: 'rules:\n\t- seriesQuery: x\n', outcome: 'refused' },
  { statements: [84], name: 'a lookahead', file: rule('  name: {matches: "(?=x)"}\n'), outcome: 'refused' },
  { statements: [83], name: 'two groups without as', file: rule('  name: {matches: "(a)(b)"}\n'), outcome: 'refused' },
  { statements: [85], name: 'is and isNot', file: rule('  seriesFilters: [{is: a, isNot: b}]\n'), outcome: 'refused' },
  {
    statements: [81],
    name: 'a broken template',
    file: rule('', 'sum(<<.Series>) by (<<.GroupBy>>)'),
    outcome: 'refused',
  },
  {
    statements: [82],
    name: 'an unknown field of a template',
    file: rule('', '<<.Nope>>'),
    outcome: 'serves custom',
    differs: { row: 'unknownField', ours: 'refused' },
  },
  {
    statements: [83],
    name: 'name.as $1_x',
    file: rule('  name: {matches: "^(in)flight$", as: "$1_x"}\n'),
    outcome: 'serves custom',
    differs: { row: 'emptyName', ours: 'refused' },
  },
  {
    statements: [107],
    name: 'an override of a resource that the cluster does not have',
    file: good.replace('pod: {resource: pod}', 'pod: {resource: gadget}'),
    outcome: 'refused',
    differs: { row: 'unknownOverride', ours: 'serves custom' },
  },
  {
    statements: [92],
    name: 'a rule without a query for series',
    file: 'rules:\n- metricsQuery: x\n',
    outcome: 'serves custom',
  },
  {
    statements: [94],
    name: 'a maximum age below the interval',
    file: good,
    args: ['--metrics-max-age=1s'],
    outcome: 'refused',
  },
  {
    statements: [111],
    name: '--logtostderr',
    file: good,
    args: ['--logtostderr=true'],
    outcome: 'refused',
    differs: { row: 'olderFlags', ours: 'serves custom' },
  },
];
