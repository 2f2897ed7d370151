/** When `kubegauge rules check` asks an engine no more. */
import assert from 'node:assert/strict';
import { after, afterEach, before, suite, test } from 'node:test';
import { sendQuery } from '../../src/command/askedvalues.ts';
import { askedWhileAnswering } from '../../src/command/rulesclient.ts';
import { systemClock } from '../../src/clock.ts';
import { createResolver } from '../../src/dns/resolver.ts';
import { silentLogger } from '../../src/logging.ts';
import { createPromqlClient } from '../../src/promql/client.ts';
import { createEngine } from '../../src/promql/engine.ts';
import { createFakePrometheus, type FakePrometheus, type PromqlFault } from '../fakes/prometheus.ts';

suite('an engine that rules check asks', () => {
  let engine: FakePrometheus;

  before(async () => {
    engine = await createFakePrometheus();
  });
  after(() => engine?.[Symbol.asyncDispose]());
  afterEach(() => {
    engine.fault = undefined;
  });

  /** Asks one query after the other, each for the rule that it is named by, and returns which were sent. */
  async function sentOf(queries: readonly string[], fault: (query: string) => PromqlFault | undefined) {
    const { resolve } = createResolver();
    const target = createEngine({
      name: 'prometheus',
      url: engine.url,
      verb: 'POST',
      headers: [],
      clock: systemClock,
      log: silentLogger,
    });
    await using client = askedWhileAnswering(createPromqlClient({ engine: target, resolve, deadlineMs: 1_000 }));
    engine.fault = ({ parameters }) => fault(parameters.get('query') ?? '');
    const before = engine.requests.length;
    const errors: string[] = [];
    for (const query of queries) {
      await sendQuery(client, query, query.split(' ')[0] ?? '').catch((error: Error) => errors.push(error.message));
    }
    return { sent: engine.requests.slice(before).map(({ parameters }) => parameters.get('query')), errors };
  }

  test('is asked once if it accepts and never answers', async () => {
    const { sent, errors } = await sentOf(['a', 'b', 'c'], () => 'hang');
    assert.deepEqual(sent, ['a']);
    const [first = '', ...others] = errors;
    assert.match(first, /did not answer within 1 s/);
    assert.deepEqual(
      others,
      Array.from({ length: 2 }, () => `not asked, since the last requests failed: ${first}`),
    );
  });

  test('is asked for other rules after one without an answer, if it has answered before', async () => {
    const queries = ['a', 'slow 1', 'slow 2', 'b', 'late 1', 'c', 'd'];
    const { sent, errors } = await sentOf(queries, (query) => (/slow|late/.test(query) ? 'hang' : undefined));
    assert.deepEqual(sent, ['a', 'slow 1', 'b', 'late 1']);
    assert.equal(errors.length, 5);
  });

  test('has answered where it refuses a query, and is asked for each rule that it refuses', async () => {
    const refusal = { code: 422, body: '{"status":"error","error":"too many samples"}' };
    const queries = ['a', 'a', 'b', 'slow', 'c'];
    const { sent, errors } = await sentOf(queries, (query) => (query === 'slow' ? 'hang' : refusal));
    assert.deepEqual(sent, queries);
    assert.equal(errors.length, 5);
  });

  test('is asked no more once it cannot be reached', async () => {
    await engine.down();
    const { errors } = await sentOf(['a', 'b'], () => undefined);
    await engine.up();
    assert.match(errors[0] ?? '', /cannot be reached/);
    assert.match(errors[1] ?? '', /^not asked, since the last requests failed: /);
  });
});
