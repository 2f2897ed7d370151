import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Labels } from '../../../src/apimachinery/labels.ts';
import { createLabelSets } from '../../../src/cluster/labelsets.ts';
import { createCollect } from '../../bench/heap.ts';

describe('sets of labels', () => {
  test('are the same object if and only if they are equal, in any order', () => {
    const text = fc.constantFrom('', 'a', 'b', 'ab', 'ba');
    const entries = fc.uniqueArray(fc.tuple(text, text), { maxLength: 3, selector: ([key]) => key });
    fc.assert(
      fc.property(fc.array(entries, { maxLength: 40 }), (all) => {
        const sets = createLabelSets();
        const shared = new Map<string, Labels>();
        for (const each of all) {
          const set = sets.share(new Map(each));
          assert.deepEqual(set, new Map(each));
          const text = JSON.stringify(each.toSorted(([a], [b]) => (a < b ? -1 : 1)));
          assert.equal(shared.get(text) ?? set, set);
          shared.set(text, set);
        }
        assert.equal(new Set(shared.values()).size, shared.size);
      }),
    );
  });

  test('that are not used any more are removed', async () => {
    const collect = createCollect();
    const sets = createLabelSets();
    const kept = sets.share(labelled('kept'));
    for (let round = 0; round < 10; round += 1) {
      for (let index = 0; index < 1000; index += 1) sets.share(labelled(`${round}-${index}`));
      // Until then what was looked at stays.
      await turn();
      collect();
    }
    assert.ok(sets.size < 2100, `${sets.size} of 10,001 are still there`);
    assert.equal(sets.share(labelled('kept')), kept);
  });

  test('that have the same hash by design are not all searched', () => {
    const sets = createLabelSets();
    // Their values differ, but the polynomial of 31 is the same for Aa and BB.
    const alike = (index: number) => index.toString(2).padStart(6, '0').replaceAll('0', 'Aa').replaceAll('1', 'BB');
    const shared = Array.from({ length: 64 }, (_, index) => sets.share(labelled(alike(index))));
    assert.equal(sets.size, 8);
    assert.equal(sets.share(labelled(alike(0))), shared[0]);
    assert.deepEqual(sets.share(labelled(alike(63))), shared[63]);
  });
});

function labelled(app: string): Labels {
  return new Map([
    ['app', app],
    ['tier', 'front'],
  ]);
}
