/** From series to metrics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRules } from '../../../src/rules/rules.ts';
import {
  externalMetricsOf,
  findMetrics,
  matchShape,
  metricsOf,
  ruleMetricLimit,
  type SeriesShape,
} from '../../../src/rules/seriesmetrics.ts';
import { mapper } from './mapper.ts';

const rulesOf = (...rules: readonly string[]) =>
  parseRules(`rules:\n${rules.map((rule) => `- ${rule}\n`).join('')}`).custom;

function series(name: string, ...labels: readonly string[]): SeriesShape {
  return { name, labels };
}

/** Returns `plural.group/metric=series`, sorted. */
function metricsFrom(rule: string, ...shapes: readonly SeriesShape[]): readonly string[] {
  return rulesOf(rule)
    .flatMap((each) => metricsOf(each, shapes, mapper).metrics)
    .map(({ resource, metric, series: from }) => `${resource.resource}.${resource.group}/${metric}=${from}`)
    .toSorted();
}

test('a label that is longer than any name of a resource is not matched', () => {
  const [rule] = rulesOf('{resources: {template: "<<.Resource>>"}}');
  const nameOf = (length: number) => rule?.labels.nameOf('x'.repeat(length))?.length;
  assert.deepEqual([nameOf(1_000), nameOf(1_001)], [1_000, undefined]);
});

test('name.matches also filters, and all seriesFilters must hold', () => {
  const labels = 'resources: {template: <<.Resource>>}'.replace('<<.Resource>>', '"<<.Resource>>"');
  const shapes = [series('a_total', 'pod'), series('b_total', 'pod'), series('a_gauge', 'pod')];
  assert.deepEqual(metricsFrom(`{name: {matches: "^(.*)_total$"}, ${labels}}`, ...shapes), [
    'pods./a=a_total',
    'pods./b=b_total',
  ]);
  assert.deepEqual(metricsFrom(`{seriesFilters: [{is: "^a"}, {isNot: "_total$"}], ${labels}}`, ...shapes), [
    'pods./a_gauge=a_gauge',
  ]);
});

test('template and overrides combine, and an override wins for its label', () => {
  const rule =
    '{resources: {template: "kube_<<.Resource>>", overrides: {kube_pod: {resource: node}, svc: {resource: services}}}}';
  assert.deepEqual(metricsFrom(rule, series('x', 'kube_pod', 'svc', 'kube_deployment', 'pod', 'instance')), [
    'deployments.apps/x=x',
    'nodes./x=x',
    'services./x=x',
  ]);
});

test('a template with the group finds resources of a group', () => {
  const rule = '{resources: {template: "kube_<<.Group>>_<<.Resource>>"}}';
  assert.deepEqual(metricsFrom(rule, series('x', 'kube_apps_deployment', 'kube__pod')), ['deployments.apps/x=x']);
});

test('the label job makes metrics of jobs.batch with the template <<.Resource>>', () => {
  assert.deepEqual(metricsFrom('{resources: {template: "<<.Resource>>"}}', series('x', 'job', 'instance', 'pod')), [
    'jobs.batch/x=x',
    'pods./x=x',
  ]);
});

test('metrics are namespaced as their resource is, and resources.namespaced has no effect', () => {
  const [rule] = rulesOf('{resources: {namespaced: false, template: "<<.Resource>>"}}');
  assert.ok(rule !== undefined);
  const { metrics } = metricsOf(rule, [series('x', 'pod', 'node', 'namespace', 'persistentvolume', 'fleet')], mapper);
  assert.deepEqual(Object.fromEntries(metrics.map(({ resource, namespaced }) => [resource.resource, namespaced])), {
    pods: true,
    nodes: false,
    namespaces: false,
    persistentvolumes: false,
    fleets: false,
  });
});

test('of several series with one name the last one of the answer is queried', () => {
  const rule = '{name: {as: odd}, resources: {template: "<<.Resource>>"}}';
  assert.deepEqual(metricsFrom(rule, series('odd_nan', 'pod'), series('odd_neg', 'pod'), series('odd_tiny', 'pod')), [
    'pods./odd=odd_tiny',
  ]);
});

test('a series without a label of a resource is reported', () => {
  const [rule] = rulesOf('{resources: {template: "<<.Resource>>"}}');
  assert.ok(rule !== undefined);
  const found = metricsOf(rule, [series('x', 'instance'), series('y', 'pod')], mapper);
  assert.deepEqual({ series: found.series, unassociated: [...found.unassociated] }, { series: 2, unassociated: ['x'] });
});

