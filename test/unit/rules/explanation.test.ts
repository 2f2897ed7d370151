/** Explanations of rules, without an engine and without a cluster. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rulesInConfigMap } from '../../../src/rules/configmap.ts';
import { explainRules } from '../../../src/rules/explanation.ts';
import { knownResources, withOverrides } from '../../../src/rules/knownresources.ts';
import { parseRules } from '../../../src/rules/rules.ts';

const explain = (text: string) => explainRules(parseRules(text), (rule) => withOverrides(knownResources, rule));

test('a rule is explained by an example of its name, its labels and its query', () => {
  const [rule] = explain(`rules:
- seriesQuery: http_requests_total{namespace!=""}
  seriesFilters: [{isNot: _sum$}]
  resources: {overrides: {ns: {resource: namespace}, pod: {resource: pods}}}
  name: {matches: ^(.*)_total$, as: "\${1}_per_second"}
  metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)
`);
  assert.deepEqual(rule?.filters, ['isNot _sum$']);
  assert.deepEqual(rule.nameExample, { series: 'http_requests_total', metric: 'http_requests_per_second' });
  assert.deepEqual(rule.objects, [
    { resource: 'pods', label: 'pod' },
    { resource: 'namespaces', label: 'ns' },
  ]);
  assert.equal(rule.queryExample, 'sum(rate(http_requests_total{ns="default",pod="pod-0"}[2m])) by (pod)');
  assert.deepEqual(rule.notes, []);
});

test('a series name is read from either form of a selector, and a pattern is none', () => {
  const exampleOf = (query: string) =>
    explain(JSON.stringify({ rules: [{ seriesQuery: query }] }))[0]?.nameExample?.series;
  assert.equal(exampleOf('up'), 'up');
  assert.equal(exampleOf(' a:b_c {x="y"}'), 'a:b_c');
  assert.equal(exampleOf('{__name__="queue_depth",name!=""}'), 'queue_depth');
  assert.equal(exampleOf('{__name__=~"^container_.*"}'), undefined);
});

test('a resource that no cluster must have is taken as it is written', () => {
  const [rule] = explain(
    'rules:\n- resources: {overrides: {brand: {group: cheese.io, resource: brand}, ns: {resource: namespace}}}\n  metricsQuery: <<.Series>>{<<.LabelMatchers>>}',
  );
  assert.equal(rule?.queryExample, '<series>{ns="default",brand="brand-0"}');
});

test('an external rule has no objects', () => {
  const [rule] = explain(
    'externalRules:\n- {seriesQuery: q, resources: {namespaced: false}, metricsQuery: "sum(<<.Series>>{<<.LabelMatchers>>})"}',
  );
  assert.deepEqual({ objects: rule?.objects, query: rule?.queryExample }, { objects: [], query: 'sum(q{})' });
});

test('well-known resources are found by plural and singular, with and without a group', () => {
  const found = [
    'pod',
    'pods',
    'ingresses.networking.k8s.io',
    'networkpolicies',
    'storageclass',
    'endpoints',
    'po',
    'pods.apps',
  ];
  assert.deepEqual(
    found.map((name) => knownResources.resourceFor(name)?.resource),
    ['pods', 'pods', 'ingresses', 'networkpolicies', 'storageclasses', 'endpoints', undefined, undefined],
  );
  assert.equal(knownResources.resourceFor('nodes')?.namespaced, false);
});

test('the rules of a ConfigMap are read by their key', () => {
  const wrapped = (data: object) => JSON.stringify({ kind: 'ConfigMap', data }, undefined, 2);
  assert.deepEqual(rulesInConfigMap(wrapped({ other: 'x', 'config.yaml': 'rules: []' })), {
    key: 'config.yaml',
    text: 'rules: []',
  });
  assert.deepEqual(rulesInConfigMap('apiVersion: v1\nkind: ConfigMap\ndata:\n  c.yml: |\n    rules: []\n'), {
    key: 'c.yml',
    text: 'rules: []\n',
  });
  for (const text of [
    'rules: []',
    wrapped({ a: '', b: '' }),
    'kind: ConfigMap',
    'kind: ConfigMap\ndata: [',
    'kind: ConfigMap\ndata: x',
    `kind: ConfigMap\ndata: ${'['.repeat(5_000)}`,
    `kind: ConfigMap\nx: &a [b]\ndata: [${'*a,'.repeat(50)}]`,
  ]) {
    assert.equal(rulesInConfigMap(text), undefined, text);
  }
});
