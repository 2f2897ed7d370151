/** From requests to queries. What prometheus-adapter sent was recorded between it and Prometheus. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLabelSelector } from '../../../src/apimachinery/labels.ts';
import { StatusError } from '../../../src/apimachinery/status.ts';
import type { MetricRule } from '../../../src/rules/rule.ts';
import type { QueryStyle } from '../../../src/rules/matchers.ts';
import { customQuery, externalQuery, lastByObject, QueryError } from '../../../src/rules/queries.ts';
import { parseRules } from '../../../src/rules/rules.ts';
import { mapper, resourceNamed } from './mapper.ts';

const query = 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)';

function customRule(metricsQuery = query, template = '<<.Resource>>'): MetricRule {
  const [rule] = parseRules(JSON.stringify({ rules: [{ metricsQuery, resources: { template } }] })).custom;
  assert.ok(rule !== undefined);
  return rule;
}

function externalRule(metricsQuery: string, resources: object = { template: '<<.Resource>>' }): MetricRule {
  const [rule] = parseRules(JSON.stringify({ externalRules: [{ metricsQuery, resources }] })).external;
  assert.ok(rule !== undefined);
  return rule;
}

interface Asked {
  readonly rule?: MetricRule;
  readonly resource?: string;
  readonly namespace?: string;
  readonly names?: readonly string[];
  readonly selector?: string;
  readonly style?: QueryStyle;
}

function queryFor({
  rule = customRule(),
  resource = 'pods',
  namespace = 'shop',
  names = ['web-0'],
  selector = '',
  style,
}: Asked): string {
  const request = {
    series: 'm',
    resource: resourceNamed(resource),
    namespace,
    names,
    metricSelector: parseLabelSelector(selector),
  };
  return customQuery(rule, request, mapper, style).query;
}

/** Returns the matchers of a query. */
const matchersFor = (asked: Asked) => /\{(.*)\}/.exec(queryFor(asked))?.[1];

test('one object is matched by equality, several by a regular expression', () => {
  assert.equal(queryFor({}), 'sum(m{namespace="shop",pod="web-0"}) by (pod)');
  assert.equal(queryFor({ names: ['web-0', 'web-1'] }), 'sum(m{namespace="shop",pod=~"web-0|web-1"}) by (pod)');
});

test('matchers are in order: the selector by key, the namespace, the object', () => {
  assert.equal(matchersFor({ selector: 'path,method=GET' }), 'method="GET",path!="",namespace="shop",pod="web-0"');
});

test('each operator of a selector becomes its matcher', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['a=b', 'a="b"'],
    ['a==b', 'a="b"'],
    ['a!=b', 'a!="b"'],
    ['a in (x)', 'a=~"x"'],
    ['a in (y,x)', 'a=~"x|y"'],
    ['a notin (x)', 'a!~"x"'],
    ['a notin (x,y)', 'a!~"x|y"'],
    ['a', 'a!=""'],
    ['!a', 'a=""'],
    ['a=', 'a=""'],
    ['namespace=bank', 'namespace="bank"'],
  ];
  for (const style of ['exact', 'as-adapter'] as const) {
    for (const [selector, matcher] of rows) {
      assert.equal(matchersFor({ selector, style }), `${matcher},namespace="shop",pod="web-0"`, selector);
    }
  }
});

test('the Namespace object is matched once, and cluster-scoped objects without a namespace', () => {
  assert.equal(
    queryFor({ resource: 'namespaces', namespace: '', names: ['shop'] }),
    'sum(m{namespace="shop"}) by (namespace)',
  );
  assert.equal(matchersFor({ resource: 'nodes', namespace: '', names: ['node-a', 'node-b'] }), 'node=~"node-a|node-b"');
  assert.equal(matchersFor({ resource: 'fleets.example.com', namespace: 'shop', names: ['f'] }), 'fleet="f"');
});

test('labels are made by the template or an override', () => {
  const rule = customRule(query, 'kube_<<.Resource>>');
  assert.equal(
    queryFor({ rule, resource: 'deployments.apps', names: ['web'] }),
    'sum(m{kube_namespace="shop",kube_deployment="web"}) by (kube_deployment)',
  );
  const text = {
    rules: [
      { metricsQuery: query, resources: { template: '<<.Resource>>', overrides: { pod_name: { resource: 'pod' } } } },
    ],
  };
  const [override] = parseRules(JSON.stringify(text)).custom;
  assert.equal(matchersFor({ ...(override && { rule: override }) }), 'namespace="shop",pod_name="web-0"');
  const grouped = customRule(query, '<<.Group>>_<<.Resource>>');
  assert.equal(
    matchersFor({ rule: grouped, resource: 'brands.cheese.io', names: ['b'] }),
    '_namespace="shop",cheese_io_brand="b"',
  );
});

test('dots and dashes of a group become underscores, and of several overrides the last is queried', () => {
  const labels = customRule(query, '<<.Group>>_<<.Resource>>').labels;
  assert.equal(labels.templateLabelOf('a-b.example.com', 'thing'), 'a_b_example_com_thing');
  const overrides = { first: { resource: 'pod' }, second: { resource: 'pods' }, namespace: { resource: 'namespace' } };
  const [rule] = parseRules(JSON.stringify({ rules: [{ metricsQuery: query, resources: { overrides } }] })).custom;
  assert.equal(matchersFor({ ...(rule && { rule }) }), 'namespace="shop",second="web-0"');
});

