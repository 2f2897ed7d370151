import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RowNumbers } from '../../../src/decode/rownumbers.ts';
import { quantities, scrapedColumn } from '../../../src/sample/quantities.ts';

const width = quantities.length;

describe('a number beyond the width of a row', () => {
  const sample = { value: 7, timestampMs: 1 };

  for (const column of [width, width + 1, 1_000, Number.NaN]) {
    test(`is refused and not written into another row: column ${column}`, () => {
      const numbers = new RowNumbers(2);
      assert.throws(() => numbers.add(0, column, sample), RangeError);
      assert.equal(numbers.isAnySeen(1), false);
      assert.throws(() => numbers.readings(0).at(column), RangeError);
    });
  }

  test('is not seen, though the next row has one', () => {
    const numbers = new RowNumbers(2);
    numbers.add(1, scrapedColumn.firstGauge, sample);
    assert.equal(numbers.isSeen(0, width + scrapedColumn.firstGauge), false);
  });
});
