/** Queries of resourceRules. What prometheus-adapter sent was recorded between it and Prometheus. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryError } from '../../../src/rules/queries.ts';
import { nodesQuery, podsQuery, resourceRulesProblems } from '../../../src/rules/resourcequeries.ts';
import type { ResourceRules } from '../../../src/rules/rule.ts';
import { parseRules } from '../../../src/rules/rules.ts';

const overrides = { namespace: { resource: 'namespace' }, node: { resource: 'node' }, pod: { resource: 'pod' } };
const cpu = {
  containerQuery: 'sum by (<<.GroupBy>>) (irate(cpu{<<.LabelMatchers>>,container!="",pod!=""}[10s]))',
  nodeQuery: 'sum by (<<.GroupBy>>) (irate(cpu{<<.LabelMatchers>>,id="/"}[10s]))',
  resources: { overrides },
  containerLabel: 'container',
};

function rulesOf(changed: object = {}): ResourceRules {
  const { resource } = parseRules(
    JSON.stringify({ resourceRules: { cpu: { ...cpu, ...changed }, memory: cpu, window: '5m' } }),
  );
  assert.ok(resource !== undefined);
  return resource;
}

const rule = (changed?: object) => rulesOf(changed).cpu;
const shop = { namespaces: ['shop'], names: ['web-0'] };

test('one pod, several and those of one namespace are asked for as prometheus-adapter does', () => {
  const text = (names: readonly string[], style: 'exact' | 'as-adapter' = 'as-adapter') =>
    podsQuery(rule(), { namespaces: ['shop'], names }, style).query;
  assert.equal(
    text(['web-0']),
    'sum by (pod,container) (irate(cpu{namespace="shop",pod="web-0",container!="",pod!=""}[10s]))',
  );
  assert.match(text(['a.b', 'web-0']), /\{namespace="shop",pod=~"a\.b\|web-0",/);
  assert.match(text(['a.b', 'web-0'], 'exact'), /pod=~"a\\\\\.b\|web-0",/);
});

test('nodes are asked for without a namespace', () => {
  assert.deepEqual(nodesQuery(rule(), { names: ['node-a', 'node-b'] }, 'exact'), {
    query: 'sum by (node) (irate(cpu{node=~"node-a|node-b",id="/"}[10s]))',
    node: 'node',
  });
});

test('pods of several namespaces are grouped by namespace, and all pods are matched without their names', () => {
  const { query, ...labels } = podsQuery(rule(), { namespaces: ['bank', 'shop'], names: undefined }, 'exact');
  assert.equal(
    query,
    'sum by (namespace,pod,container) (irate(cpu{namespace=~"bank|shop",pod=~".+",container!="",pod!=""}[10s]))',
  );
  assert.deepEqual(labels, { namespace: 'namespace', pod: 'pod', container: 'container' });
  assert.match(
    podsQuery(rule(), { namespaces: undefined, names: undefined }, 'exact').query,
    /^sum by \(namespace,pod,container\) .*\{namespace=~"\.\+",pod=~"\.\+",/,
  );
});

test('labels come from the template and from overrides of this resource', () => {
  const resources = { template: 'kube_<<.Resource>>', overrides: { pod_name: { resource: 'pods' } } };
  const { query, pod } = podsQuery(rule({ resources }), shop, 'exact');
  assert.match(query, /by \(pod_name,container\).*\{kube_namespace="shop",pod_name="web-0",/);
  assert.equal(pod, 'pod_name');
  assert.equal(nodesQuery(rule({ resources }), { names: ['n'] }, 'exact').node, 'kube_node');
});

test('a part that is missing is an error of the query, and a problem of the file', () => {
  for (const [changed, problem] of [
    [{ containerLabel: '' }, /resourceRules\.cpu: containerLabel is missing/],
    [{ containerQuery: '' }, /resourceRules\.cpu\.containerQuery is empty/],
    [{ resources: { overrides: { node: { resource: 'node' } } } }, /no label names namespaces/],
    [{ containerQuery: '<<index .GroupBySlice 7>>' }, /containerQuery: .*index out of range/],
  ] as const) {
    assert.throws(
      () => podsQuery(rule(changed), shop, 'exact'),
      (error) => error instanceof QueryError && problem.test(error.message),
    );
    const [first] = resourceRulesProblems(rulesOf(changed));
    assert.match(`${first?.path}: ${first?.problem}`, problem);
    assert.match(first?.path ?? '', /^resourceRules\.cpu\.containerQuery$/);
  }
  assert.deepEqual(resourceRulesProblems(rulesOf()), []);
  const { resource } = parseRules('resourceRules: {window: 5m}');
  assert.ok(resource !== undefined);
  assert.equal(resourceRulesProblems(resource).length, 4);
  assert.match(resourceRulesProblems({ ...rulesOf(), windowMs: 0 })[0]?.problem ?? '', /its window is 0s/);
});
