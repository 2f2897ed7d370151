import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameCharacters, podBatches, podsPerQuery } from '../../../src/prometheussource/podbatches.ts';

const caller = { kind: 'user', name: 'alice' } as const;

/** @param counts pods by namespace. */
function batchesOf(counts: Readonly<Record<string, number>>, isWhole: boolean, mayJoin: boolean, name = 'web') {
  const objects = Object.entries(counts).flatMap(([namespace, count]) =>
    Array.from({ length: count }, (_, index) => ({ namespace, name: `${name}-${index}`, uid: '' })),
  );
  return podBatches({ objects, isWhole, caller }, mayJoin).map(({ pods, namespaces, names }) => [
    namespaces.join(),
    pods.length,
    names?.length,
  ]);
}

test('pods of all namespaces are asked for at once where the query allows it, and else by namespace', () => {
  assert.deepEqual(batchesOf({ a: 2, b: 3 }, true, true), [['a,b', 5, 3]]);
  assert.deepEqual(batchesOf({ a: 2, b: 3 }, true, false), [
    ['a', 2, 2],
    ['b', 3, 3],
  ]);
});

test('long lists of names are left out of the query for whole namespaces only', () => {
  const count = Math.ceil(nameCharacters / 5);
  assert.deepEqual(batchesOf({ a: count }, true, true), [['a', count, undefined]]);
  assert.deepEqual(batchesOf({ a: count }, false, true), [['a', count, count]]);
  assert.deepEqual(batchesOf({ a: count }, true, false), [['a', count, count]]);
});

test('no query asks for more pods than an answer may have', () => {
  assert.deepEqual(batchesOf({ a: podsPerQuery - 1, b: 2, c: 2 * podsPerQuery + 1, d: 1 }, true, true), [
    ['a', podsPerQuery - 1, undefined],
    ['c', podsPerQuery, podsPerQuery],
    ['c', podsPerQuery, podsPerQuery],
    ['c', 1, 1],
    ['b,d', 3, 2],
  ]);
});
