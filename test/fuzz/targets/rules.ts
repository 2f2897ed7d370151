/** Files of rules, regular expressions beside Go's own, and queries of requests. */
import assert from 'node:assert/strict';
import { parseLabelSelector } from '../../../src/apimachinery/labels.ts';
import { StatusError } from '../../../src/apimachinery/status.ts';
import { explainRules } from '../../../src/rules/explanation.ts';
import { expand, unknownReference } from '../../../src/rules/expansion.ts';
import { knownResources, withOverrides } from '../../../src/rules/knownresources.ts';
import { compilePattern, PatternError } from '../../../src/rules/pattern.ts';
import { RulesError } from '../../../src/rules/problem.ts';
import { customQuery, QueryError } from '../../../src/rules/queries.ts';
import { parseRules } from '../../../src/rules/rules.ts';
import { metricsOf } from '../../../src/rules/seriesmetrics.ts';
import { findGo } from '../gocompare.ts';
import { mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import { type FuzzTarget, unlessDeclared } from '../target.ts';

const files = [
  `rules:
- seriesQuery: '{__name__=~"^container_.*",container!="POD",namespace!="",pod!=""}'
  seriesFilters:
  - isNot: ^container_.*_seconds_total$
  resources:
    overrides:
      namespace: {resource: namespace}
      pod: {resource: pod}
    template: kube_<<.Group>>_<<.Resource>>
  name:
    matches: ^container_(?P<what>.*)_total$
    as: "\${what}_per_second"
  metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>,container!="POD"}[2m])) by (<<.GroupBy>>)
externalRules:
- &external
  seriesQuery: queue_depth
  resources: {namespaced: no}
  metricsQuery: |
    sum(<<.Series>>{<<.LabelMatchers>>})
    <<- with .LabelValuesByName.queue>> or <<.>><<end>>
- <<: *external
  name: {as: other}
resourceRules:
  cpu: {containerQuery: a, nodeQuery: b, containerLabel: container, resources: {template: <<.Resource>>}}
  window: 5m
`,
  '{"rules":[{"seriesQuery":"up","name":{"matches":"","as":"$0"},"resources":{"template":"<<.Resource>>"},"metricsQuery":"<<.Series>>"}]}',
].map((text) => Buffer.from(text));

const words = [
  'rules:',
  '- ',
  '*external',
  '&a ',
  '<<: ',
  '<<',
  '>>',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '\t',
  '\n',
  ': ',
  '~',
  'yes',
  '$1_x',
  '(',
  '(?=a)',
  '---\n',
  '!!str ',
  '|\n',
  '%YAML 1.1\n',
];

/** Pieces of regular expressions, some of which RE2 refuses. */
const atoms = [
  'a',
  'b',
  '_',
  '.',
  '\\w',
  '\\d',
  '\\S',
  '[a-c]',
  '[^_]',
  '[[:alpha:]]',
  '\\pL',
  '^',
  '$',
  '\\b',
  '\\B',
  '\\A',
  '\\z',
  '(?i)A',
  '(?s).',
  '\\x41',
  '\\Qa.b\\E',
  '\\pN',
  'é',
  '😀',
  '(?:ab|a)',
  '(a)|b',
  '(?P<n>a)',
  '(?=a)',
  '(?<!a)',
  '\\1',
  '\\Z',
  '[',
  '(',
  ')',
  '\\',
  'a{2}',
  '(?U)',
  '(?m)^a$',
];
const repeats = ['', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,3}', '{0,2}?', '{2,}', '{1001}', '**'];
const references = [
  '$0',
  '$1',
  '${1}',
  '$2',
  '$n',
  '${n}',
  '$1_x',
  '$$',
  '$',
  '${',
  '${}',
  '$é',
  'x',
  '-',
  '$01',
  '$10',
];

function pattern(random: Random, depth: number): string {
  return Array.from({ length: 1 + random.below(4) }, () => {
    const atom =
      depth > 0 && random.once(3)
        ? `(${pattern(random, depth - 1)}${random.once(3) ? `|${pattern(random, depth - 1)}` : ''})`
        : random.of(atoms);
    return atom + random.of(repeats);
  }).join('');
}

function checkFile(input: Buffer): boolean {
  const rules = unlessDeclared(() => parseRules(input.toString('utf8')), RulesError);
  if (rules === undefined) return false;
  explainRules(rules, (rule) => withOverrides(knownResources, rule));
  const shapes = [
    { name: 'container_cpu_usage_seconds_total', labels: ['namespace', 'pod', 'kube_apps_deployment', 'job'] },
  ];
  for (const rule of rules.custom) {
    for (const { resource, series, metric } of metricsOf(rule, shapes, withOverrides(knownResources, rule)).metrics) {
      assert.ok(metric !== '' && !metric.includes('/'));
      const metricSelector = parseLabelSelector('method in (GET,P.ST)');
      const request = { series, resource, namespace: 'shop', names: ['web-0', 'a.b'], metricSelector };
      unlessDeclared(() => customQuery(rule, request, withOverrides(knownResources, rule)), QueryError, StatusError);
    }
  }
  return true;
}

async function checkPattern(input: Buffer): Promise<boolean> {
  const [source = '', subject = '', as = ''] = input.toString('utf8').split('\0');
  const compiled = unlessDeclared(() => compilePattern(source), PatternError);
  const match = compiled?.match(subject);
  if (compiled !== undefined) unknownReference(as, compiled);
  const go = await findGo();
  if (go === undefined) return compiled !== undefined;
  const { output, failure, matched, groups } = await go({ Pattern: source, Subject: subject, As: as });
  if (compiled === undefined) {
    // RE2 refuses two groups of one name, Go does not.
    assert.ok(failure !== undefined || /\(\?P?<n>.*\(\?P?<n>/s.test(source), `refused, but Go compiles ${source}`);
    return false;
  }
  assert.equal(failure, undefined, `Go refuses ${source}`);
  assert.equal(compiled.test(subject), match !== undefined);
  const expanded = match === undefined ? '' : expand(as, compiled, match);
  assert.deepEqual(
    { groups: compiled.groups, matched: match !== undefined, output: expanded },
    { groups, matched, output },
  );
  return true;
}

export const targets: readonly FuzzTarget[] = [
  {
    name: 'rules/rules',
    make: (random) => mutate(random, random.of(files), words, files),
    check: checkFile,
  },
  {
    name: 'rules/pattern',
    make: (random) => {
      const subject = Array.from({ length: random.below(12) }, () =>
        random.of(['a', 'b', 'A', '_', 'é', '😀', '1', '\n', 'ab', '.']),
      ).join('');
      const as = Array.from({ length: random.below(4) }, () => random.of(references)).join('');
      return Buffer.from([pattern(random, 2), subject, as].join('\0'));
    },
    check: checkPattern,
  },
];
