import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowAt, topsOf } from '../../../../../src/ui/page/parts/virtuallist.js';

test('rows begin where those above them end, with one height, several heights, and several items a row', () => {
  assert.deepEqual([...topsOf(['a', 'b', 'c'], 1, 34)], [0, 34, 68, 102]);
  assert.deepEqual([...topsOf([20, 50, 30], 1, (height) => height)], [0, 20, 70, 100]);
  assert.deepEqual([...topsOf(['a', 'b', 'c'], 2, 100)], [0, 100, 200]);
  assert.deepEqual([...topsOf([], 1, 34)], [0]);
});

test('the row at a height is the one that covers it, else the nearest', () => {
  const tops = topsOf([20, 50, 30], 1, (height) => height);
  const rows = [-1000, 0, 19, 20, 69, 70, 99, 100, 9999].map((y) => rowAt(tops, y));
  assert.deepEqual(rows, [0, 0, 0, 1, 1, 2, 2, 2, 2]);
  assert.equal(rowAt(topsOf([], 1, 34), 50), 0);
});
