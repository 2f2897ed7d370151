/** What `kubegauge rules check` asks of an engine, and what it makes of the answers. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { readRulesArguments } from '../../src/command/rulesarguments.ts';
import { askEngines } from '../../src/command/rulesengine.ts';
import { shapeLimit } from '../../src/prometheussource/seriesshapes.ts';
import { knownResources, withOverrides } from '../../src/rules/knownresources.ts';
import { parseRules } from '../../src/rules/rules.ts';
import { createFakePrometheus, type FakePrometheus } from '../fakes/prometheus.ts';

const rule = (more = '') => `
- seriesQuery: http_requests_total{namespace!=""}
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}${more}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
`;
const of = (pod: string) => ({ __name__: 'http_requests_total', namespace: 'shop', pod });

suite('rules that an engine is asked for', () => {
  let engine: FakePrometheus;
  /** Requests of earlier tests. */
  let earlier = 0;

  before(async () => {
    engine = await createFakePrometheus();
  });
  after(() => engine?.[Symbol.asyncDispose]());
  beforeEach(() => {
    earlier = engine.requests.length;
    engine.resultOf = () => [];
  });

  function ask(rules: string) {
    const { engines } = readRulesArguments(['check', 'rules.yaml', `--prometheus-url=${engine.url}`]);
    return askEngines(parseRules(rules), engines, (each) => withOverrides(knownResources, each), {});
  }

  const queries = () => engine.requests.slice(earlier).flatMap(({ parameters }) => parameters.get('query') ?? []);

  test('the labels of all series of a name are read, and its first objects by name asked for', async () => {
    const bare = Array.from({ length: 1_500 }, (_, index) => ({ __name__: 'http_requests_total', path: `/${index}` }));
    engine.seriesOf = () => [...bare, ...['f', 'e', 'd', 'c', 'b', 'a', 'c'].map(of)];
    const { rules } = await ask(`rules:${rule()}`);
    assert.deepEqual(
      rules.map(({ series, left, metrics }) => [series, left, metrics.map(({ problem }) => problem)]),
      [[1_507, 1_507, ['the result is empty', 'the result is empty']]],
    );
    assert.deepEqual(queries(), [
      'sum(http_requests_total{namespace="shop"}) by (namespace)',
      'sum(http_requests_total{namespace="shop",pod=~"a|b|c|d|e"}) by (pod)',
    ]);
  });

  test('the objects of one metric are of one namespace, that of the first series', async () => {
    engine.seriesOf = () => [of('b'), { ...of('a'), namespace: 'bank' }, of('c')];
    await ask(`rules:${rule()}`);
    assert.deepEqual(queries(), [
      'sum(http_requests_total{namespace=~"bank|shop"}) by (namespace)',
      'sum(http_requests_total{namespace="shop",pod=~"b|c"}) by (pod)',
    ]);
  });

  test('the label of an object that no series has is named, with how many were read', async () => {
    engine.seriesOf = () => [of('a'), of('b')];
    const { rules } = await ask(`rules:${rule(', other: {resource: pod}')}`);
    assert.deepEqual(
      rules[0]?.metrics.find(({ resource }) => resource === 'pods')?.problem,
      ['none of its 2 series has the label other'][0],
    );
  });

  test('series are counted for each of more than 10,000 names', async () => {
    const names = Array.from({ length: 10_001 }, (_, index) => ({ __name__: `n${index}`, namespace: 'shop' }));
    engine.seriesOf = () => [...names, ...names];
    const [asked] = (await ask(`rules:${rule()}`)).rules;
    assert.deepEqual([asked?.series, asked?.left], [20_002, 20_002]);
    assert.equal((asked?.metrics.length ?? 0) + (asked?.moreMetrics ?? 0), 10_001);
  });

  test('series with more sets of labels than the server lists are the same error', async () => {
    engine.seriesOf = () => Array.from({ length: shapeLimit + 1 }, (_, index) => ({ __name__: `n${index}` }));
    const [asked] = (await ask(`rules:${rule()}`)).rules;
    assert.match(asked?.errors[0]?.message ?? '', /more than 20000 combinations of metric and label names/);
    assert.equal(asked?.errors[0]?.isUnavailable, false);
  });

  test('an engine that gives no answer is asked once, and every rule has the error', async () => {
    engine.fault = () => 'hang up';
    const { rules } = await ask(`rules:${[1, 2, 3, 4].map(() => rule()).join('')}`);
    engine.fault = undefined;
    // A GET has two retries.
    assert.equal(engine.requests.length - earlier, 3);
    assert.deepEqual(
      rules.map(({ errors }) => errors.map(({ isUnavailable }) => isUnavailable)),
      [[true], [true], [true], [true]],
    );
    const [first, ...others] = rules.map(({ errors }) => errors[0]?.message ?? '');
    assert.deepEqual(new Set(others), new Set([`not asked, since the last requests failed: ${first}`]));
  });
});
