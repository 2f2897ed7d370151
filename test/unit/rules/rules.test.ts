/** The file of rules: what is read, what is refused, and where. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileLengthLimit, nodeLimit } from '../../../src/rules/decode.ts';
import { RulesError } from '../../../src/rules/problem.ts';
import { parseRules } from '../../../src/rules/rules.ts';
import { unknownResources } from '../../../src/rules/unknownresources.ts';
import { mapper } from './mapper.ts';

/** Returns `line path: problem; remedy` of each problem; none for a file that loads. */
function problemsOf(text: string): readonly string[] {
  try {
    parseRules(text);
    return [];
  } catch (error) {
    if (error instanceof RulesError) return error.message.split('\n');
    throw error;
  }
}

const notesOf = (text: string) => parseRules(text).notes.map(({ path, problem }) => `${path}: ${problem}`);

/** A rule that has all that a rule needs. */
const complete = `rules:
- seriesQuery: 'x{namespace!="",pod!=""}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
`;

test('an empty file starts and has no rules', () => {
  for (const text of ['', '# nothing', '{}', 'rules: []', 'rules:', 'rules: null\nexternalRules: []', '---\n']) {
    const { custom, external, resource } = parseRules(text);
    assert.deepEqual({ custom, external, resource }, { custom: [], external: [], resource: undefined }, text);
  }
});

test('unknown keys, duplicate keys, wrong types and tabs refuse the file, with line and remedy', () => {
  const rows: readonly (readonly [string, string | RegExp])[] = [
    ['rules: []\nrule: []', 'line 2, rule: unknown key rule; did you mean rules?'],
    ['rules:\n- seriesquery: a', 'line 2, rules[0].seriesquery: unknown key seriesquery; did you mean seriesQuery?'],
    ['rules:\n- zzz: a', /^line 2, rules\[0\]\.zzz: unknown key zzz; there are seriesQuery, /],
    ['rules: []\nrules: []', 'line 2, rules: the key rules is there twice; remove one of them'],
    [
      'rules:\n- seriesQuery: a\n\n  seriesQuery: b',
      /^line 4, rules\[0\]\.seriesQuery: the key seriesQuery is there twice/,
    ],
    ['rules: x', 'line 1, rules: must be a list, but is "x"; begin each item with "- "'],
    ['rules: {}', /must be a list, but is a mapping/],
    ['rules:\n- a', /^line 2, rules\[0\]: must be a mapping, but is "a"/],
    ['[]', /must be a mapping, but is a list/],
    ['rules:\n- seriesQuery: [a]', /^line 2, rules\[0\]\.seriesQuery: must be text, but is a list/],
    ['rules:\n- seriesQuery: {__name__: a}', /must be text, but is a mapping; .* quotes/],
    [
      'rules:\n- resources: {namespaced: "true"}',
      /namespaced: must be true or false, but is "true"; write it without quotes/,
    ],
    ['rules:\n\t- seriesQuery: a', /^line 2: Tabs are not allowed as indentation; indent with spaces/],
    ['rules:\n- seriesQuery: "a', /^line 2: Missing closing "quote; correct the YAML/],
    ['rules:\n- seriesQuery: !!binary YQ==', /the tag !!binary is not supported/],
    ['rules: *a', /the alias has no anchor|Unresolved alias/],
  ];
  for (const [text, expected] of rows) {
    const [problem = 'it loads'] = problemsOf(text);
    if (typeof expected === 'string') assert.equal(problem, expected);
    else assert.match(problem, expected, text);
  }
});

test('all problems of a file are reported at once', () => {
  assert.equal(problemsOf('rules:\n- a: 1\n- b: 1\n  seriesQuery: []\n').length, 3);
  assert.equal(problemsOf('rules:\n- name: {matches: "("}\n- seriesFilters: [{}]\n').length, 2);
  assert.ok(problemsOf(`rules:\n${'- {a: 1}\n'.repeat(1_000)}`).length <= 50);
});

test("scalars are read as yaml.v2 reads them: any scalar is text, yes and on are booleans, null is Go's zero value", () => {
  const queries = (text: string) => parseRules(text).custom.map(({ seriesQuery }) => seriesQuery);
  const text =
    'rules:\n- seriesQuery: 1.50\n- seriesQuery: yes\n- seriesQuery: ~\n- seriesQuery: >-\n    a\n    b\n- ~\n';
  assert.deepEqual(queries(text), ['1.50', 'yes', '', 'a b', '']);
  for (const word of ['yes', 'on', 'y', 'True']) {
    const [rule] = parseRules(`externalRules:\n- resources: {namespaced: ${word}}`).external;
    assert.equal(rule?.namespaced, true, word);
  }
  for (const word of ['no', 'off', 'N', 'FALSE']) {
    const [rule] = parseRules(`externalRules:\n- resources: {namespaced: ${word}}`).external;
    assert.equal(rule?.namespaced, false, word);
  }
});

test('JSON, anchors and merges are read', () => {
  assert.equal(parseRules('{"rules":[{"seriesQuery":"a"}]}').custom[0]?.seriesQuery, 'a');
  const merged = parseRules('rules:\n- &a {seriesQuery: a, source: s}\n- <<: *a\n  seriesQuery: b\n- *a\n').custom;
  assert.deepEqual(
    merged.map(({ seriesQuery, source }) => `${seriesQuery} ${source}`),
    ['a s', 'b s', 'a s'],
  );
});

test('in a list of merges the earlier one wins', () => {
  const [rule] = parseRules('rules:\n- <<: [{seriesQuery: a}, {seriesQuery: b, source: s}]\n').custom;
  assert.deepEqual([rule?.seriesQuery, rule?.source], ['a', 's']);
});

test('a template without quotes is not taken for a merge', () => {
  const [rule] = parseRules('rules:\n- resources:\n    template: <<.Resource>>\n  metricsQuery: <<.Series>>').custom;
  assert.equal(rule?.labels.template, '<<.Resource>>');
});

test('size and aliases of a file have limits', () => {
  assert.match(problemsOf(' '.repeat(fileLengthLimit + 1))[0] ?? '', /the limit is 1048576/);
  const levels = Array.from({ length: 9 }, (_, level) => `- &l${level + 1} [${`*l${level},`.repeat(9)}]`);
  const bomb = `rules:\n- &l0 [a]\n${levels.join('\n')}\n`;
  assert.ok(problemsOf(bomb).length > 0);
  const wide = `rules:\n- &a {seriesFilters: &f [${'{is: a},'.repeat(2_000)}]}\n${'- {seriesFilters: *f}\n'.repeat(50)}`;
  assert.match(problemsOf(wide)[0] ?? '', new RegExp(`more than ${nodeLimit} nodes`));
  for (const opening of ['[', '{a: ', '- ', '? ']) {
    assert.ok(problemsOf(opening.repeat(5_000)).length > 0, opening);
  }
});

test('what prometheus-adapter refuses at start is refused', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['name: {matches: "("}', /name\.matches: error parsing regexp: missing closing \): `\(`/],
    [
      'name: {matches: "(?=a)"}',
      /name\.matches: error parsing regexp: invalid or unsupported Perl syntax: .*; use the syntax of RE2/,
    ],
    ['name: {matches: "(a)(b)"}', /name\.as: must specify an 'as' value: matches has 2 groups/],
    ['seriesFilters: [{is: a, isNot: b}]', /seriesFilters\[0\]: cannot have both/],
    ['seriesFilters: [{is: a}, {}]', /seriesFilters\[1\]: must have either/],
    ['seriesFilters: [{isNot: "["}]', /seriesFilters\[0\]\.isNot: error parsing regexp/],
    ['resources: {template: "x"}', /resources\.template: must include at least <<\.Resource>>/],
    ['resources: {template: "<<.Resource"}', /resources\.template: line 1: unclosed action/],
    ['resources: {template: "(<<.Resource>>"}', /resources\.template: error parsing regexp: missing closing/],
    ['resources: {overrides: {pod: {group: apps}}}', /resources\.overrides\.pod: the resource is missing/],
    ['metricsQuery: "<<.Series"', /metricsQuery: line 1: unclosed action/],
    ['metricsQuery: "<<foo>>"', /metricsQuery: line 1: function "foo" not defined/],
  ];
  for (const [rule, expected] of rows) assert.match(problemsOf(`rules:\n- ${rule}`)[0] ?? 'it loads', expected, rule);
});

