import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RingColumn } from '../../../src/history/ringcolumn.ts';

const length = 12;
const index = fc.nat(length - 1);
const offset = fc.constantFrom(0, 1, 32_640, 65_280);

/** Most numbers fit into one byte, so that a column is narrow for some time; others are of all sizes. */
const valuesOf = (of: number) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 0, max: 255 }).map((value) => (value === 0 ? 0 : of + value)) },
    { weight: 1, arbitrary: fc.constantFrom(0, 1, of, of + 256, 65_535).map((value) => Math.min(value, 65_535)) },
    { weight: 1, arbitrary: fc.nat(65_535) },
  );

const write = (column: RingColumn, writes: readonly (readonly [number, number])[]) => {
  const naive = new Uint16Array(length);
  for (const [at, value] of writes) {
    column.set(at, value);
    naive[at] = value;
  }
  return naive;
};

const contentOf = (column: RingColumn) => {
  const content = new Uint16Array(length);
  column.read(0, content);
  return content;
};

test('a column returns the numbers that were written, whatever their size', () => {
  const writes = offset.chain((of) => fc.tuple(fc.constant(of), fc.array(fc.tuple(index, valuesOf(of)))));
  fc.assert(
    fc.property(writes, ([of, each]) => {
      const column = new RingColumn(length, of);
      const naive = write(column, each);
      assert.deepEqual(contentOf(column), naive);
      assert.deepEqual(
        Array.from(naive, (_, at) => column.get(at)),
        [...naive],
      );
    }),
  );
});

test('a copy has the numbers of the other column, where either is wide', () => {
  const writes = offset.chain((of) => {
    const each = fc.array(fc.tuple(index, valuesOf(of)));
    return fc.tuple(fc.constant(of), each, each);
  });
  fc.assert(
    fc.property(writes, index, index, fc.nat(length), ([of, before, theirs], first, to, most) => {
      const count = Math.min(most, length - first, length - to);
      const [column, from] = [new RingColumn(length, of), new RingColumn(length, of)];
      const naive = write(column, before);
      naive.set(write(from, theirs).subarray(first, first + count), to);
      column.copy(from, first, count, to);
      assert.deepEqual(contentOf(column), naive);
      column.write(to, contentOf(from).subarray(first, first + count));
      assert.deepEqual(contentOf(column), naive);
    }),
    { numRuns: 2_000 },
  );
});
