/** The fast path writes matched samples into the sink's table, and passes on only what the table cannot take. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DelimitedReader } from '../../../src/exposition/protobufreader.ts';
import { noSampleMs, type SampleSink } from '../../../src/exposition/sample.ts';
import { SeriesMatcher } from '../../../src/exposition/seriesmatcher.ts';
import { encodeDelimited, type Family } from '../../fakes/exposition.ts';

const names = ['a', 'b'];
const timestampMs = 1_795_377_600_000;

function familyOf(name: string, values: Readonly<Record<string, number>>): Family {
  const samples = Object.entries(values).map(([id, value]) => ({
    labels: { id },
    value,
    timestampMs: timestampMs + value,
  }));
  return { name, help: '', type: 'gauge', samples };
}

class Table implements SampleSink {
  readonly numbers = { width: 2, values: new Float64Array(4), times: new Float64Array(4).fill(noSampleMs) };
  readonly added: string[] = [];
  readonly columns: readonly number[];
  #rows = 0;

  constructor(columns: readonly number[]) {
    this.columns = columns;
  }

  visit(): number {
    return this.#rows++;
  }

  add(row: number, { family, value }: { readonly family: number; readonly value: number }): void {
    this.added.push(`${names[family]} ${row} ${value}`);
    // As where it has to grow.
    this.numbers.values = this.numbers.values.slice();
    this.numbers.times = this.numbers.times.slice();
  }

  needsValue(): boolean {
    return true;
  }
}

/** Returns a sink that has seen these bodies; the first one is visited. */
function read(sink: Table, ...bodies: readonly (readonly Family[])[]): Table {
  const matcher = new SeriesMatcher({ label: 'id', detail: 'cpu' }, names.length);
  for (const body of bodies) {
    const reader = new DelimitedReader(names, sink, { matcher });
    reader.write(encodeDelimited(body));
    reader.end();
  }
  return sink;
}

test('samples are written to the empty places of their rows and columns', () => {
  const { numbers, added } = read(
    new Table([1]),
    [familyOf('a', { '/1': 1, '/2': 2 })],
    [familyOf('a', { '/1': 3, '/2': 4 })],
  );
  assert.deepEqual([...numbers.values], [0, 3, 0, 4]);
  assert.deepEqual([...numbers.times], [noSampleMs, timestampMs + 3, noSampleMs, timestampMs + 4]);
  assert.deepEqual(added, []);
});

test('samples of a family without a column, and of rows beyond the table, are passed on', () => {
  const of = (value: number) => [familyOf('a', { '/1': value, '/2': value, '/3': value })];
  assert.deepEqual(read(new Table([]), of(1), of(2)).added, ['a 0 2', 'a 1 2', 'a 2 2']);
  assert.deepEqual(read(new Table([0]), of(1), of(2)).added, ['a 2 2']);
});

test('a sample whose place is taken is passed on, and later ones are written to the arrays that are there then', () => {
  const sink = new Table([0]);
  sink.numbers.times[0] = timestampMs;
  const { added, numbers } = read(
    sink,
    [familyOf('a', { '/1': 1, '/2': 1, '/3': 1 })],
    [familyOf('a', { '/1': 2, '/2': 3 })],
  );
  assert.deepEqual(added, ['a 0 2']);
  assert.equal(numbers.values[2], 3);
});