test('YAML that is nested too deeply is refused in our words', () => {
  const text = `rules: ${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  assert.deepEqual(problemsOf(text), ['line 1: the YAML is nested too deeply; correct the YAML']);
});

test('an unknown template field is refused at start', () => {
  assert.match(problemsOf('rules:\n- metricsQuery: <<.Nope>>')[0] ?? '', /metricsQuery: .*can't evaluate field Nope/);
  assert.match(problemsOf('rules:\n- resources: {template: "<<.Nope>>"}')[0] ?? '', /can't evaluate field Nope/);
});

test('a query that fails for each request is refused, and one that depends on data is noted', () => {
  const custom = (query: string) => `rules:\n- metricsQuery: '${query}'`;
  for (const query of [
    '<<len 3>>',
    '<<if lt .Series 1>>x<<end>>',
    '<<.Series.x>>',
    '<<range .Series>><<end>>',
    '<<slice>>',
  ]) {
    assert.match(problemsOf(custom(query))[0] ?? `${query} loads`, /^line 2, rules\[0\]\.metricsQuery: line 1: /);
  }
  const rows: readonly (readonly [string, RegExp])[] = [
    [custom('<<index .GroupBySlice 1>>'), /index out of range: 1 \(for one object\)/],
    [custom('<<slice .Series 0 90>>'), /index out of range: 90/],
    [
      custom('<<if eq (index .LabelValuesByName "namespace") "prod">>x<<end>>'),
      /the query is empty \(for one object\)/,
    ],
    [
      'externalRules:\n- metricsQuery: x<<if .LabelValuesByName.queue>><<.Series.x>><<end>>',
      /can't evaluate field x in string \(for a selector\)/,
    ],
  ];
  for (const [text, note] of rows) assert.match(notesOf(text).join('\n'), note);
});

test('name.as $1_x is refused with a hint, ${1}_x works, defaults are $0 and $1', () => {
  const as = (name: string) => parseRules(`rules:\n- name: ${name}`).custom[0]?.name.as;
  const [problem] = problemsOf('rules:\n- name: {matches: "^(.*)_total$", as: "$1_per_second"}');
  assert.equal(
    problem,
    'line 2, rules[0].name.as: $1_per_second is the group named 1_per_second, which matches does not have; write ${1}_per_second',
  );
  assert.equal(as('{matches: "^(.*)_total$", as: "${1}_per_second"}'), '${1}_per_second');
  assert.equal(as('{matches: "^(.*)_total$"}'), '$1');
  assert.equal(as('{matches: "_total$"}'), '$0');
  assert.equal(as('{}'), '$0');
  assert.match(notesOf('rules:\n- name: {matches: "(a)", as: "x$2"}').join('\n'), /matches has no group 2/);
});

test('resourceRules are accepted, and nonsense in them is refused', () => {
  assert.equal(parseRules('resourceRules: {window: 1h5m}').resource?.windowMs, 3_900_000);
  assert.equal(parseRules('resourceRules: {cpu: {containerQuery: a, nodeQuery: b}}').resource?.windowMs, 0);
  for (const window of ['5', '"5"', '1.5h', '30m1h', '""']) {
    assert.match(problemsOf(`resourceRules: {window: ${window}}`)[0] ?? window, /not a valid duration string/);
  }
  assert.match(
    problemsOf('resourceRules: {memory: {nodeQuery: "<<"}}')[0] ?? '',
    /memory\.nodeQuery: .*unclosed action/,
  );
  assert.match(problemsOf('resourceRules: {cpu: {resources: {template: a}}}')[0] ?? '', /cpu\.resources\.template/);
});

test('what loads and surprises is noted', () => {
  assert.deepEqual(notesOf(complete), []);
  const rows: readonly (readonly [string, RegExp])[] = [
    ["rules:\n- seriesQuery: 'x{'", /rules\[0\]\.seriesQuery: \{ is not closed: an engine refuses it/],
    [complete.replace(' by (<<.GroupBy>>)', ' by (<<.GroupBy>>'), /metricsQuery: \( is not closed/],
    ['rules:\n- metricsQuery: x', /rules\[0\]\.seriesQuery: no seriesQuery/],
    ['rules:\n- seriesQuery: x', /metricsQuery: no metricsQuery, so each request is a 404/],
    ['rules:\n- seriesQuery: x', /resources: no label names an object/],
    [complete.replace(' by (<<.GroupBy>>)', ''), /an aggregation without by/],
    ['externalRules:\n- seriesQuery: x', /no label names the namespace, so each request fails/],
    ['externalRules:\n- metricsQuery: sum(x) by (<<.GroupBy>>)', /\.GroupBy is empty in external rules/],
    ['rules:\n- resources: {namespaced: false}', /namespaced: false has no effect in rules/],
    ['rules:\n- resources: {overrides: {a: {resource: pod}, b: {resource: pod}}}', /two labels name one resource/],
    ['rules: []\n---\nrules: []', /only the first YAML document is read/],
  ];
  for (const [text, expected] of rows) assert.match(notesOf(text).join('\n'), expected, text);
});

test('an override of a resource that the cluster does not have is found by its place', () => {
  const text = 'rules:\n- resources: {overrides: {a: {resource: gadget}, b: {group: apps, resource: deployment}}}';
  assert.deepEqual(
    unknownResources(parseRules(text), mapper).map(({ line, path, problem }) => ({ line, path, problem })),
    [{ line: 2, path: 'rules[0].resources.overrides.a', problem: 'the cluster has no resource gadget' }],
  );
});

test('regular expressions of a file have limits together, and each has one of its own', () => {
  assert.match(
    problemsOf('rules:\n- {name: {matches: "(a{0,60}){0,15}b{900}c{900}d{900}e{900}"}}\n')[0] ?? '',
    /instructions: at most 5000/,
  );
  const filters = (pattern: string, count: number) =>
    `rules:\n- {seriesFilters: [${Array.from({ length: count }, () => `{is: "${pattern}"}`).join(', ')}]}\n`;
  const long = problemsOf(filters('a'.repeat(900), 60));
  assert.match(long.join('\n'), /the regular expressions of the file have more than 50000 characters/);
  assert.equal(long.length, 1);
  assert.match(problemsOf(filters('[a-z]{900}', 60)).join('\n'), /more than 50000 instructions/);
});