test('.LabelValuesByName has selector keys, the namespace label and the object label, joined by |', () => {
  const rule = customRule('<<range $k, $v := .LabelValuesByName>><<$k>>=<<$v>>;<<end>>');
  assert.equal(
    queryFor({ rule, names: ['web-0', 'a.b'], selector: 'method in (GET,POST)' }),
    'method=GET|POST;namespace=shop;pod=web-0|a.b;',
  );
});

test('index of an absent key is empty', () => {
  assert.equal(queryFor({ rule: customRule('m{verb="<<index .LabelValuesByName "verb">>"}') }), 'm{verb=""}');
});

test('names and values of lists are escaped, unless queries are to be as of prometheus-adapter', () => {
  assert.equal(matchersFor({ names: ['a.b', 'axb'] }), String.raw`namespace="shop",pod=~"a\\.b|axb"`);
  assert.equal(matchersFor({ names: ['a.b', 'axb'], style: 'as-adapter' }), 'namespace="shop",pod=~"a.b|axb"');
  assert.equal(matchersFor({ names: ['a.b'] }), 'namespace="shop",pod="a.b"');
  assert.equal(matchersFor({ selector: 'a in (G.T)' }), String.raw`a=~"G\\.T",namespace="shop",pod="web-0"`);
  assert.equal(matchersFor({ selector: 'a in (G.T)', style: 'as-adapter' }), 'a=~"G.T",namespace="shop",pod="web-0"');
});

test('quotes and control characters are escaped as in Go', () => {
  assert.equal(matchersFor({ names: ['a"\\\n\u0001é'] }), String.raw`namespace="shop",pod="a\"\\\n\x01é"`);
});

test('a selector by a key that is no label name is 400, and is pasted only as of prometheus-adapter', () => {
  for (const selector of ['app.kubernetes.io/name=x', 'a-b=x', 'a-b', '1a=x']) {
    assert.throws(
      () => queryFor({ selector }),
      isBadRequest(/unable to select by ".*": labels of metrics match/),
      selector,
    );
  }
  assert.equal(matchersFor({ selector: 'a-b=x', style: 'as-adapter' }), 'a-b="x",namespace="shop",pod="web-0"');
});

test('a selector by > or < is 400', () => {
  assert.throws(() => queryFor({ selector: 'a>5' }), isBadRequest(/cannot be selected by > and </));
});

function isBadRequest(message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof StatusError && error.reason === 'BadRequest' && message.test(error.message);
}

test('external: the selector comes before the namespace, and .GroupBy is empty', () => {
  const ask = (rule: MetricRule, selector = '') =>
    externalQuery(rule, { series: 'queue_depth', namespace: 'shop', selector: parseLabelSelector(selector) }, mapper);
  assert.equal(ask(externalRule(query), 'queue=orders'), 'sum(queue_depth{queue="orders",namespace="shop"}) by ()');
  assert.equal(ask(externalRule('<<.GroupBySlice>>')), '[]');
});

test('external with namespaced: false has no matcher for the namespace', () => {
  const rule = externalRule('sum(<<.Series>>{<<.LabelMatchers>>}) by (queue)', { namespaced: false });
  const ask = (selector: string) =>
    externalQuery(rule, { series: 'global_depth', namespace: 'shop', selector: parseLabelSelector(selector) }, mapper);
  assert.equal(ask(''), 'sum(global_depth{}) by (queue)');
  assert.equal(ask('namespace=bank'), 'sum(global_depth{namespace="bank"}) by (queue)');
});

test('an external rule without a label for the namespace says so', () => {
  const rule = externalRule('sum(<<.Series>>{<<.LabelMatchers>>})', {});
  const ask = () => externalQuery(rule, { series: 'm', namespace: 'shop', selector: parseLabelSelector('') }, mapper);
  assert.throws(
    ask,
    new QueryError(
      'externalRules[0]: no label names the namespace; map one in resources.overrides, or write resources: {namespaced: false}',
    ),
  );
});

test('a rule that cannot make a query of a request says why', () => {
  assert.throws(() => queryFor({ rule: customRule('') }), new QueryError('rules[0]: metricsQuery is empty'));
  const failing = customRule('x<<if .LabelValuesByName.method>><<index .GroupBySlice 5>><<end>>');
  assert.throws(
    () => queryFor({ rule: failing, selector: 'method=GET' }),
    /rules\[0\]\.metricsQuery: line 1: index out of range: 5/,
  );
  const [unmapped] = parseRules(
    'rules:\n- {metricsQuery: a, resources: {overrides: {namespace: {resource: namespace}}}}',
  ).custom;
  assert.throws(
    () => queryFor({ ...(unmapped && { rule: unmapped }) }),
    new QueryError('rules[0]: no label names pods'),
  );
});

test('the last sample of an object wins, and samples without the label are dropped', () => {
  const sample = (value: number, labels: Readonly<Record<string, string>>) => ({
    value,
    labels: new Map(Object.entries(labels)),
  });
  const samples = [sample(3, { pod: 'a' }), sample(5, { pod: 'a' }), sample(7, {}), sample(9, { pod: '' })];
  assert.deepEqual(
    [...lastByObject(samples, 'pod')].map(([name, { value }]) => [name, value]),
    [['a', 5]],
  );
});
