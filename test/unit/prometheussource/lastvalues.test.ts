import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LastValues, lastValueLimit } from '../../../src/prometheussource/lastvalues.ts';
import { measure } from '../../../src/prometheussource/measured.ts';
import { createShapeFold, shapeLimit } from '../../../src/prometheussource/seriesshapes.ts';
import { metricSampleCodec } from '../../../src/prometheussource/valuecodecs.ts';
import { createFakeClock } from '../../fakes/clock.ts';

test('last values are kept for the maximum age, per object', () => {
  const clock = createFakeClock();
  const last = new LastValues<number>(clock, 1_000);
  last.keep(
    'q',
    ['a', 'b'],
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  );
  clock.jump(800);
  last.keep('q', ['b'], new Map([['b', 3]]));
  assert.deepEqual(
    [...last.of('q')],
    [
      ['a', 1],
      ['b', 3],
    ],
  );
  clock.jump(800);
  assert.deepEqual([...last.of('q')], [['b', 3]]);
  clock.jump(800);
  assert.deepEqual([...last.of('q')], []);
});

test('an object that an answer lacks is forgotten', () => {
  const last = new LastValues<number>(createFakeClock(), 1_000);
  last.keep('q', ['a'], new Map([['a', 1]]));
  last.keep('q', ['a'], new Map());
  assert.equal(last.size, 0);
});

test('a value of a partial answer replaces one of another partial answer, and none of a whole one', () => {
  const clock = createFakeClock();
  const last = new LastValues<number>(clock, 1_000);
  const keep = (values: Readonly<Record<string, number>>, isWhole: boolean) =>
    last.keep('q', Object.keys(values), new Map(Object.entries(values)), isWhole);
  keep({ a: 1 }, true);
  keep({ a: 2, b: 2 }, false);
  clock.jump(900);
  keep({ a: 3, b: 3 }, false);
  assert.deepEqual(Object.fromEntries(last.of('q')), { a: 1, b: 3 });
  clock.jump(900);
  assert.deepEqual(Object.fromEntries(last.of('q')), { b: 3 });
  keep({ a: 4, b: 4 }, true);
  keep({ a: 5, b: 5 }, false);
  assert.deepEqual(Object.fromEntries(last.of('q')), { a: 4, b: 4 });
});

test('values that are kept together are those of one answer', () => {
  const last = new LastValues<string>(createFakeClock(), 1_000);
  const keep = (values: readonly string[], isWhole: boolean) => {
    last.keepTogether('q', new Map(values.map((value, index) => [String(index), value])), isWhole);
    return [...last.of('q').values()];
  };
  assert.deepEqual(keep(['a', 'b'], false), ['a', 'b']);
  assert.deepEqual(keep(['c'], false), ['c']);
  assert.deepEqual(keep(['d', 'e'], true), ['d', 'e']);
  assert.deepEqual(keep(['f'], false), ['d', 'e']);
  assert.deepEqual(keep(['g'], true), ['g']);
});

test('more last values than the limit drop the oldest question', () => {
  const last = new LastValues<number>(createFakeClock(), 1_000);
  const many = new Map(Array.from({ length: lastValueLimit - 10 }, (_, index) => [String(index), index]));
  last.keep('old', ['a'], new Map([['a', 1]]));
  last.keep('older than new', [], new Map(Array.from({ length: 10 }, (_, index) => [String(index), index])));
  last.keep('new', [], many);
  assert.deepEqual([last.of('old').size, last.of('new').size], [0, many.size]);
  assert.ok(last.size <= lastValueLimit);
});

test('questions take memory, too: the number of those with a single value is limited', () => {
  const last = new LastValues<number>(createFakeClock(), 1_000, () => 1, 1_000);
  for (let index = 0; index < 1_000; index += 1) last.keep(`question ${index}`, [], new Map([['a', 1]]));
  assert.ok([...last.questions()].length <= 250);
  last.keep('q'.repeat(200_000), [], new Map([['a', 1]]));
  assert.equal(last.size, 0, 'a key that is larger than the limit is not kept');
});

test('what nobody asks for any more is dropped after the maximum age', () => {
  const clock = createFakeClock();
  const last = new LastValues<number>(clock, 1_000);
  last.restore('restored', [{ name: 'a', value: 1, ageMs: 500 }], 0);
  last.keep('old', [], new Map([['a', 1]]));
  clock.jump(800);
  last.keep('new', [], new Map([['a', 1]]));
  const whole = last.size;
  clock.jump(800);
  last.keep('new', ['a'], new Map([['a', 2]]));
  assert.equal(last.size, whole / 2);
  clock.jump(1_001);
  last.sweep();
  assert.equal(last.size, 0);
});

