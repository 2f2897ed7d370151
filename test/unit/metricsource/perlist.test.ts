import assert from 'node:assert/strict';
import { test } from 'node:test';
import { perList, perLists } from '../../../src/metricsource/perlist.ts';

test('a list is used once until it is another array, even an equal one', () => {
  let list = ['a'];
  const made = perList({ list: () => list }, (items) => ({ items }));
  const first = made();
  assert.deepEqual(first, { items: ['a'] });
  assert.equal(made(), first);
  list = ['a'];
  assert.notEqual(made(), first);
});

test('several lists are used again when one of them is another array', () => {
  const lists = [['a'], ['b']];
  const made = perLists(
    [0, 1].map((index) => ({ list: () => lists[index] ?? [] })),
    (all) => all.flat().join(' '),
  );
  assert.equal(made(), 'a b');
  lists[1] = ['c', 'd'];
  assert.equal(made(), 'a c d');
});

test('nothing is made before the first call, and undefined is made once', () => {
  let calls = 0;
  const list: readonly string[] = [];
  const made = perList({ list: () => list }, () => {
    calls += 1;
  });
  assert.equal(calls, 0);
  made();
  made();
  assert.equal(calls, 1);
});