test('a name that is empty or has a slash is left out', () => {
  const labels = 'resources: {template: "<<.Resource>>"}';
  assert.deepEqual(metricsFrom(`{name: {matches: "x(.*)"}, ${labels}}`, series('x', 'pod')), []);
  assert.deepEqual(metricsFrom(`{name: {as: "a/b"}, ${labels}}`, series('x', 'pod')), []);
});

test('100,000 series of one name are named once', () => {
  const [rule] = rulesOf('{name: {matches: "^(.*)_total$"}, resources: {template: "<<.Resource>>"}}');
  assert.ok(rule !== undefined);
  const one = series('http_requests_total', 'pod', 'namespace', 'job');
  const found = metricsOf(rule, Array<SeriesShape>(100_000).fill(one), mapper);
  assert.deepEqual({ series: found.series, metrics: found.metrics.length }, { series: 100_000, metrics: 3 });
});

test('a series whose name would change the query makes no metric', () => {
  const labels = 'resources: {template: "<<.Resource>>"}';
  const names = [
    'x} or secret{a="',
    'secret or x',
    'secret-x',
    'x"',
    'x\ny',
    'x`',
    'secret+x',
    'up,x',
    'a_b:c',
    'otel.name',
  ];
  const found = metricsFrom(`{${labels}}`, ...names.map((name) => series(name, 'pod')));
  assert.deepEqual(found, ['pods./a_b:c=a_b:c', 'pods./otel.name=otel.name']);
  const external = parseRules(
    'externalRules:\n- {seriesQuery: x, metricsQuery: up, resources: {namespaced: false}}\n',
  ).external;
  assert.deepEqual(
    external.flatMap((rule) =>
      externalMetricsOf(rule, [series('x} or y{'), series('x')]).metrics.map(({ metric }) => metric),
    ),
    ['x'],
  );
});

test('after a shape was matched, its metrics are found without regular expressions', () => {
  const [rule] = rulesOf('{resources: {template: "kube_<<.Resource>>"}}');
  assert.ok(rule);
  let matched = 0;
  const { matches } = rule.name;
  const match: typeof matches.match = (text) => {
    matched += 1;
    return matches.match(text);
  };
  const counted = { ...rule, name: { ...rule.name, matches: { ...matches, match } } };
  const shapes = [series('a', 'kube_pod'), series('b', 'kube_pod', 'x')];
  for (const shape of shapes) matchShape(counted, shape);
  assert.equal(matched, 2);
  assert.equal(metricsOf(counted, shapes, mapper).metrics.length, 2);
  assert.equal(matched, 2);
});

test('a rule makes a limited number of metrics, and says so', () => {
  const [rule] = rulesOf('{resources: {template: "<<.Resource>>"}}');
  assert.ok(rule !== undefined);
  const shapes = Array.from({ length: ruleMetricLimit / 2 + 1 }, (_, index) => series(`m${index}`, 'pod', 'namespace'));
  const { metrics, isCut } = metricsOf(rule, shapes, mapper);
  assert.deepEqual([metrics.length, isCut], [ruleMetricLimit, true]);
  assert.equal(metricsOf(rule, shapes.slice(1), mapper).isCut, false);
  const external = externalMetricsOf(rule, [...shapes, ...shapes.map(({ name }) => series(`${name}_x`))]);
  assert.deepEqual([external.metrics.length, external.isCut], [ruleMetricLimit, true]);
});

test('many series are read in steps', () => {
  const [rule] = rulesOf('{resources: {template: "<<.Resource>>"}}');
  assert.ok(rule !== undefined);
  const shapes = Array.from({ length: 1_000 }, (_, index) => series(`m${index}`, 'pod'));
  assert.ok([...findMetrics(rule, shapes, mapper)].length >= 50);
});

test('a name that is longer than any URL makes no metric', () => {
  const rule = '{name: {matches: "x(.*)", as: "${1}_y"}, resources: {template: "<<.Resource>>"}}';
  assert.deepEqual(metricsFrom(rule, series('x'.repeat(1_001), 'pod')), []);
  assert.equal(metricsFrom(rule, series('x'.repeat(1_000), 'pod')).length, 1);
});
