/** No caller of metrics of rules takes them from others: requests that hang, and rules that do not answer. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, suite, test } from 'node:test';
import type { Caller } from '../../src/metricsource/source.ts';
import { sharedAnswersLimitBytes } from '../../src/prometheussource/sharedqueries.ts';
import { createFakeClock } from '../fakes/clock.ts';
import { createFakePrometheus, type FakePrometheus } from '../fakes/prometheus.ts';
import { type RunningSource, runSource, type SourceSettings } from '../fakes/promqlsource.ts';
import { until } from '../fakes/until.ts';

const rules = `rules:
- seriesQuery: 'requests'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
externalRules:
- seriesQuery: 'queue_depth'
  resources: {overrides: {namespace: {resource: namespace}}}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>})'
`;

const mallory: Caller = { kind: 'user', name: 'mallory' };
const alice: Caller = { kind: 'user', name: 'alice' };
const stranger: Caller = { kind: 'stranger', name: 'system:anonymous' };

suite('isolation of callers', () => {
  let prometheus: FakePrometheus;
  let running: RunningSource;

  beforeEach(async () => {
    prometheus = await createFakePrometheus();
    prometheus.seriesOf = (match) => [{ __name__: match, namespace: 'shop', pod: 'web-0' }];
    prometheus.resultOf = () => [[{ pod: 'web-0' }, '1']];
  });
  afterEach(async () => {
    await running[Symbol.asyncDispose]();
    await prometheus[Symbol.asyncDispose]();
  });

  async function start(settings: Partial<SourceSettings> = {}): Promise<void> {
    running = runSource({ rules, urls: prometheus.url, ...settings });
    await until('series are listed', () =>
      running.source.reports().every(({ lastSuccessMs }) => lastSuccessMs !== undefined),
    );
  }

  /** Queries with the text hang. */
  const hangs = (...texts: readonly string[]): void => {
    prometheus.fault = ({ endpoint, parameters }) =>
      endpoint === 'query' && texts.some((text) => parameters.get('query')?.includes(text)) ? 'hang' : undefined;
  };

  const queries = () => prometheus.requests.filter(({ endpoint }) => endpoint === 'query').length;

  /** Asks for as many different queries that hang, and waits until as many as may are under way. */
  const flood = (count: number, caller: Caller): readonly Promise<unknown>[] =>
    Array.from({ length: count }, (_, index) =>
      running.get('requests', ['web-0'], { caller, selector: `path=slow${index}` }).catch(() => undefined),
    );

  test("a user's slow selectors do not stop the rule for the autoscaler, nor for another user", async () => {
    await start({ deadlineMs: 1_000 });
    hangs('slow');
    for (let round = 0; round < 4; round += 1) await Promise.all(flood(2, mallory));
    await assert.rejects(running.get('requests', ['web-0'], { caller: mallory }), /Timeout/);
    assert.deepEqual(await running.values('requests', ['web-0']), { 'web-0': 1000 });
    assert.deepEqual(await running.values('requests', ['web-0'], { caller: alice }), { 'web-0': 1000 });
  });

  test("slow selectors of one namespace's autoscaler do not stop the rule for those of another", async () => {
    await start({ deadlineMs: 1_000 });
    hangs('slow');
    const slow = { namespace: 'mallory' };
    for (let round = 0; round < 4; round += 1)
      await running.external('queue_depth', `path=slow${round}`, slow).catch(() => undefined);
    await assert.rejects(running.external('queue_depth', '', slow), /Timeout/);
    assert.equal((await running.external('queue_depth')).length, 1);
  });

  test('answers that are shared are kept by their bytes: of large ones only the last', async () => {
    await start({ clock: createFakeClock() });
    const usual = 'x'.repeat(1_000);
    const samples = Math.floor((sharedAnswersLimitBytes * 0.6) / usual.length);
    prometheus.resultOf = () => Array.from({ length: samples }, (_, index) => [{ usual, id: String(index) }, '1']);
    const asked = async (selector: string) => {
      const before = queries();
      await running.external('queue_depth', selector);
      return queries() - before;
    };
    assert.equal(await asked('queue=a'), 1);
    assert.equal(await asked('queue=a'), 0);
    assert.equal(await asked('queue=b'), 1);
    assert.equal(await asked('queue=b'), 0);
    assert.equal(await asked('queue=a'), 1);
  });

  test("the autoscaler's query does not wait behind a user's, and neither does another user's", async () => {
    await start();
    hangs('slow');
    const before = queries();
    const slow = flood(100, mallory);
    await until('slow queries are under way', () => queries() > before);
    assert.deepEqual(await running.values('requests', ['web-0']), { 'web-0': 1000 });
    assert.deepEqual(await running.values('requests', ['web-0'], { caller: alice }), { 'web-0': 1000 });
    hangs();
    prometheus.release();
    await Promise.all(slow);
  });

  test("slow queries of one namespace's autoscalers leave connections for those of others", async () => {
    await start();
    hangs('slow');
    const ask = (index: number) => running.external('queue_depth', `path=slow${index}`, { namespace: 'mallory' });
    const slow = Array.from({ length: 100 }, (_, index) => ask(index).catch(() => undefined));
    await until('slow queries are under way', () => prometheus.waiting > 0);
    assert.equal((await running.external('queue_depth')).length, 1);
    hangs();
    prometheus.release();
    await Promise.all(slow);
  });

  test('strangers never wait before users, whatever they ask', async () => {
    await start();
    hangs('slow');
    const slow = flood(100, stranger);
    await until('slow queries are under way', () => prometheus.waiting > 0);
    assert.deepEqual(await running.values('requests', ['web-0'], { caller: alice }), { 'web-0': 1000 });
    hangs();
    prometheus.release();
    await Promise.all(slow);
  });

  test('an equal query of the autoscaler does not join one that waits in the queue of a user', async () => {
    await start();
    hangs('slow');
    const slow = flood(100, mallory);
    await until('slow queries are under way', () => prometheus.waiting > 0);
    const queued = running.get('requests', ['web-0'], { caller: mallory });
    assert.deepEqual(await running.values('requests', ['web-0']), { 'web-0': 1000 });
    hangs();
    prometheus.release();
    await Promise.all([...slow, queued]);
  });

  test('series are listed while queries of all callers hang', async () => {
    await start({ relistIntervalMs: 20 });
    hangs('requests', 'queue_depth');
    const slow = [...flood(100, mallory), ...flood(100, stranger)];
    for (let index = 0; index < 100; index += 1)
      slow.push(...flood(1, { kind: 'system', name: `system:controller-${index}` }));
    await until('slow queries are under way', () => prometheus.waiting > 10);
    const listed = () => prometheus.requests.filter(({ endpoint }) => endpoint === 'series').length;
    const before = listed();
    await until('series are listed again', () => listed() > before + 2);
    hangs();
    prometheus.release();
    await Promise.all(slow);
  });

  test("a user's timeouts at a proxy do not stop the engine for others", async () => {
    await start();
    prometheus.fault = ({ parameters }) => (parameters.get('query')?.includes('slow') ? 504 : undefined);
    for (let round = 0; round < 4; round += 1) await Promise.all(flood(2, mallory));
    assert.deepEqual(await running.values('requests', ['web-0']), { 'web-0': 1000 });
  });

  for (const fault of ['hang up', 503, 502] as const) {
    test(`a user's queries whose end is ${fault} do not stop the engine for others`, async () => {
      await start();
      prometheus.fault = ({ parameters }) => (parameters.get('query')?.includes('slow') ? fault : undefined);
      for (let round = 0; round < 4; round += 1) await Promise.all(flood(2, mallory));
      assert.deepEqual(await running.values('requests', ['web-0']), { 'web-0': 1000 });
    });
  }

  const sharedBy: Readonly<Record<string, (names: readonly string[]) => Promise<unknown>>> = {
    'an external metric': () => running.external('queue_depth', '', { caller: mallory }),
    'a custom metric': (names) => running.get('requests', names, { caller: mallory }),
  };
  for (const [what, ask] of Object.entries(sharedBy)) {
    test(`an answer that many requests for ${what} share is read in several iterations of the event loop`, async () => {
      // So that requests for a custom metric share an answer and not its samples by object.
      await start({ rules: rules.replace('sum(<<', 'topk(20000, <<') });
      const objects = Array.from({ length: 10_000 }, (_, index) => `web-${index}`);
      prometheus.resultOf = () => objects.map((pod) => [{ pod, namespace: 'shop' }, '1']);
      const before = queries();
      const requests = 60;
      let settled = 0;
      let most = 0;
      let next = setImmediate(function count() {
        settled = 0;
        next = setImmediate(count);
      });
      await Promise.all(
        Array.from({ length: requests }, async () => {
          await ask(objects.slice(0, 1_000));
          most = Math.max(most, (settled += 1));
        }),
      );
      clearImmediate(next);
      assert.equal(queries() - before, 1);
      // A slice has time for a few.
      assert.ok(most <= requests / 2, `${most} of ${requests} in one iteration`);
    });
  }

  test("a rule that hangs for all callers takes few of the autoscaler's connections, and is back at once", async () => {
    await start({ deadlineMs: 1_000 });
    hangs('requests');
    const namespaces = Array.from({ length: 30 }, (_, index) => `team-${index}`);
    const askAll = (selector: string) =>
      Promise.allSettled(namespaces.map((namespace) => running.get('requests', ['web-0'], { namespace, selector })));
    await askAll('round=first');
    await askAll('round=second');
    // By its text: queries of the first round that were sent just before their deadline may arrive in the second.
    const sent = prometheus.requests.filter(({ parameters }) => parameters.get('query')?.includes('second')).length;
    assert.ok(sent <= 2, `${sent} queries were sent though the rule hangs`);
    const before = queries();
    assert.equal((await running.external('queue_depth')).length, 1);
    hangs();
    assert.deepEqual(await running.values('requests', ['web-0']), { 'web-0': 1000 });
    await Promise.allSettled(
      namespaces.slice(20).map((namespace) => running.get('requests', ['web-0'], { namespace })),
    );
    assert.ok(queries() - before >= 3);
  });
});
