/** Thanos and Mimir by their documented HTTP API: tenants, limits, deduplication, partial responses. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { StatusError } from '../../src/apimachinery/status.ts';
import { createFakePrometheus, type FakePrometheus, type PromqlCall } from '../fakes/prometheus.ts';
import { type RunningSource, runSource, type SourceSettings } from '../fakes/promqlsource.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';

const rule = (series: string, more = '') => `
- seriesQuery: '${series}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
${more}`;

const tenantOf = ({ headers }: PromqlCall): string | undefined => {
  const tenant = headers['x-scope-orgid'];
  return typeof tenant === 'string' ? tenant : undefined;
};

suite('an engine of tenants', () => {
  let engine: FakePrometheus;
  let running: RunningSource | undefined;

  beforeEach(async () => {
    engine = await createFakePrometheus({ prefix: '/prometheus' });
    engine.seriesOf = (match) => [{ __name__: match, namespace: 'shop', pod: 'web-0' }];
    // As Mimir with multitenancy: the series of the header's tenant, and 401 without one.
    engine.fault = (call) => (tenantOf(call) === undefined ? { code: 401, body: 'no org id' } : undefined);
  });
  afterEach(async () => {
    await running?.[Symbol.asyncDispose]();
    running = undefined;
    await engine[Symbol.asyncDispose]();
  });

  async function start(rules: string, settings: Partial<SourceSettings>, lists: number): Promise<RunningSource> {
    const started = runSource({ rules, urls: engine.url, ...settings });
    running = started;
    const listed = () => started.source.reports().filter(({ lastSuccessMs }) => lastSuccessMs !== undefined).length;
    await until('series are listed', () => listed() === lists);
    return started;
  }

  test('two tenants are two sources, and each rule reads its own', async () => {
    engine.resultOf = () => [[{ pod: 'web-0' }, '1']];
    const rules = `rules:${rule('requests', '  source: team-a')}${rule('errors', '  source: team-b')}`;
    const urls = { 'team-a': engine.url, 'team-b': engine.url };
    const headers = { 'team-a': ['X-Scope-OrgID=a'], 'team-b': ['X-Scope-OrgID=b|c'] };
    const source = await start(rules, { urls, headers }, 2);
    assert.deepEqual(await source.values('requests', ['web-0']), { 'web-0': 1000 });
    assert.deepEqual(await source.values('errors', ['web-0']), { 'web-0': 1000 });
    const tenants = engine.requests.map((call) => [
      tenantOf(call),
      /requests|errors/.exec(call.parameters.toString())?.[0],
    ]);
    assert.deepEqual(new Set(tenants.map((each) => each.join(' '))), new Set(['a requests', 'b|c errors']));
  });

  test("a request without a tenant is an error in the rule's report", async () => {
    const source = await start(`rules:${rule('requests')}`, {}, 0);
    await until('the list has failed', () => source.source.reports()[0]?.lastError !== undefined);
    assert.match(source.source.reports()[0]?.lastError ?? '', /answered 401/);
    assert.deepEqual(source.listed(), []);
  });

  test("a tenant's limit is an error with the engine's words", async () => {
    const source = await start(`rules:${rule('requests')}`, { headers: { prometheus: ['X-Scope-OrgID=a'] } }, 1);
    const error = 'the query exceeded the maximum number of chunks (limit: 2000000)';
    engine.fault = () => ({ code: 422, body: JSON.stringify({ status: 'error', errorType: 'execution', error }) });
    await assert.rejects(source.get('requests', ['web-0']), (thrown) => {
      assert.ok(thrown instanceof StatusError);
      assert.ok(thrown.details?.causes?.[1]?.message?.includes(error));
      return true;
    });
  });
});

suite('an engine of stores', () => {
  test('parameters of the URL are sent with each request, and a partial response is served and logged', async () => {
    await using engine = await createFakePrometheus();
    engine.seriesOf = () => [{ __name__: 'requests', namespace: 'shop', pod: 'web-0' }];
    engine.resultOf = () => [[{ pod: 'web-0' }, '3']];
    engine.extra = { warnings: ['receive series from Addr: store-1 LabelSets: {}: rpc error: code = Unavailable'] };
    const { log, lines } = createRecordingLog();
    const url = `${engine.url}/?dedup=true&partial_response=true`;
    await using running = runSource({ rules: `rules:${rule('requests')}`, urls: url, log });
    await until('series are listed', () => running.listed().length > 0);
    assert.deepEqual(await running.values('requests', ['web-0']), { 'web-0': 3000 });
    for (const { parameters } of engine.requests) {
      assert.deepEqual([parameters.get('dedup'), parameters.get('partial_response')], ['true', 'true']);
    }
    assert.ok(lines.includes('warn: an answer of Prometheus may be incomplete'));
  });

  test('a store that is away without partial responses is a 500 that says which, and the last value bridges it', async () => {
    await using engine = await createFakePrometheus();
    engine.seriesOf = () => [{ __name__: 'requests', namespace: 'shop', pod: 'web-0' }];
    engine.resultOf = () => [[{ pod: 'web-0' }, '3']];
    await using running = runSource({ rules: `rules:${rule('requests')}`, urls: engine.url });
    await until('series are listed', () => running.listed().length > 0);
    const before = await running.get('requests', ['web-0']);
    const error = 'expanded matching posting: fetch: store-1 is not reachable';
    engine.fault = () => ({ code: 503, body: JSON.stringify({ status: 'error', errorType: 'execution', error }) });
    assert.deepEqual((await running.get('requests', ['web-0'])).samples, before.samples);
    await assert.rejects(running.get('requests', ['web-9']), (thrown) => {
      assert.ok(thrown instanceof StatusError);
      assert.match(thrown.details?.causes?.[1]?.message ?? '', /503.*store-1 is not reachable/);
      return true;
    });
  });
});
