import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricKey } from '../../../src/metricsource/combined.ts';
import { MetricTable } from '../../../src/prometheussource/metrictable.ts';
import type { SeriesList } from '../../../src/prometheussource/serieslist.ts';
import { parseRules } from '../../../src/rules/rules.ts';
import type { SeriesShape } from '../../../src/rules/seriesmetrics.ts';
import { builtIn, createMapper } from '../../fakes/discovery.ts';

const template = 'resources: {template: "<<.Resource>>"}';
const shape = (name: string, ...labels: readonly string[]): SeriesShape => ({ name, labels });
const many = (count: number): readonly SeriesShape[] =>
  Array.from({ length: count }, (_, index) => shape(`m${index}`, 'pod', 'namespace'));

function setUp(rules: string, first: readonly SeriesShape[]) {
  let shapes = first;
  let resources = builtIn;
  // A list is asked for its shapes only.
  const lists = { of: () => ({ shapes }) as SeriesList };
  const table = new MetricTable(
    lists,
    createMapper(() => resources),
  );
  table.setRules(parseRules(rules));
  return {
    table,
    setShapes: (next: readonly SeriesShape[]) => (shapes = next),
    setResources: (next: typeof builtIn) => (resources = next),
    listed: () => table.customList().map(({ resource, metric }) => `${resource.resource}/${metric}`),
  };
}

test('of two rules with one name and resource the last one wins', () => {
  const rules = `rules:
- {name: {as: dup}, seriesFilters: [{is: "^a$"}], ${template}}
- {name: {as: dup}, seriesFilters: [{is: "^b$"}], ${template}}
`;
  const { table, listed } = setUp(rules, [shape('a', 'pod', 'node'), shape('b', 'pod')]);
  assert.deepEqual(listed(), ['nodes/dup', 'pods/dup']);
  assert.equal(table.custom(metricKey({ group: '', resource: 'pods' }, 'dup'))?.series, 'b');
  assert.equal(table.custom(metricKey({ group: '', resource: 'nodes' }, 'dup'))?.series, 'a');
});

test('external metrics have a name each, and the last rule wins', () => {
  const rules = `externalRules:
- {name: {matches: "^queue_(.*)$"}}
- {name: {as: depth}, seriesFilters: [{is: "^other$"}]}
`;
  const { table } = setUp(rules, [shape('queue_depth'), shape('queue_age'), shape('other')]);
  assert.deepEqual(table.externalList(), ['age', 'depth']);
  assert.equal(table.external('depth')?.series, 'other');
});

test('the lists are the same arrays until a metric comes or goes', async () => {
  const { table, setShapes } = setUp(`rules:\n- {${template}}\n`, [shape('a', 'pod')]);
  const before = table.customList();
  setShapes([shape('a', 'pod', 'x')]);
  await table.refresh();
  assert.equal(table.customList(), before);
  setShapes([shape('a', 'pod', 'node')]);
  await table.refresh();
  assert.notEqual(table.customList(), before);
});

test('a resource that comes later has metrics', () => {
  const { table, setResources, listed } = setUp(`rules:\n- {${template}}\n`, [shape('a', 'pod', 'widget')]);
  assert.deepEqual(listed(), ['pods/a']);
  const group = 'example.com';
  setResources([
    ...builtIn,
    { group, version: 'v1', kind: 'Widget', resource: 'widgets', singular: 'widget', namespaced: true },
  ]);
  table.resourcesChanged();
  assert.deepEqual(listed(), ['pods/a', 'widgets/a']);
});

test('many rules over many series are computed while other work goes on, and the last metrics stay meanwhile', async () => {
  const rules = Array.from({ length: 20 }, (_, index) => `- {name: {as: "\${0}_${index}"}, ${template}}\n`).join('');
  const { table, setShapes, listed } = setUp(`rules:\n${rules}`, [shape('m', 'pod')]);
  assert.equal(listed().length, 20);
  setShapes(many(2_000));
  const refreshed = table.refresh();
  assert.equal(listed().length, 20, 'the last metrics stay');
  let iterations = 0;
  let isDone = false;
  const count = (): void => {
    iterations += 1;
    if (!isDone) setImmediate(count);
  };
  count();
  await refreshed;
  isDone = true;
  assert.equal(listed().length, 20 * 2_000 * 2);
  assert.ok(iterations > 5, `the event loop went on ${iterations} times`);
});

test('rules that are replaced while metrics are computed are not served', async () => {
  const rules = Array.from({ length: 20 }, (_, index) => `- {name: {as: "\${0}_${index}"}, ${template}}\n`).join('');
  const { table, setShapes, listed } = setUp(`rules:\n${rules}`, [shape('m', 'pod')]);
  setShapes(many(2_000));
  const refreshed = table.refresh();
  const next = parseRules(`rules:\n- {name: {as: only}, ${template}}\n`);
  table.setRules(next);
  await refreshed;
  assert.deepEqual(listed(), ['namespaces/only', 'pods/only']);
  assert.equal(table.foundBy(next.custom[0] ?? assert.fail('there is one'))?.series, 2_000);
});
