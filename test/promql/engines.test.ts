/** Metrics of rules over the real engines that Debian has, and with `--all` over newer ones. A missing engine fails its tests. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { StatusError } from '../../src/apimachinery/status.ts';
import { waitFor } from '../cluster/wait.ts';
import { type RunningSource, runSource } from '../fakes/promqlsource.ts';
import { until } from '../fakes/until.ts';
import { enginesOf, runEngine, type RunningEngine } from './engine.ts';

const exported = `
requests_total{namespace="shop",pod="web-0"} 100
requests_total{namespace="shop",pod="web-1"} 50
inflight{namespace="shop",pod="web-0",path="/a.b"} 1.9999
inflight{namespace="shop",pod="web-0",path="/axb"} 5
inflight{namespace="shop",pod="web-1",path="/a.b"} 0.0004
odd{namespace="shop",pod="nan"} NaN
odd{namespace="shop",pod="inf"} +Inf
odd{namespace="shop",pod="huge"} 1e16
odd{namespace="shop",pod="negative"} -1.5
queue_depth{namespace="shop",queue="orders"} 12
queue_depth{namespace="shop",queue="mails"} 3
queue_depth{namespace="bank",queue="orders"} 99
temperature{node="node-a"} 41
`;

const resources =
  'resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, node: {resource: node}}}';
const summed = 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)';
const rules = `
rules:
- {seriesQuery: '{__name__=~"^(inflight|odd)$",pod!=""}', ${resources}, metricsQuery: '${summed}'}
- {seriesQuery: 'temperature', ${resources}, metricsQuery: '${summed}'}
- {seriesQuery: 'requests_total', ${resources}, name: {matches: "^(.*)_total$", as: "\${1}_bad"}, metricsQuery: 'sum('}
- {seriesQuery: 'requests_total', ${resources}, name: {as: matrix}, metricsQuery: '<<.Series>>{<<.LabelMatchers>>}[1m]'}
- {seriesQuery: 'requests_total', ${resources}, name: {as: cut}, metricsQuery: '${summed} or vector(0)'}
- {seriesQuery: 'requests_total', ${resources}, name: {as: whole}, metricsQuery: 'topk(1, ${summed}) by (<<.GroupBy>>)'}
- {seriesQuery: '{broken', ${resources}, metricsQuery: '${summed}'}
externalRules:
- {seriesQuery: 'queue_depth', ${resources}, metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (queue)'}
- {seriesQuery: 'queue_depth', ${resources}, name: {as: total}, metricsQuery: 'scalar(sum(<<.Series>>{<<.LabelMatchers>>}))'}
`;

for (const program of enginesOf(process.argv.includes('--all'))) {
  describe(program.name, () => {
    let engine: RunningEngine;
    let running: RunningSource;
    before(async () => {
      engine = await runEngine(program, exported);
      running = runSource({ rules, urls: engine.url, relistIntervalMs: 500 });
      await until(
        'all metrics are listed',
        () => running.listed().length >= 13 && running.source.external.list().length === 2,
      );
    });
    after(async () => {
      await running?.[Symbol.asyncDispose]();
      await engine?.[Symbol.asyncDispose]();
    });

    const reason = async (promise: Promise<unknown>): Promise<string> => {
      const error = await promise.then(
        () => undefined,
        (failure: unknown) => failure,
      );
      assert.ok(error instanceof StatusError, String(error));
      assert.equal(error.message, 'Internal error occurred: unable to fetch metrics');
      return error.details?.causes?.[1]?.message ?? '';
    };

    test('values are truncated to thousandths, with the time of their evaluation', async () => {
      assert.deepEqual(await running.values('inflight', ['web-0', 'web-1', 'web-2']), { 'web-0': 6999, 'web-1': 0 });
      const { samples } = await running.get('inflight', ['web-1']);
      assert.ok(Math.abs((samples[0]?.timestampMs ?? 0) - Date.now()) < 30_000);
    });

    test('NaN, infinities and overflow have no value, and a cause says which', async () => {
      const { samples, causes } = await running.get('odd', ['huge', 'inf', 'nan', 'negative']);
      const reasons = (causes ?? []).map(({ message }) => message);
      // VictoriaMetrics leaves NaN out itself.
      const expected = [
        /^huge: .* too large/,
        /^inf: .* infinite/,
        ...(program.name === 'Prometheus' ? [/^nan: .* NaN/] : []),
      ];
      assert.equal(reasons.length, expected.length);
      for (const [index, pattern] of expected.entries()) assert.match(reasons[index] ?? '', pattern);
      assert.deepEqual(
        samples.map(({ name, valueMilli }) => [name, valueMilli]),
        [['negative', -1500n]],
      );
    });

    test('a selector of a set matches its value exactly, not as a regular expression', async () => {
      assert.deepEqual(await running.values('inflight', ['web-0'], { selector: 'pod in (web-0)' }), { 'web-0': 6999 });
      assert.deepEqual(await running.values('inflight', ['web-0', 'web-1'], { selector: 'pod in (web.0)' }), {});
    });

    test('nodes and namespaces are described', async () => {
      assert.deepEqual(await running.values('temperature', ['node-a'], { resource: 'nodes' }), { 'node-a': 41_000 });
      assert.deepEqual(await running.values('inflight', ['shop'], { resource: 'namespaces' }), { shop: 7000 });
    });

    test('external series come with their labels, of one namespace', async () => {
      const all = await running.external('queue_depth');
      const byQueue = new Map(all.map(({ labels, valueMilli }) => [labels?.get('queue'), valueMilli]));
      assert.deepEqual(
        byQueue,
        new Map([
          ['orders', 12_000n],
          ['mails', 3_000n],
        ]),
      );
      assert.equal((await running.external('queue_depth', 'queue=mails')).length, 1);
      assert.deepEqual(await running.external('queue_depth', '', { namespace: 'nowhere' }), []);
    });

    test('an external scalar is one item', async () => {
      const samples = await running.external('total');
      assert.deepEqual(
        samples.map(({ valueMilli }) => valueMilli),
        [15_000n],
      );
    });

    test('a query with 1,500 pods works', async () => {
      const short = Array.from({ length: 1_500 }, (_, index) => `web-${index}`);
      assert.deepEqual(await running.values('inflight', short), { 'web-0': 6999, 'web-1': 0 });
      const long = short.map((name) => `checkout-service-backend-worker-7d9f8b6c5d-${name}`);
      assert.deepEqual(await running.values('inflight', [...long, 'web-0']), { 'web-0': 6999 });
    });

    test('a query with 2,000 pods is cut where it has `or`, and one that cannot be cut works, or says what is too long', async () => {
      const names = Array.from({ length: 2_000 }, (_, index) => `checkout-service-backend-worker-7d9f8b6c5d-${index}`);
      const all = [...names, 'web-0'];
      assert.deepEqual(await running.values('cut', all), { 'web-0': 100 * 1_000 });
      if (!program.name.toLowerCase().includes('victoria')) {
        assert.deepEqual(await running.values('whole', all), { 'web-0': 100 * 1_000 });
        return;
      }
      const why = await reason(running.get('whole', all));
      assert.match(why, /the query has \d{5} bytes, and VictoriaMetrics takes 16384 \(-search\.maxQueryLen\): shorten/);
    });

    test('requests that are joined fail no more than each alone, with names of any length', async () => {
      const workloads = Array.from({ length: 20 }, (_, workload) =>
        Array.from({ length: 40 }, (_, pod) => `checkout-service-backend-worker-${workload}-7d9f8b6c5d-abc${pod}`),
      );
      const answers = workloads.map((names) => running.values('inflight', [...names, 'web-0']));
      for (const answer of await Promise.all(answers)) assert.deepEqual(answer, { 'web-0': 6999 });
    });

    test('a query that does not parse, and one that makes a matrix, are errors with their reasons', async () => {
      assert.match(await reason(running.get('requests_bad', ['web-0'])), /answered 4[02][02]/);
      assert.match(await reason(running.get('matrix', ['web-0'])), /makes a matrix/);
    });

    test('a selector that does not parse is reported and touches no other rule', () => {
      const report = running.source.reports().find(({ rule }) => rule === 'rules[6]');
      assert.match(report?.lastError ?? '', /answered 4/);
      assert.deepEqual(
        running.source
          .reports()
          .filter(({ lastSuccessMs }) => lastSuccessMs === undefined)
          .map(({ rule }) => rule),
        ['rules[6]'],
      );
    });

    test('a new metric is listed soon', async () => {
      engine.metrics = `${exported}odd{namespace="shop",pod="new",node="node-a"} 1\n`;
      await until('it is listed', () => running.listed().includes('nodes/odd'));
    });

    test('the last values bridge an outage, and values are new after it', async () => {
      const before = await running.get('inflight', ['web-1']);
      await engine.stop();
      assert.deepEqual((await running.get('inflight', ['web-1'])).samples, before.samples);
      engine.metrics = exported.replace('0.0004', '7');
      await engine.start();
      await waitFor(
        'the new value to be served',
        async () => (await running.values('inflight', ['web-1']))['web-1'] === 7_000,
        60_000,
      );
    });
  });
}