test('values that come, go and come again are those of their objects, whatever their size', () => {
  const clock = createFakeClock();
  const last = new LastValues(clock, 1_000, undefined, undefined, metricSampleCodec.createColumn);
  const largest = BigInt(Number.MAX_SAFE_INTEGER);
  const samples = [0n, -1n, 1_500n, largest, largest + 1n, largest + 2n, -largest - 2n, 2n ** 62n + 1n].map(
    (valueMilli, index) => ({ timestampMs: 1_700_000_000_123 + index, valueMilli }),
  );
  const named = samples.map((sample, index) => [`web-${index}`, sample] as const);
  const names = named.map(([name]) => name);
  last.keep('q', names, new Map(named));
  assert.deepEqual([...last.of('q')], named);
  const ofQuestion = last.size - named.length;
  // Other objects get their places.
  last.keep('q', names.slice(2, 5), new Map());
  const others = samples.slice(0, 4).map((sample, index) => [`job-${index}`, sample] as const);
  last.keep('q', [], new Map(others));
  last.keep('q', [], new Map([named[3]!]));
  assert.deepEqual([...last.of('q')], [...named.slice(0, 2), ...named.slice(5), ...others, named[3]]);
  assert.equal(last.size - ofQuestion, 10);
  clock.jump(1_001);
  last.keep('q', [], new Map([named[4]!]));
  assert.deepEqual([[...last.of('q')], last.size - ofQuestion], [[named[4]], 1]);
});

test('heavy values count as several', () => {
  const last = new LastValues<number>(createFakeClock(), 1_000, (value) => value);
  last.keep('old', [], new Map([['a', 1]]));
  last.keep('large', [], new Map([['a', lastValueLimit - 10]]));
  last.keep('new', [], new Map([['a', 5]]));
  assert.deepEqual([last.of('old').size, last.of('large').size, last.of('new').size], [0, 0, 1]);
});

test('values are truncated to thousandths, and what no quantity can express is left out', () => {
  const of = (value: number | undefined, problem?: string) => {
    const measured = measure({ labels: new Map(), timestampMs: 5, value, problem });
    return measured.kind === 'sample' ? measured.sample.valueMilli : measured.reason;
  };
  assert.deepEqual(
    [1.9999, 1000, -1.5, 0.0004, 1.005, 1e15].map((value) => of(value)),
    [1999n, 1_000_000n, -1500n, 0n, 1004n, 10n ** 18n],
  );
  assert.deepEqual(
    [NaN, Infinity, -Infinity, 1e16, 2 ** 63 / 1000].map((value) => of(value)),
    ['not-a-number', 'infinite', 'infinite', 'too-large', 'too-large'],
  );
  assert.deepEqual([of(undefined, 'a native histogram'), of(undefined, 'null')], ['histogram', 'malformed']);
});

test('series become their distinct shapes, in one order whatever the order of the answer', () => {
  const series = [
    { __name__: 'b', pod: '1', job: 'x' },
    { __name__: 'a', pod: '1' },
    { pod: '3', __name__: 'b', job: 'y' },
    { __name__: 'b' },
  ];
  const fold = (order: typeof series) => {
    const shapes = createShapeFold();
    for (const labels of order) shapes.add(labels);
    return shapes.result();
  };
  assert.deepEqual(fold(series).shapes, [
    { name: 'a', labels: ['pod'] },
    { name: 'b', labels: [] },
    { name: 'b', labels: ['job', 'pod'] },
  ]);
  assert.deepEqual(fold(series.toReversed()), fold(series));
});

test('more shapes than the limit are refused', () => {
  const fold = createShapeFold();
  for (let index = 0; index < shapeLimit; index += 1) fold.add({ __name__: String(index) });
  fold.add({ __name__: '1' });
  assert.throws(() => fold.add({ __name__: 'one more' }), /more than 20000 combinations of metric and label names/);
});

test('the memory of shapes is bounded whatever names an engine sends', () => {
  const addMany = (labelsOf: (index: number) => Record<string, string>) => () => {
    const fold = createShapeFold();
    for (let index = 0; index < shapeLimit; index += 1) fold.add(labelsOf(index));
  };
  const labels = (count: number, nameOf: (index: number) => string) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [nameOf(index), 'x']));
  const common = labels(60, (index) => `label_${index}`);
  assert.throws(
    addMany((index) => ({ __name__: String(index), ...common })),
    /more than 400000 labels/,
  );
  assert.throws(
    addMany((index) => ({ ...labels(3, (each) => `label_${index}_${each}`) })),
    /more than 20000 names of labels/,
  );
  assert.throws(
    addMany((index) => ({ __name__: `${'n'.repeat(1_000)}${index}` })),
    /more than 8388608 characters/,
  );
});
