import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createSortedList, type Named } from '../../../src/cluster/sortedlist.ts';

describe('a sorted list', () => {
  test('equals the sorted objects after any changes, and a list that was returned never changes', () => {
    const name = fc.integer({ min: 0, max: 60 }).map(String);
    const step = fc.record({ name, is: fc.constantFrom('set', 'deleted'), asked: fc.boolean() });
    fc.assert(
      fc.property(fc.array(name), fc.array(step, { maxLength: 80 }), (initial, steps) => {
        const objects = new Map<string, Named>(initial.map((each) => [each, { name: each }]));
        const sorted = createSortedList(() => objects);
        const handedOut: [list: readonly Named[], copy: readonly Named[]][] = [];
        for (const { name: changed, is, asked } of steps) {
          if (is === 'set') objects.set(changed, { name: changed });
          else objects.delete(changed);
          sorted.changed(changed);
          if (!asked) continue;
          const list = sorted.list();
          const expected = [...objects.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
          assert.equal(list.length, expected.length);
          for (const [index, object] of list.entries()) assert.equal(object, expected[index]);
          handedOut.push([list, [...list]]);
        }
        for (const [list, copy] of handedOut) assert.deepEqual(list, copy);
      }),
    );
  });

  test('is the same one until something changes', () => {
    const objects = new Map([['a', { name: 'a' }]]);
    const sorted = createSortedList(() => objects);
    assert.equal(sorted.list(), sorted.list());
  });

  test('is empty where there is nothing', () => {
    assert.deepEqual(createSortedList(() => undefined).list(), []);
  });
});
