import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBatchable } from '../../../src/prometheussource/batchable.ts';

const batchable = [
  'sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)',
  'sum by (<<.GroupBy>>) (rate(<<.Series>>{<<.LabelMatchers>>,container!="POD"}[5m]))',
  'avg(<<.Series>>{<<.LabelMatchers>>}) by(<<.GroupBy>>) / 1000',
  '<<.Series>>{<<.LabelMatchers>>}',
  'sum(fixed_total{<<.LabelMatchers>>}) by (<<.GroupBy>>)',
  'sum({__name__="<<.Series>>",<<.LabelMatchers>>}) by (<<.GroupBy>>)',
  'max_over_time(<<.Series>>{<<.LabelMatchers>>}[1h:1m])',
  'histogram_quantile(0.99, sum(rate(<<.Series>>{<<.LabelMatchers>>}[5m])) by (le, <<.GroupBy>>))',
  `max(<<.Series>>{<<.LabelMatchers>>,path=~"/a{2}|topk"}) by (<<.GroupBy>>)`,
  'sum(rate(<<.Series>>{<<.LabelMatchers>>,code=~"5.."}[2m])) by (<<.GroupBy>>) / sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)',
  '100 * sum by (<<.GroupBy>>) (used{<<.LabelMatchers>>}) / max by (<<.GroupBy>>) (limit{ <<.LabelMatchers>> })',
  'sum(<<.Series>>_sum{<<.LabelMatchers>>}) by (<<.GroupBy>>) / sum(<<.Series>>_count{<<.LabelMatchers>>}) by (<<.GroupBy>>)',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) or vector(0)',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) or sum(limit{<<.LabelMatchers>>}) by (<<.GroupBy>>)',
  'max(a{<<.LabelMatchers>>}) by (<<.GroupBy>>) > bool 5 and min(b{<<.LabelMatchers>>}) by (<<.GroupBy>>) unless sum(c{<<.LabelMatchers>>}) by (<<.GroupBy>>)',
  'time() - max(timestamp(<<.Series>>{<<.LabelMatchers>>})) by (<<.GroupBy>>)',
  'quantile(0.9, <<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)',
];

const single = [
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) or on(pod) sum(limit{<<.LabelMatchers>>}) by (<<.GroupBy>>)',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) or vector(scalar(<<.Series>>{<<.LabelMatchers>>}))',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) or up',
  '',
  'sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m]))',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (pod)',
  'topk(1, <<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)',
  'sum(topk(3, <<.Series>>{<<.LabelMatchers>>})) by (<<.GroupBy>>)',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) / sum(other_total)',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) / on(pod) limits',
  'sum(<<.Series>>{<<.LabelMatchers>>}) without (<<.GroupBy>>)',
  'sum(avg(<<.Series>>{<<.LabelMatchers>>})) by (<<.GroupBy>>)',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>, zone)',
  'scalar(<<.Series>>{<<.LabelMatchers>>})',
  'absent(<<.Series>>{<<.LabelMatchers>>})',
  'sum(<<.Series>>{<<.LabelMatchers>>, v="<<index .LabelValuesByName "pod">>"}) by (<<.GroupBy>>)',
  'sum(<<.Series>>{pod=~"<<.LabelMatchers>>"}) by (<<.GroupBy>>) - sum(<<.Series>>{<<.LabelMatchers>>})',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) / sum(<<.Series>>{<<.LabelMatchers>>})',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) / sum(limit{<<.LabelMatchers>>}) by (zone)',
  'sum(<<.Series>>{<<.LabelMatchers>>,<<.LabelMatchers>>}) by (<<.GroupBy>>) / sum(limit{}) by (<<.GroupBy>>)',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) / sum(limit{pod=~"<<.LabelMatchers>>"}) by (<<.GroupBy>>)',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) / on() sum(limit{<<.LabelMatchers>>}) by (<<.GroupBy>>)',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) / topk(1, sum(limit{<<.LabelMatchers>>}) by (<<.GroupBy>>))',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) / avg(sum(limit{<<.LabelMatchers>>}) by (<<.GroupBy>>))',
  'sum(<<.Series>>{<<.LabelMatchers>>} / limit{<<.LabelMatchers>>}) by (<<.GroupBy>>)',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) / sum(limit{<<.LabelMatchers>>}) by (<<.GroupBy>>) * total',
  'label_replace(<<.Series>>{<<.LabelMatchers>>}, "pod", "x", "a", "b")',
  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) > 5 and on() up',
  '<<if .Series>><<.Series>>{<<.LabelMatchers>>}<<end>>',
];

for (const query of batchable)
  test(`one query may be for several requests: ${query}`, () => assert.ok(isBatchable(query)));
for (const query of single) test(`each request has its own query: ${query}`, () => assert.ok(!isBatchable(query)));
