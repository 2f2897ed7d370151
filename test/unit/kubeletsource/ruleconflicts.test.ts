import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleConflicts } from '../../../src/kubeletsource/ruleconflicts.ts';
import { explainRules } from '../../../src/rules/explanation.ts';
import { withOverrides, knownResources } from '../../../src/rules/knownresources.ts';
import { parseRules } from '../../../src/rules/rules.ts';

const fileOf = (kind: string, seriesQuery: string, name: string) => `${kind}:
- seriesQuery: '${seriesQuery}'
  resources:
    overrides:
      namespace: {resource: namespace}
      pod: {resource: pod}
  ${name}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
`;

function conflictsIn(text: string) {
  return ruleConflicts(explainRules(parseRules(text), (rule) => withOverrides(knownResources, rule)));
}

test('a rule whose metric kubelets have is a conflict, named by its series or by its file', () => {
  for (const [query, name] of [
    ['sockets{pod!=""}', ''],
    ['tcp_sockets{pod!=""}', 'name: {matches: "^tcp_(.*)$", as: "$1"}'],
    ['{__name__=~"^tcp_.*"}', 'name: {matches: "^tcp_(.*)$", as: "sockets"}'],
  ] as const) {
    const [conflict, ...others] = conflictsIn(fileOf('rules', query, name));
    assert.deepEqual(others, []);
    assert.equal(conflict?.path, 'rules[0]');
    assert.match(conflict?.problem ?? '', /its metric sockets is one that --custom-metrics=kubelet serves/);
  }
});

test('other names, names that only series show, and external metrics are none', () => {
  assert.deepEqual(conflictsIn(fileOf('rules', 'http_requests_total{pod!=""}', '')), []);
  assert.deepEqual(
    conflictsIn(fileOf('rules', '{__name__=~"^tcp_.*"}', 'name: {matches: "^tcp_(.*)$", as: "$1"}')),
    [],
  );
  assert.deepEqual(conflictsIn(fileOf('externalRules', 'sockets{pod!=""}', '')), []);
});
