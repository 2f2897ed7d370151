import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bracketProblem, plainQuery } from '../../../src/rules/brackets.ts';

const cases: readonly (readonly [promql: string, problem: string | undefined])[] = [
  ['', undefined],
  ['sum(rate(x{a="b"}[2m])) by (pod)', undefined],
  ['sum(x', '( is not closed'],
  ['sum(x{a="b")', ') closes no bracket'],
  ['sum(x))', ') closes no bracket'],
  ['x{a=~"(["}', undefined],
  [String.raw`x{a="\"{"}`, undefined],
  ["x{a='(\\'('}", undefined],
  ['x{a=`(\\`}', undefined],
  ['x # (\n+ y', undefined],
  ['x{a="b}', '{ is not closed'],
];
for (const [promql, problem] of cases) {
  test(`brackets of ${JSON.stringify(promql)}: ${problem ?? 'each has its other one'}`, () => {
    assert.equal(bracketProblem(promql), problem);
  });
}

test('fields of a template are words, and a template with branches is not judged', () => {
  assert.equal(plainQuery('sum(<<.Series>>{<<- .LabelMatchers ->>}) by (<< .GroupBy >>)'), 'sum(x{x}) by (x)');
  assert.equal(plainQuery('<<if .GroupBy>>sum(<<else>>avg(<<end>>x)'), undefined);
});
