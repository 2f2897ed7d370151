import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchBytesLimit } from '../../../src/prometheussource/namebatches.ts';
import { nameBatches } from '../../../src/prometheussource/podbatches.ts';
import {
  explainLength,
  measuredNames,
  measuredNamespaces,
  nameBytesLimit,
  queryBytesLimit,
} from '../../../src/prometheussource/querylength.ts';
import { PromqlError, type PromqlProblem } from '../../../src/promql/promqlerror.ts';
import { QueryError } from '../../../src/rules/queries.ts';

const names = Array.from({ length: 2_000 }, (_, index) => `ip-10-0-0-${index}.eu-west-1.compute.internal`);

/** Writes names as queries do: each dot with two backslashes. */
const written = (each: readonly string[]) => each.map((name) => name.replaceAll('.', String.raw`\\.`)).join('|');

for (const [times, rest] of [
  [1, 100],
  [2, 100],
  [4, 600],
  [1, 12_000],
  [10, 2_000],
] as const) {
  test(`a query that writes names ${times} times beside ${rest} bytes is as long as it may be`, () => {
    const make = (each: readonly string[]) => `${written(each)},`.repeat(times) + 'ä'.repeat(rest / 2);
    const limit = nameBytesLimit(() => make(measuredNames));
    const lengths = [...nameBatches(names, 'cut', limit)].map((batch) => Buffer.byteLength(make(batch)));
    const longest = Math.max(...lengths);
    const expected = Math.min(queryBytesLimit, times * batchBytesLimit + rest);
    assert.ok(longest <= queryBytesLimit, `${longest} bytes`);
    // One more name would be too long.
    assert.ok(longest > expected - times * 60, `${longest} bytes`);
  });
}

test('the names of namespaces count where a template writes them more often than those of pods', () => {
  const once = nameBytesLimit(() => [...measuredNamespaces, ...measuredNames].join());
  const often = nameBytesLimit(() => [...measuredNamespaces, ...measuredNamespaces, ...measuredNamespaces].join());
  assert.equal(once, batchBytesLimit);
  assert.ok(often <= queryBytesLimit / 3);
});

test('a template that is too long by itself is not sent for each name', () => {
  assert.ok(nameBytesLimit(() => 'x'.repeat(20_000)) >= 500);
});

test('a template that makes no query has the limit of a short one: its query fails with the reason', () => {
  const limit = nameBytesLimit(() => {
    throw new QueryError('no label names pods');
  });
  assert.equal(limit, batchBytesLimit);
});

test('a refusal of a query above the limit names its length, the limit and the remedy, and no other error does', () => {
  const long = 'x'.repeat(queryBytesLimit + 1);
  const explained = (problem: PromqlProblem, code: number | undefined, query = long, said = 'too long query') => {
    const error = new PromqlError(problem, said, code === undefined ? {} : { code });
    const made = explainLength(error, query, 'exact');
    return made instanceof PromqlError && [made.problem, made.code, made.message === said];
  };
  assert.deepEqual(explained('refused', 422), ['refused', 422, false]);
  assert.deepEqual(explained('refused', 414), ['refused', 414, false]);
  assert.deepEqual(explained('refused', 401), ['refused', 401, true]);
  assert.deepEqual(explained('unavailable', undefined), ['unavailable', undefined, true]);
  assert.deepEqual(explained('refused', 422, long.slice(1)), ['refused', 422, true]);
  assert.deepEqual(explained('refused', 422, long, 'found duplicate series'), ['refused', 422, true]);
  assert.deepEqual(explained('refused', 413, long, 'nginx'), ['refused', 413, false]);
  const { message } = explainLength(
    new PromqlError('refused', 'too long query', { code: 400 }),
    long,
    'exact',
  ) as PromqlError;
  assert.match(message, /^too long query; the query has 16385 bytes, and VictoriaMetrics takes 16384 .*#many-objects/);
});

test('the remedy for the queries of prometheus-adapter is to leave out the flag, which neither cuts nor sends a POST', () => {
  const messageOf = (code: number, query: string) => {
    const error = new PromqlError('refused', 'too long query', { code });
    return (explainLength(error, query, 'as-adapter') as PromqlError).message;
  };
  const long = 'x'.repeat(queryBytesLimit + 1);
  assert.match(
    messageOf(422, long),
    /^too long query; the query has 16385 bytes, and VictoriaMetrics takes 16384 \(-search\.maxQueryLen\): leave out --prometheus-queries=as-adapter, which cuts no query and makes no POST of a long GET .*, or raise the limit$/,
  );
  // A proxy's limit of a URL is lower, and only this mode has long ones.
  assert.match(
    messageOf(414, 'x'.repeat(9_000)),
    /; the query has 9000 bytes, in the URL of a GET: leave out --prometheus-queries=as-adapter,/,
  );
  assert.equal(messageOf(413, 'x'.repeat(9_000)), 'too long query');
});
