/** Metrics of rules over the fake Prometheus. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { StatusError } from '../../src/apimachinery/status.ts';
import type { Clock } from '../../src/clock.ts';
import { createRegistry } from '../../src/monitoring.ts';
import { createPromqlMetrics } from '../../src/promql/promqlmetrics.ts';
import { unknownSources } from '../../src/prometheussource/prometheussource.ts';
import { parseRules } from '../../src/rules/rules.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { builtIn, createMapper } from '../fakes/discovery.ts';
import { createFakePrometheus, type FakePrometheus, type PromqlCall, type VectorElement } from '../fakes/prometheus.ts';
import { type RunningSource, runSource, type SourceSettings } from '../fakes/promqlsource.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { measuredNames } from '../../src/prometheussource/querylength.ts';
import { Matchers } from '../../src/rules/matchers.ts';
import { until } from '../fakes/until.ts';

const rule = (series: string, query: string, more = '') => `
- seriesQuery: '${series}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, node: {resource: node}}}
  metricsQuery: '${query}'
${more}`;

const summed = 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)';
const requests = rule('requests{pod!=""}', summed);
const single = rule('single{pod!=""}', 'topk(9, <<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)');
const queue = `
- seriesQuery: 'queue_depth'
  resources: {overrides: {namespace: {resource: namespace}}}
  metricsQuery: '<<.Series>>{<<.LabelMatchers>>}'
`;

const custom = (...rules: readonly string[]) => `rules:${rules.join('')}`;
const external = (...rules: readonly string[]) => `externalRules:${rules.join('')}`;

suite('metrics of rules', () => {
  let prometheus: FakePrometheus;
  let running: RunningSource;

  beforeEach(async () => {
    prometheus = await createFakePrometheus();
    prometheus.seriesOf = (match) => [
      { __name__: /^[a-z_]*/.exec(match)?.[0] ?? '', namespace: 'shop', pod: 'web-0', job: 'lab', node: 'node-a' },
    ];
  });
  afterEach(async () => {
    await running[Symbol.asyncDispose]();
    await prometheus[Symbol.asyncDispose]();
  });

  const callsTo = (endpoint: string): readonly PromqlCall[] =>
    prometheus.requests.filter((call) => call.endpoint === endpoint);
  const queries = () => callsTo('query').map(({ parameters }) => parameters.get('query'));
  const answer = (...vector: readonly VectorElement[]) => (prometheus.resultOf = () => vector);

  /** @param lists series lists to wait for. */
  async function start(rules: string, settings: Partial<SourceSettings> = {}, lists = 1): Promise<void> {
    running = runSource({ rules, urls: prometheus.url, ...settings });
    const isListed = () => running.source.reports().filter(({ lastSuccessMs }) => lastSuccessMs !== undefined).length;
    await until('series are listed', () => isListed() >= lists);
  }

  const rejected = async (promise: Promise<unknown>): Promise<StatusError> => {
    const error = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof StatusError, String(error));
    return error;
  };

  test('a value is the sample whose label is the object, with the time of the sample', async () => {
    await start(custom(requests));
    answer([{ pod: 'web-0' }, '1.9999'], [{ pod: 'web-1' }, '0.0004'], [{ pod: 'other' }, '5'], [{}, '7']);
    const { samples } = await running.get('requests', ['web-0', 'web-1', 'web-2']);
    const timestampMs = 1_795_913_979_894;
    assert.deepEqual(samples, [
      { name: 'web-0', timestampMs, valueMilli: 1999n },
      { name: 'web-1', timestampMs, valueMilli: 0n },
    ]);
    assert.deepEqual(queries(), ['sum(requests{namespace="shop",pod=~"web-0|web-1|web-2"}) by (pod)']);
  });

  test('of several samples for one object the last one wins', async () => {
    await start(custom(requests));
    answer([{ pod: 'web-0', a: '1' }, '3'], [{ pod: 'web-0', a: '2' }, '5']);
    assert.deepEqual(await running.values('requests', ['web-0']), { 'web-0': 5000 });
  });

  test('NaN, infinities, overflow, histograms and nulls have no value, and a cause says why', async () => {
    await start(custom(requests));
    answer(
      [{ pod: 'nan' }, 'NaN'],
      [{ pod: 'inf' }, '+Inf'],
      [{ pod: 'huge' }, '1e16'],
      [{ pod: 'null' }, null],
      [{ pod: 'number' }, 5],
    );
    const { samples, causes } = await running.get('requests', ['huge', 'inf', 'nan', 'null', 'number']);
    assert.deepEqual(samples, []);
    assert.deepEqual(
      causes?.map(({ message }) => message),
      [
        'huge: the sample 10000000000000000 is too large for a quantity; no value is served for it',
        'inf: the sample is infinite; no value is served for it',
        'nan: the sample is NaN; no value is served for it',
        'null: the sample is null; no value is served for it',
        'number: the sample is not a number; no value is served for it',
      ],
    );
  });

  for (const resultType of ['scalar', 'matrix', 'string']) {
    test(`a ${resultType} is no value of objects: 500 with the reason`, async () => {
      await start(custom(requests));
      prometheus.resultOf = () => ({ resultType, result: resultType === 'matrix' ? [] : [1, '5'] });
      const error = await rejected(running.get('requests', ['web-0']));
      assert.equal(error.message, 'Internal error occurred: unable to fetch metrics');
      assert.match(error.details?.causes?.[1]?.message ?? '', new RegExp(`makes a ${resultType}`));
    });
  }

  test("null instead of a vector is no sample, and a vector of an engine without scalars has no object's label", async () => {
    await start(custom(requests));
    prometheus.resultOf = () => ({ resultType: 'vector', result: null });
    assert.deepEqual(await running.values('requests', ['web-0']), {});
    answer([{}, '5']);
    assert.deepEqual(await running.values('requests', ['web-1']), {});
  });

  test('a selector, the namespace and the objects are the matchers, in this order', async () => {
    await start(custom(requests));
    await running.get('requests', ['web-0'], { selector: 'path in (a.b),method=GET' });
    await running.get('requests', ['node-a'], { resource: 'nodes' });
    await running.get('requests', ['shop'], { resource: 'namespaces' });
    assert.deepEqual(queries(), [
      String.raw`sum(requests{method="GET",path=~"a\\.b",namespace="shop",pod="web-0"}) by (pod)`,
      'sum(requests{node="node-a"}) by (node)',
      'sum(requests{namespace="shop"}) by (namespace)',
    ]);
  });

  for (const [what, query] of [
    ['one sum', summed],
    ['the ratio of two sums', `${summed} / ${summed.replace('<<.Series>>', 'limits')}`],
  ] as const) {
    test(`1,500 pods are asked for by POST, in queries that VictoriaMetrics takes: ${what}`, async () => {
      const longestQuery = 16_384;
      await start(custom(rule('requests{pod!=""}', query)));
      const names = Array.from({ length: 1_500 }, (_, index) => `checkout.service-7d4f9c6b5-x${index + 1_000}`);
      const namesIn = (query: string) => names.filter((name) => query.includes(name.replaceAll('.', '\\\\.')));
      prometheus.resultOf = (query) => namesIn(query).map((pod): VectorElement => [{ pod }, pod.slice(-4)]);
      assert.deepEqual(
        await running.values('requests', names),
        Object.fromEntries(names.map((name) => [name, Number(name.slice(-4)) * 1_000])),
      );
      for (const { method, parameters } of callsTo('query')) {
        assert.equal(method, 'POST');
        assert.ok((parameters.get('query') ?? '').length <= longestQuery);
      }
    });
  }

  test('a rule whose value depends on the other objects is one query, however long', async () => {
    await start(custom(single));
    prometheus.resultOf = () => [];
    await running.values(
      'single',
      Array.from({ length: 1_500 }, (_, index) => `web-${index}`),
    );
    assert.equal(callsTo('query').length, 1);
  });

  test('an external vector is an item per sample in its order, with all labels and the time of the sample', async () => {
    await start(external(queue));
    answer([{ queue: 'b', __name__: 'queue_depth' }, '12'], [{ queue: 'a' }, 'NaN'], [{ queue: 'a', x: 'y' }, '-1.5']);
    const samples = await running.external('queue_depth', 'queue!=c');
    assert.deepEqual(
      samples.map(({ labels, valueMilli, timestampMs }) => [Object.fromEntries(labels ?? []), valueMilli, timestampMs]),
      [
        [{ queue: 'b', __name__: 'queue_depth' }, 12_000n, 1_795_913_979_894],
        [{ queue: 'a', x: 'y' }, -1500n, 1_795_913_979_894],
      ],
    );
    assert.deepEqual(queries(), ['queue_depth{queue!="c",namespace="shop"}']);
  });

  test('an external scalar is one item without labels, nothing is an empty list, and null and a matrix are errors', async () => {
    await start(external(queue));
    prometheus.resultOf = () => ({ resultType: 'scalar', result: [1.5, '59'] });
    assert.deepEqual(await running.external('queue_depth', 'a=1'), [
      { labels: undefined, timestampMs: 1500, valueMilli: 59_000n },
    ]);
    answer();
    assert.deepEqual(await running.external('queue_depth', 'a=2'), []);
    prometheus.resultOf = () => ({ resultType: 'vector', result: [null, {}] });
    assert.deepEqual(await running.external('queue_depth', 'a=3'), []);
    prometheus.resultOf = () => ({ resultType: 'vector', result: null });
    const none = await rejected(running.external('queue_depth', 'a=5'));
    assert.equal(none.message, 'the provided input did not contain vector query results');
    prometheus.resultOf = () => ({ resultType: 'matrix', result: [] });
    const error = await rejected(running.external('queue_depth', 'a=4'));
    assert.equal(error.message, 'encountered an unexpected query result type');
    prometheus.resultOf = () => ({ resultType: 'string', result: [1, 'x'] });
    const text = await rejected(running.external('queue_depth', 'a=6'));
    assert.equal(text.message, 'Internal error occurred: unable to fetch metrics');
    assert.match(text.details?.causes?.[1]?.message ?? '', /makes a string/);
  });

  test('an external rule that is not namespaced has no namespace matcher, and one without a mapping fails with the reason', async () => {
    const of = (series: string, resources: string) =>
      `\n- seriesQuery: '${series}'\n  resources: ${resources}\n  metricsQuery: '<<.Series>>{<<.LabelMatchers>>}'`;
    await start(external(of('global_depth', '{namespaced: false}'), of('unmapped', '{}')), {}, 2);
    await running.external('global_depth');
    assert.deepEqual(queries(), ['global_depth{}']);
    const error = await rejected(running.external('unmapped'));
    assert.equal(error.code, 500);
    assert.match(error.details?.causes?.[1]?.message ?? '', /no label names the namespace/);
  });

  for (const [what, fault] of [
    ['a cut connection', 'hang up'],
    ['half a body', 'half'],
    ...[302, 401, 404, 422, 400, 500, 503].map((code) => [`status ${code}`, code] as const),
    ['HTML', { code: 200, body: '<html>' }],
    ['an empty answer', { code: 200, body: '' }],
    ['an empty object', { code: 200, body: '{}' }],
    ['no data', { code: 200, body: '{"status":"success","data":null}' }],
    ['an error', { code: 200, body: '{"status":"error"}' }],
    ['an unknown result type', { code: 200, body: '{"status":"success","data":{"resultType":"x","result":[]}}' }],
  ] as const) {
    test(`${what} of Prometheus is 500 for both groups, with the reason in its causes`, async () => {
      await start(`${custom(requests)}\n${external(queue)}`, {}, 2);
      prometheus.fault = () => fault;
      for (const ask of [() => running.get('requests', ['web-0']), () => running.external('queue_depth')]) {
        const error = await rejected(ask());
        assert.equal(error.message, 'Internal error occurred: unable to fetch metrics');
        assert.deepEqual(error.details?.causes?.[0], { message: 'unable to fetch metrics' });
        assert.match(error.details?.causes?.[1]?.message ?? '', /Prometheus at http:/);
      }
    });
  }

  test('a hang ends in 504, is cancelled at Prometheus, and other rules are answered meanwhile', async () => {
    await start(custom(requests, single), { deadlineMs: 3_000 }, 2);
    prometheus.fault = ({ parameters }) => (parameters.get('query')?.startsWith('topk') ? 'hang' : undefined);
    const hung = rejected(running.get('single', ['web-0']));
    await until('it hangs', () => prometheus.waiting === 1);
    answer([{ pod: 'web-0' }, '1']);
    assert.deepEqual(await running.values('requests', ['web-0']), { 'web-0': 1000 });
    const error = await hung;
    assert.equal(error.code, 504);
    assert.equal(error.message, 'Timeout: request did not complete within the allotted timeout');
    await until('it is cancelled', () => prometheus.cancelled === 1);
  });

  test('a client that leaves ends its query at Prometheus', async () => {
    await start(custom(requests));
    prometheus.fault = () => 'hang';
    const client = new AbortController();
    const asked = running.get('requests', ['web-0'], { signal: client.signal });
    await until('it hangs', () => prometheus.waiting === 1);
    client.abort(new Error('the client left'));
    await assert.rejects(asked, /the client left/);
    await until('it is cancelled', () => prometheus.cancelled === 1);
  });

  test('equal queries at once and within a second are one', async () => {
    await start(custom(single), { clock: createFakeClock() });
    answer([{ pod: 'web-0' }, '1']);
    await Promise.all(Array.from({ length: 10 }, () => running.get('single', ['web-0'])));
    assert.deepEqual(await running.values('single', ['web-0']), { 'web-0': 1000 });
    assert.equal(callsTo('query').length, 1);
  });

  test('requests of one round are joined where the rule allows it, and each gets its own objects', async () => {
    await start(custom(requests));
    prometheus.resultOf = () => [0, 1, 2, 3, 4].map((index) => [{ pod: `web-${index}` }, String(index)] as const);
    const asked = [0, 1, 2, 3, 4].map((index) => running.values('requests', [`web-${index}`]));
    assert.deepEqual(
      await Promise.all(asked),
      [0, 1, 2, 3, 4].map((index) => ({ [`web-${index}`]: index * 1000 })),
    );
    assert.deepEqual(queries(), [
      'sum(requests{namespace="shop",pod="web-0"}) by (pod)',
      'sum(requests{namespace="shop",pod=~"web-1|web-2|web-3|web-4"}) by (pod)',
    ]);
  });

  for (const [what, fault] of [
    ['much', { code: 422, body: '{"status":"error","error":"the query hit the maximum number of series"}' }],
    ['long', 413],
  ] as const) {
    test(`requests that are too ${what} together are asked for one by one, and no more joined`, async () => {
      await start(custom(requests));
      const namesIn = (query: string) => /pod=~?"([^"]*)"/.exec(query)?.[1]?.split('|') ?? [];
      prometheus.resultOf = (query) => namesIn(query).map((pod) => [{ pod }, '1']);
      prometheus.fault = ({ endpoint, parameters }) =>
        endpoint === 'query' && namesIn(parameters.get('query') ?? '').length > 2 ? fault : undefined;
      const round = async (deployments: readonly string[]) => {
        const before = queries().length;
        const answers = await Promise.all(
          deployments.map((each) => running.values('requests', [`${each}-0`, `${each}-1`])),
        );
        assert.deepEqual(
          answers,
          deployments.map((each) => ({ [`${each}-0`]: 1000, [`${each}-1`]: 1000 })),
        );
        return queries().length - before;
      };
      assert.equal(await round(['a', 'b', 'c']), 4, 'one of each, and the one that was too much');
      assert.equal(await round(['d', 'e', 'f']), 3);
      const alone = await rejected(running.get('requests', ['a-0', 'a-1', 'a-2']));
      assert.equal(alone.code, 500, 'its own query is too much');
    });
  }

  test('requests are joined again after queries that fail alone, too', async () => {
    await start(custom(requests));
    const deployments = ['a', 'b', 'c', 'd'];
    const round = () =>
      Promise.allSettled(deployments.map((each) => running.get('requests', [`${each}-0`, `${each}-1`])));
    prometheus.fault = ({ endpoint }) => (endpoint === 'query' ? 422 : undefined);
    const failed = await round();
    assert.deepEqual(new Set(failed.map(({ status }) => status)), new Set(['rejected']));
    prometheus.fault = undefined;
    const before = queries().length;
    await round();
    assert.equal(queries().length - before, 2);
  });

  test('the length of a query is measured once for each metric, namespace and selector', async (t) => {
    await start(custom(requests));
    const addNames = t.mock.method(Matchers.prototype, 'addNames');
    const measured = () => addNames.mock.calls.filter(({ arguments: [, names] }) => names === measuredNames).length;
    for (const name of ['web-0', 'web-1', 'web-2']) await running.get('requests', [name]);
    assert.equal(measured(), 1);
    await running.get('requests', ['web-0'], { selector: 'app=web' });
    assert.equal(measured(), 2);
    // The resource may have another label now.
    running.resourcesChanged();
    await running.get('requests', ['web-0']);
    assert.equal(measured(), 3);
  });

  test('as the adapter, each request has its own query with its time, by GET, and both groups list series', async () => {
    const both = `${custom(requests)}\n${external(queue.replace('queue_depth', 'requests{pod!=""}'))}`;
    await start(both, { asAdapter: true }, 2);
    await Promise.all([running.get('requests', ['web-0']), running.get('requests', ['web-0'])]);
    const sent = callsTo('query');
    assert.equal(sent.length, 2);
    for (const { parameters, method } of sent) {
      assert.equal(method, 'GET');
      assert.deepEqual([...parameters.keys()], ['query', 'time', 'timeout']);
    }
    assert.equal(callsTo('series').length, 2);
  });

  test('the last value is served with its own time while Prometheus is away', async () => {
    await start(`${custom(requests)}\n${external(queue)}`, {}, 2);
    answer([{ pod: 'web-0' }, '7']);
    const before = await running.get('requests', ['web-0', 'web-1']);
    const depth = await running.external('queue_depth');
    await prometheus.down();
    prometheus.evaluationSeconds += 1_000;
    assert.deepEqual((await running.get('requests', ['web-0', 'web-1', 'web-2'])).samples, before.samples);
    assert.equal(depth.length, 1);
    const error = await rejected(running.get('requests', ['web-9']));
    assert.equal(error.code, 500, 'an object without a last value');
    const [report] = running.source.reports();
    assert.match(report?.lastError ?? '', /cannot be reached/);
    await prometheus.up();
  });

  test('the last value of a question takes no room for its selector, whatever its length', async () => {
    await start(`${custom(requests)}\n${external(queue)}`, {}, 2);
    const selector = `path notin (${Array.from({ length: 200 }, (_, index) => `${index}`.padEnd(60, 'x')).join()})`;
    answer([{ pod: 'web-0' }, '1']);
    assert.deepEqual(await running.values('requests', ['web-0'], { selector }), { 'web-0': 1000 });
    assert.equal((await running.external('queue_depth', selector)).length, 1);
    await prometheus.down();
    assert.equal((await rejected(running.get('requests', ['web-0', 'web-1']))).code, 500, 'another question');
    assert.deepEqual(await running.values('requests', ['web-0', 'web-1'], { selector }), { 'web-0': 1000 });
    const saved = [...running.source.snapshot.saved(1e6)].map(({ text }) => text);
    assert.equal(saved.filter((line) => line.startsWith('["values"')).length, 2);
    assert.ok(Math.max(...saved.map(({ length }) => length)) < 500);
  });

  for (const [what, fault] of [
    ['is overloaded', 429],
    [
      'lacks a store',
      { code: 422, body: '{"status":"error","error":"expanding series: rpc error: code = Unavailable desc = x"}' },
    ],
    ['has no time', { code: 422, body: '{"status":"error","error":"query timed out in expression evaluation"}' }],
  ] as const) {
    test(`the last value is served while Prometheus ${what}`, async () => {
      const clock = createFakeClock();
      await start(`${custom(requests)}\n${external(queue)}`, { clock }, 2);
      answer([{ pod: 'web-0' }, '1']);
      await running.values('requests', ['web-0']);
      await running.external('queue_depth');
      prometheus.fault = ({ endpoint }) => (endpoint === 'query' ? fault : undefined);
      clock.jump(2_000);
      assert.deepEqual(await running.values('requests', ['web-0']), { 'web-0': 1000 });
      assert.equal((await running.external('queue_depth')).length, 1);
    });
  }

  test('a query that Prometheus refuses does not fall back to last values', async () => {
    await start(custom(single));
    answer([{ pod: 'web-0' }, '7']);
    await running.get('single', ['web-0']);
    prometheus.fault = () => 422;
    assert.equal((await rejected(running.get('single', ['web-0', 'web-1']))).code, 500);
  });

  test('one list of series per distinct selector and round, from the maximum age on', async () => {
    const renamed = requests.replace("metricsQuery: '", "name: {as: other}\n  metricsQuery: '");
    await start(`${custom(requests, renamed, single)}\n${external(queue, requests)}`, { maxAgeMs: 60_000 }, 5);
    const matches = callsTo('series').map(({ parameters }) => parameters.get('match[]'));
    assert.deepEqual(new Set(matches), new Set(['queue_depth', 'requests{pod!=""}', 'single{pod!=""}']));
    assert.equal(matches.length, 3);
    for (const { parameters } of callsTo('series')) {
      assert.deepEqual([...parameters.keys()], ['match[]', 'start']);
      assert.ok(Math.abs(Number(parameters.get('start')) - (Date.now() - 60_000) / 1_000) < 30);
    }
  });

  test('a list that fails or hangs affects its own rules only, and metrics stay', async () => {
    const failing = (call: PromqlCall) => call.parameters.get('match[]')?.startsWith('single');
    prometheus.fault = (call) => (failing(call) ? 500 : undefined);
    await start(custom(requests, single), { deadlineMs: 1_000, relistIntervalMs: 50 });
    assert.deepEqual(running.listed(), ['namespaces/requests', 'nodes/requests', 'pods/requests']);
    const absence = () => running.source.custom.absence?.('single', builtIn[3] ?? assert.fail()) ?? '';
    await until('the failure is known', () => absence().includes('answered 500'));
    prometheus.fault = undefined;
    await until('it is tried again', () => running.listed().includes('pods/single'));
    prometheus.fault = (call) => (failing(call) ? 'hang' : undefined);
    await until('it hangs', () => prometheus.waiting > 0);
    prometheus.seriesOf = (match) => [{ __name__: `${/^[a-z]*/.exec(match)?.[0]}_new`, pod: 'web-0' }];
    await until('the other list goes on', () => running.listed().includes('pods/requests_new'));
    await until('the hang is seen', () => running.source.reports()[1]?.lastError !== undefined);
    assert.ok(running.listed().includes('pods/single'));
  });

  test('null instead of series leaves the list as it is, and none ends the metric', async () => {
    await start(custom(requests), { relistIntervalMs: 20 });
    const list = running.source.custom.list();
    prometheus.fault = () => ({ code: 200, body: '{"status":"success","data":null}' });
    await until('it fails', () => running.source.reports()[0]?.lastError !== undefined);
    assert.equal(running.source.custom.list(), list, 'the same array');
    prometheus.fault = undefined;
    prometheus.seriesOf = () => [];
    await until('the metric leaves', () => running.listed().length === 0);
  });

  test('Prometheus away at the start: the reason is known, and metrics come soon after its return', async () => {
    await prometheus.down();
    running = runSource({ rules: custom(requests), urls: prometheus.url });
    const pods = builtIn[3] ?? assert.fail();
    await until('the reason is known', () =>
      /cannot be reached/.test(running.source.custom.absence?.('requests', pods) ?? ''),
    );
    assert.deepEqual(running.listed(), []);
    await prometheus.up();
    await until('metrics are listed', () => running.listed().length === 3);
    assert.equal(running.source.custom.absence?.('nope', pods), undefined);
  });

  test('warnings and partial answers are logged and counted', async () => {
    const { log, lines } = createRecordingLog();
    const registry = createRegistry();
    await start(custom(requests), { log, metrics: createPromqlMetrics(registry) });
    prometheus.extra = { warnings: ['store a is away'], isPartial: true };
    answer([{ pod: 'web-0' }, 'NaN']);
    await running.get('requests', ['web-0']);
    await running.get('requests', ['web-0', 'web-1']);
    const about = lines.filter((line) => line.includes('incomplete') || line.includes('leaves out'));
    assert.deepEqual(about, [
      'warn: an answer of Prometheus may be incomplete',
      'warn: leaves out a sample that makes no value',
    ]);
    const text = await registry.metrics();
    assert.match(text, /kubegauge_promql_noted_answers_total\{source="prometheus",kind="warning"\} 2/);
    assert.match(text, /kubegauge_promql_noted_answers_total\{source="prometheus",kind="partial"\} 2/);
    assert.match(text, /kubegauge_promql_left_out_samples_total\{source="prometheus",reason="not-a-number"\} 2/);
    assert.match(text, /kubegauge_promql_requests_total\{source="prometheus",endpoint="query",outcome="success"\} 2/);
  });

  test('a partial answer replaces no last value of a whole one, and /status says so', async () => {
    const clock = createFakeClock();
    await start(`${custom(requests)}\n${external(queue)}`, { clock }, 2);
    answer([{ pod: 'web-0' }, '150']);
    const ask = async () => {
      clock.jump(2_000);
      const pods = await running.values('requests', ['web-0', 'web-1']);
      return [pods, (await running.external('queue_depth')).map(({ valueMilli }) => Number(valueMilli))];
    };
    assert.deepEqual(await ask(), [{ 'web-0': 150_000 }, [150_000]]);
    for (const extra of [{ isPartial: true }, { warnings: ['store a is away'] }]) {
      prometheus.extra = extra;
      answer([{ pod: 'web-1' }, '2'], [{ pod: 'web-0' }, '1']);
      assert.deepEqual(await ask(), [{ 'web-0': 1000, 'web-1': 2000 }, [2000, 1000]]);
      const warnings = running.source.reports().map(({ warning }) => warning);
      for (const warning of warnings) assert.match(warning ?? '', /is partial|may be incomplete: store a is away/);
    }
    await prometheus.down();
    assert.deepEqual(await ask(), [{ 'web-0': 150_000, 'web-1': 2000 }, [150_000]]);
    await prometheus.up();
    prometheus.extra = { warnings: ['PromQL warning: the bucket is odd'] };
    await ask();
    assert.deepEqual(
      running.source.reports().map(({ warning }) => warning),
      [undefined, undefined],
    );
    assert.deepEqual((await ask())[0], { 'web-0': 1000, 'web-1': 2000 });
  });

  test('a partial list of series ends no metric', async () => {
    const clock = createFakeClock();
    await start(external(queue), { clock, relistIntervalMs: 1_000 });
    const listed = () => running.source.external.list();
    assert.deepEqual(listed(), ['queue_depth']);
    const relist = async (series: readonly string[], extra: FakePrometheus['extra']) => {
      prometheus.extra = extra;
      prometheus.seriesOf = () => series.map((name) => ({ __name__: name, namespace: 'shop' }));
      const { length } = callsTo('series');
      clock.jump(30_000);
      const lastMs = running.source.reports()[0]?.lastSuccessMs;
      await clock.advance(1_000);
      await until('the series are listed again', () => callsTo('series').length > length);
      await until('the list has come', () => running.source.reports()[0]?.lastSuccessMs !== lastMs);
    };
    await relist([], { isPartial: true });
    assert.deepEqual(listed(), ['queue_depth']);
    await relist(['other_depth'], { warnings: ['no store for a'] });
    assert.deepEqual(listed(), ['other_depth', 'queue_depth']);
    assert.match(running.source.reports()[0]?.warning ?? '', /no store for a/);
    await relist(['other_depth'], {});
    assert.deepEqual([listed(), running.source.reports()[0]?.warning], [['other_depth'], undefined]);
  });

  test('a resource defined later gets its metrics, and a cluster-scoped one is not namespaced', async () => {
    const gadget = { group: 'example.com', version: 'v1', resource: 'gadgets', singular: 'gadget', kind: 'Gadget' };
    let resources = builtIn;
    const byTemplate = requests.replace(/resources: .*/, "resources: {template: '<<.Resource>>'}");
    prometheus.seriesOf = () => [{ __name__: 'requests', gadget: 'a', namespace: 'shop' }];
    await start(custom(byTemplate), { mapper: createMapper(() => resources) });
    assert.deepEqual(running.listed(), ['namespaces/requests']);
    resources = [...builtIn, { ...gadget, namespaced: false }];
    running.resourcesChanged();
    assert.deepEqual(running.listed(), ['gadgets.example.com/requests', 'namespaces/requests']);
    assert.equal(running.source.custom.list()[0]?.namespaced, false);
    answer([{ gadget: 'a' }, '3']);
    assert.deepEqual(await running.values('requests', ['a'], { resource: 'gadgets' }), { a: 3000 });
  });

  test('new rules replace the old ones and keep the series of equal selectors', async () => {
    await start(custom(requests));
    running.source.setRules(
      parseRules(custom(requests.replace("metricsQuery: '", "name: {as: renamed}\n  metricsQuery: '"), single)),
    );
    assert.deepEqual(running.listed(), ['namespaces/renamed', 'nodes/renamed', 'pods/renamed']);
    await until('the new selector is listed', () => running.listed().includes('pods/single'));
    assert.equal(callsTo('series').length, 2);
  });

  suite('the source is warm', () => {
    const hangs = (match: string) => {
      prometheus.fault = ({ endpoint, parameters }) =>
        endpoint === 'series' && parameters.get('match[]') === match ? 'hang' : undefined;
    };

    test('once each first list has come, and stays so with other rules', async () => {
      hangs('queue_depth');
      await start(`${custom(requests)}\n${external(queue)}`, {}, 1);
      await until('the other list is asked for', () => prometheus.waiting === 1);
      assert.equal(running.source.isWarm(), false);
      prometheus.fault = undefined;
      prometheus.release();
      await until('it is warm', () => running.source.isWarm());
      hangs('single{pod!=""}');
      running.source.setRules(parseRules(custom(single)));
      await until('the new list is asked for', () => prometheus.waiting === 1);
      assert.equal(running.source.isWarm(), true);
    });

    test('where the engine is away, and where a list takes long', async () => {
      const clock = createFakeClock();
      hangs('queue_depth');
      prometheus.resultOf = () => [];
      await start(`${custom(requests)}\n${external(queue)}`, { clock }, 1);
      await until('the other list is asked for', () => prometheus.waiting === 1);
      assert.equal(running.source.isWarm(), false);
      await clock.advance(10_000);
      assert.equal(running.source.isWarm(), true);
      await running[Symbol.asyncDispose]();
      await prometheus.down();
      running = runSource({ rules: custom(requests), urls: prometheus.url });
      await until('it is warm', () => running.source.isWarm());
    });
  });

  suite('a metric that two rules make', () => {
    const named = (series: string) => rule(series, summed, '  name: {as: m}\n');
    const both = [named('old_total'), named('new_total')];
    const file = `${custom(...both, requests)}\n${external(...both)}`;
    const failNew = (fault: 'hang' | 400) => {
      prometheus.fault = ({ endpoint, parameters }) =>
        endpoint === 'series' && parameters.get('match[]') === 'new_total' ? fault : undefined;
      prometheus.resultOf = (query) => [[{ pod: 'web-0' }, query.includes('old_total') ? '1000' : '5']];
    };

    test('waits after the start for the list of the last one', async () => {
      failNew('hang');
      await start(file, {}, 3);
      await until('the others are listed', () => running.listed().includes('pods/requests'));
      assert.deepEqual([running.listed().includes('pods/m'), running.source.external.list()], [false, []]);
      prometheus.fault = undefined;
      prometheus.release();
      await until('the metric is listed', () => running.listed().includes('pods/m'));
      assert.deepEqual(await running.values('m', ['web-0']), { 'web-0': 5000 });
      assert.deepEqual(running.source.external.list(), ['m']);
    });

    test('is served by the first one where the list of the last one fails', async () => {
      failNew(400);
      await start(file, {}, 3);
      await until('the metric is listed', () => running.listed().includes('pods/m'));
      assert.deepEqual(await running.values('m', ['web-0']), { 'web-0': 1_000_000 });
      assert.deepEqual(running.source.external.list(), ['m']);
    });

    test('is not served by the first one while the last one, which had it, is listed anew', async () => {
      failNew('hang');
      prometheus.fault = undefined;
      await start(custom(...both), {}, 2);
      assert.deepEqual(await running.values('m', ['web-0']), { 'web-0': 5000 });
      failNew('hang');
      const changed = named('new_total').replace('sum', 'max').replace('new_total', 'new_total{}');
      prometheus.fault = ({ endpoint }) => (endpoint === 'series' ? 'hang' : undefined);
      running.source.setRules(parseRules(custom(named('old_total'), changed)));
      await until('the series are asked for', () => prometheus.waiting === 1);
      assert.deepEqual(running.listed(), []);
    });

    suite('where only series decide the name of the last one', () => {
      const any = '{__name__=~"^new_.*"}';
      const found = rule(any, summed, '  name: {matches: "^new_(.*)_total$", as: "${1}"}\n');
      const decided = `${custom(named('old_total'), found, requests)}\n${external(named('old_total'), found)}`;
      const startSlow = async (clock?: Clock) => {
        const { seriesOf } = prometheus;
        prometheus.seriesOf = (match) => seriesOf(match === any ? 'new_m_total' : match);
        prometheus.fault = ({ endpoint, parameters }) =>
          endpoint === 'series' && parameters.get('match[]') === any ? 'hang' : undefined;
        prometheus.resultOf = (query) => [[{ pod: 'web-0' }, query.includes('old_total') ? '1000' : '5']];
        await start(decided, clock === undefined ? {} : { clock }, 3);
        await until('the others are listed', () => running.listed().includes('pods/requests'));
        assert.deepEqual([running.listed().includes('pods/m'), running.source.external.list()], [false, []]);
      };

      test('it waits after the start for the list of that one', async () => {
        await startSlow();
        const why = running.source.custom.absence?.('m', { group: '', resource: 'pods' });
        assert.equal(why, 'Prometheus has not answered yet which series there are');
        prometheus.fault = undefined;
        prometheus.release();
        await until('the metric is listed', () => running.listed().includes('pods/m'));
        assert.deepEqual(await running.values('m', ['web-0']), { 'web-0': 5000 });
        assert.deepEqual(running.source.external.list(), ['m']);
      });

      test('it is served by the first one where that list takes long', async () => {
        const clock = createFakeClock();
        await startSlow(clock);
        await clock.advance(10_000);
        await until('the metric is listed', () => running.listed().includes('pods/m'));
        assert.deepEqual(await running.values('m', ['web-0']), { 'web-0': 1_000_000 });
        assert.deepEqual(running.source.external.list(), ['m']);
      });
    });

    test('is served by the first one until a last one that is added has its list', async () => {
      failNew('hang');
      await start(custom(named('old_total')));
      running.source.setRules(parseRules(custom(...both)));
      await until('the series are asked for', () => prometheus.waiting === 1);
      assert.deepEqual(await running.values('m', ['web-0']), { 'web-0': 1_000_000 });
    });
  });

  test('a rule whose selector changes keeps its metrics until the first new list', async () => {
    await start(custom(requests, single), {}, 2);
    const narrowed = requests.replace('pod!=""', 'pod!="",job="lab"');
    prometheus.fault = ({ endpoint }) => (endpoint === 'series' ? 'hang' : undefined);
    running.source.setRules(parseRules(custom(narrowed)));
    const metrics = ['namespaces/requests', 'nodes/requests', 'pods/requests'];
    await until('the new selector is asked for', () => prometheus.waiting === 1);
    assert.deepEqual(running.listed(), metrics, 'without those of the rule that was removed');
    answer([{ pod: 'web-0' }, '7']);
    assert.deepEqual(await running.values('requests', ['web-0']), { 'web-0': 7000 });
    prometheus.seriesOf = () => [{ __name__: 'requests', pod: 'web-0', namespace: 'shop' }];
    prometheus.release();
    await until('the list has come', () => running.listed().length === 2);
    prometheus.fault = ({ endpoint }) => (endpoint === 'series' ? 'hang' : undefined);
    running.source.setRules(parseRules(custom(single, requests)));
    assert.deepEqual(running.listed(), ['namespaces/requests', 'pods/requests'], 'whatever is in front of it');
  });

  test('a rule whose query changes with its selector takes no series over', async () => {
    await start(custom(requests));
    prometheus.fault = ({ endpoint }) => (endpoint === 'series' ? 'hang' : undefined);
    running.source.setRules(parseRules(custom(rule('other{pod!=""}', summed.replace('sum', 'max')))));
    await until('the new selector is asked for', () => prometheus.waiting === 1);
    assert.deepEqual(running.listed(), []);
  });

  test('a first list that is partial replaces series that were taken over', async () => {
    await start(custom(requests));
    prometheus.extra = { isPartial: true };
    prometheus.seriesOf = () => [{ __name__: 'requests', pod: 'web-0', namespace: 'shop' }];
    running.source.setRules(parseRules(custom(requests.replace('pod!=""', 'pod!="",job="lab"'))));
    await until('the list has come', () => running.listed().length === 2);
  });

  test('the last value of a replaced query is not served for the new one', async () => {
    await start(`${custom(requests)}\n${external(queue)}`, {}, 2);
    answer([{ pod: 'web-0', queue: 'orders' }, '7']);
    await running.get('requests', ['web-0']);
    await running.external('queue_depth');
    await prometheus.down();
    const perMille = (rules: string) => rules.replaceAll(/metricsQuery: '(.*)'/g, "metricsQuery: '1000 * $1'");
    running.source.setRules(parseRules(`${custom(perMille(requests))}\n${external(perMille(queue))}`));
    assert.equal((await rejected(running.get('requests', ['web-0']))).code, 500);
    assert.equal((await rejected(running.external('queue_depth'))).code, 500);
    await prometheus.up();
  });

  test('rules choose among several engines by name', async () => {
    await using other = await createFakePrometheus();
    other.seriesOf = () => [{ __name__: 'single', pod: 'web-0', namespace: 'shop' }];
    other.resultOf = () => [[{ pod: 'web-0' }, '2']];
    answer([{ pod: 'web-0' }, '1']);
    const urls = { main: prometheus.url, other: other.url };
    await start(custom(requests, `${single}  source: other`), { urls }, 2);
    assert.deepEqual(await running.values('requests', ['web-0']), { 'web-0': 1000 });
    assert.deepEqual(await running.values('single', ['web-0']), { 'web-0': 2000 });
    assert.deepEqual(
      running.source.reports().map(({ source }) => source),
      ['main', 'other'],
    );
    const unknown = parseRules(custom(`${requests}  source: nowhere`));
    assert.throws(() => running.source.setRules(unknown), /no --prometheus-url has the name nowhere/);
    assert.match(unknownSources(unknown, ['main', 'other'])[0]?.problem ?? '', /nowhere/);
  });

  test('a report has the last success, the series, the last error and the query of each rule', async () => {
    await start(custom(requests));
    answer([{ pod: 'web-0' }, '1']);
    await running.get('requests', ['web-0']);
    const [report] = running.source.reports();
    const { lastSuccessMs, ...rest } = report ?? assert.fail();
    assert.ok(lastSuccessMs !== undefined && Math.abs(lastSuccessMs - Date.now()) < 60_000);
    assert.deepEqual(rest, {
      source: 'prometheus',
      rule: 'rules[0]',
      metrics: 3,
      series: 1,
      lastError: undefined,
      warning: undefined,
      query: 'sum(requests{namespace="shop",pod="web-0"}) by (pod)',
    });
  });

  test('a rule without a query has listed metrics that are not found, with the reason', async () => {
    await start(custom(rule('requests{pod!=""}', '')));
    const error = await rejected(running.get('requests', ['web-0']));
    assert.equal(error.message, 'the server could not find the metric requests for pods');
    assert.match(error.details?.causes?.[0]?.message ?? '', /metricsQuery is empty/);
  });
});
