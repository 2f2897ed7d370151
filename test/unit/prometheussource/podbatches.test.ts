import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchBytesLimit, batchNameLimit } from '../../../src/prometheussource/namebatches.ts';
import { nameBatches, podBatches, type QueryForm } from '../../../src/prometheussource/podbatches.ts';

const caller = { kind: 'user', name: 'alice' } as const;

/** @param counts pods by namespace. */
function batchesOf(
  counts: Readonly<Record<string, number>>,
  isWhole: boolean,
  form: QueryForm,
  nameOf = (index: number) => `web-${index}`,
) {
  const objects = Object.entries(counts).flatMap(([namespace, count]) =>
    Array.from({ length: count }, (_, index) => ({ namespace, name: nameOf(index), uid: '' })),
  );
  const batches = [...podBatches({ objects, isWhole, caller }, form)];
  const asked = batches.flatMap(({ pods }) => pods);
  assert.equal(asked.length, objects.length);
  assert.deepEqual(new Set(asked), new Set(objects));
  return batches.map(({ pods, namespaces, names }) => [namespaces.join(), pods.length, names?.length]);
}

/** Four are too long for a query. */
const longName = (index: number) => `${index}`.repeat(Math.floor(batchBytesLimit / 3) - 10);
const sameName = () => 'web';

test('pods of all namespaces are asked for at once where the query allows it, and else by namespace', () => {
  assert.deepEqual(batchesOf({ a: 2, b: 3 }, true, 'joined'), [['a,b', 5, 3]]);
  for (const form of ['cut', 'whole'] as const) {
    assert.deepEqual(batchesOf({ a: 2, b: 3 }, true, form), [
      ['a', 2, 2],
      ['b', 3, 3],
    ]);
  }
});

test('long lists of names are left out of the query for whole namespaces only, and else cut', () => {
  assert.deepEqual(batchesOf({ a: 4 }, true, 'joined', longName), [['a', 4, undefined]]);
  const cut = [
    ['a', 3, 3],
    ['a', 1, 1],
  ];
  assert.deepEqual(batchesOf({ a: 4 }, false, 'joined', longName), cut);
  assert.deepEqual(batchesOf({ a: 4 }, true, 'cut', longName), cut);
  assert.deepEqual(batchesOf({ a: 4 }, true, 'whole', longName), [['a', 4, 4]]);
});

test('a query for pods of several namespaces is cut where one of them ends, or within it', () => {
  assert.deepEqual(batchesOf({ a: 2, b: 4 }, false, 'joined', longName), [
    ['a,b', 5, 3],
    ['b', 1, 1],
  ]);
});

test('names of namespaces count as those of pods do', () => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(Math.floor(batchBytesLimit / 3) - 10));
  const counts = Object.fromEntries([a, b, c, d].map((namespace) => [namespace, 1]));
  for (const isWhole of [true, false]) {
    assert.deepEqual(batchesOf(counts, isWhole, 'joined', sameName), [
      [`${a},${b},${c}`, 3, 1],
      [d, 1, 1],
    ]);
  }
});

test('no query asks for more pods than an answer may have', () => {
  const counts = { a: batchNameLimit - 1, b: 2, c: 2 * batchNameLimit + 1, d: 1 };
  assert.deepEqual(batchesOf(counts, true, 'joined', sameName), [
    ['a', batchNameLimit - 1, 1],
    ['c', batchNameLimit, 1],
    ['c', batchNameLimit, 1],
    ['c', 1, 1],
    ['b,d', 3, 1],
  ]);
});

test('no query has more names of nodes than an engine takes', () => {
  const names = Array.from({ length: 1_000 }, (_, index) => `ip-10-0-${index}.eu-west-1.compute.internal`);
  assert.deepEqual([...nameBatches(names, 'whole')], [names]);
  const batches = [...nameBatches(names, 'cut')];
  assert.deepEqual(batches.flat(), names);
  // Each dot is written as three bytes.
  for (const batch of batches) assert.ok(batch.join('|').replaceAll('.', '---').length <= batchBytesLimit);
  assert.ok(batches.length < 8);
});
