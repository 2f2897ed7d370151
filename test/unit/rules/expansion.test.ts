import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expansionTest } from '../../../src/rules/expansion.ts';

test('a text may come from an expansion if it has the expansion text in order, without overlaps', () => {
  const may = (as: string, ...texts: readonly string[]) => texts.filter(expansionTest(as));
  assert.deepEqual(may('m', 'm', 'mm', ''), ['m']);
  assert.deepEqual(may('$0', 'm', ''), ['m', '']);
  assert.deepEqual(may('${1}_per_second', 'a_per_second', '_per_second', 'per_second', 'a_per_second_b'), [
    'a_per_second',
    '_per_second',
  ]);
  assert.deepEqual(may('ab${1}ba', 'abba', 'aba', 'abxba'), ['abba', 'abxba']);
  assert.deepEqual(may('a${1}b${2}c', 'abc', 'axbyc', 'acb', 'abxc'), ['abc', 'axbyc', 'abxc']);
  assert.deepEqual(may('a$$b$1', 'a$b', 'a$bc', 'ab'), ['a$b', 'a$bc']);
});
