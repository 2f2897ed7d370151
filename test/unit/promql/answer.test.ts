import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import {
  checkSeriesEnvelope,
  MalformedAnswerError,
  type QueryElement,
  readQueryAnswer,
  readQueryElement,
  readSeriesElement,
} from '../../../src/promql/answer.ts';
import { queryLimits, seriesLimits } from '../../../src/promql/answerlimits.ts';
import { ElementSplitter } from '../../../src/promql/elementsplitter.ts';

interface Capture {
  readonly name: string;
  readonly request: { readonly url: string };
  readonly response: { readonly status: number; readonly body: unknown };
}

const engines = ['prometheus-api', 'prometheus-3-api', 'victoriametrics-1.79.5-api', 'victoriametrics-1.151.0-api'];

function capturesOf(engine: string): readonly Capture[] {
  return JSON.parse(readFileSync(path.join(import.meta.dirname, `../../testdata/promql/${engine}.json`), 'utf8'));
}

function read(body: unknown) {
  const elements: QueryElement[] = [];
  const splitter = new ElementSplitter(['data', 'result'], queryLimits, (text) =>
    elements.push(readQueryElement(JSON.parse(text))),
  );
  splitter.write(Buffer.from(JSON.stringify(body)));
  return readQueryAnswer(JSON.parse(splitter.end()), elements);
}

const vector = (...result: readonly unknown[]) => ({ status: 'success', data: { resultType: 'vector', result } });

for (const engine of engines) {
  test(`every answer of ${engine} is read`, () => {
    let answers = 0;
    for (const { name, request, response } of capturesOf(engine)) {
      if (response.status !== 200 || typeof response.body !== 'object') continue;
      answers += 1;
      if (request.url.startsWith('/api/v1/query')) assert.ok(read(response.body).type, name);
      else {
        const names: unknown[] = [];
        const splitter = new ElementSplitter(['data'], seriesLimits, (text) =>
          names.push(readSeriesElement(JSON.parse(text))),
        );
        splitter.write(Buffer.from(JSON.stringify(response.body)));
        checkSeriesEnvelope(JSON.parse(splitter.end()));
        assert.equal(names.length, (response.body as { data: unknown[] }).data.length, name);
      }
    }
    assert.ok(answers > 10);
  });
}

test('a sample has its labels, its own timestamp and its number', () => {
  const { type, samples } = read(vector({ metric: { pod: 'web-0' }, value: [1795913979.894, '1.9999'] }));
  assert.equal(type, 'vector');
  assert.deepEqual(samples, [
    { labels: new Map([['pod', 'web-0']]), timestampMs: 1795913979894, value: 1.9999, problem: undefined },
  ]);
});

test('a scalar is one sample without labels', () => {
  const { type, samples } = read({ status: 'success', data: { resultType: 'scalar', result: [1.5, '59'] } });
  assert.equal(type, 'scalar');
  assert.deepEqual(samples, [{ labels: new Map(), timestampMs: 1500, value: 59, problem: undefined }]);
});

test('NaN, infinities and exponents are read as Go writes them', () => {
  const written = ['NaN', '+Inf', '-Inf', '1e+16', '-1.5', '4e-04'];
  const { samples } = read(vector(...written.map((value) => ({ metric: {}, value: [1, value] }))));
  assert.deepEqual(
    samples.map(({ value }) => value),
    [NaN, Infinity, -Infinity, 1e16, -1.5, 0.0004],
  );
});

test('null samples, histograms, JSON numbers and other texts never become a number', () => {
  const { samples } = read(
    vector(
      null,
      {},
      { metric: { a: 'null' }, value: null },
      { metric: { a: 'null value' }, value: [1, null] },
      { metric: { a: 'number' }, value: [1, 12] },
      { metric: { a: 'histogram' }, histogram: [1, { count: '5', sum: '3' }] },
      ...['', ' 1', '0x10', '1_000', 'Infinity', '1e9999', 'true', '--1'].map((value) => ({
        metric: {},
        value: [1, value],
      })),
      { metric: {}, value: ['1', '1'] },
      { metric: {}, value: [1e300, '1'] },
      { metric: 5, value: [1] },
    ),
  );
  assert.deepEqual(
    samples.filter(({ value }) => value !== undefined && Number.isFinite(value)),
    [],
  );
  assert.equal(samples.find(({ labels }) => labels.get('a') === 'histogram')?.problem, 'a native histogram');
});

test('a result that is not of its type is malformed, and not one without samples', () => {
  const answer = (resultType: string, result: unknown) => ({ status: 'success', data: { resultType, result } });
  const wrong: readonly unknown[] = [
    { status: 'success', data: { resultType: 'vector' } },
    ...[{ a: 1 }, 'text', 5, true, ['text'], [5], [true], [[]], [[1, '5']]].map((result) => answer('vector', result)),
    ...[[], [1], [1, '5', '6'], [{}, {}], [1, null], {}, '5'].map((result) => answer('scalar', result)),
  ];
  for (const body of wrong) assert.throws(() => read(body), MalformedAnswerError, JSON.stringify(body));
});

test('a list whose key has an escape is malformed, since its elements are not found', () => {
  const sample = { metric: {}, value: [1, '5'] };
  const query = { status: 'success', data: { resultType: 'vector', result: [sample] } };
  assert.throws(() => readQueryAnswer(query, []), /no list of samples/);
  assert.throws(() => checkSeriesEnvelope({ status: 'success', data: [{ __name__: 'up' }] }), /no list of series/);
});

test('warnings, infos and partial answers are reported', () => {
  const body = { ...vector(), warnings: ['store a is away', 5], infos: ['not a counter'], isPartial: true };
  assert.deepEqual(read(body).notes, { warnings: ['store a is away'], infos: ['not a counter'], isPartial: true });
});

test('warnings are cut, without control characters', () => {
  const [warning = ''] = read({ ...vector(), warnings: [`\u001b[2J${'w'.repeat(100_000)}`] }).notes.warnings;
  assert.deepEqual([warning.length, warning.slice(0, 6)], [300, String.raw`\x1b[2`]);
});

test('a time before year 1 or after year 9999 makes no number: clients could not parse it', () => {
  const times = [-253_402_300_799, -62_135_596_801, -62_135_596_800, 253_402_300_799, 253_402_300_800];
  const { samples } = read(vector(...times.map((time) => ({ metric: {}, value: [time, '1'] }))));
  assert.deepEqual(
    samples.map(({ value }) => value),
    [undefined, undefined, 1, 1, undefined],
  );
});

test('null in place of series is refused, not taken for none', () => {
  assert.throws(() => checkSeriesEnvelope({ status: 'success', data: null }), /no list of series/);
  checkSeriesEnvelope({ status: 'success', data: [] });
});

test('anything but a successful answer with a known result type is refused', () => {
  assert.throws(() => read({}), /status/);
  assert.throws(() => read({ status: 'error', data: { resultType: 'vector', result: [] } }), /status/);
  assert.throws(() => read({ status: 'success', data: null }), /resultType is missing/);
  assert.throws(
    () => read({ status: 'success', data: { resultType: 'streams', result: [] } }),
    /resultType is "streams"/,
  );
});
