import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cadvisorFamilies } from '../../../src/decode/cadvisor/cadvisor.ts';
import { checkFamilies, rowFamilies, RowNumbers } from '../../../src/decode/rownumbers.ts';

const ofRows = cadvisorFamilies.slice(0, Object.keys(rowFamilies).length);
const apart = ['container_scrape_error', 'machine_swap_bytes'];
const added = 'container_memory_rss';

test('the families of rows are at their places', () => {
  checkFamilies(cadvisorFamilies, ofRows, apart);
});

for (const [where, index] of [
  ['first', 0],
  ['among those of rows', 2],
  ['behind those of rows', 4],
  ['last', cadvisorFamilies.length],
] as const) {
  test(`a family that is only added to the list, ${where}, is refused by name`, () => {
    const families = cadvisorFamilies.toSpliced(index, 0, added);
    assert.throws(() => checkFamilies(families, ofRows, apart), /container_memory_rss has no place in a row/);
  });
}

describe('a number beyond the width of a row', () => {
  const sample = { value: 7, timestampMs: 1 };

  for (const family of [4, 6, 7, 1_000, Number.NaN]) {
    test(`is refused and not written into another row: family ${family}`, () => {
      const numbers = new RowNumbers(2);
      assert.throws(() => numbers.add(0, family, sample), RangeError);
      assert.equal(numbers.isAnySeen(1), false);
    });
  }

  test('is not seen, though the next row has one', () => {
    const numbers = new RowNumbers(2);
    numbers.add(1, rowFamilies.swap, sample);
    assert.equal(numbers.isSeen(0, 4 + rowFamilies.swap), false);
  });
});
