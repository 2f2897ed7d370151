import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { followLineages, type Lineage } from '../../../../src/decode/resource/lineage.ts';

/** The generations of the last scrape's counters, in their order. */
const generationsAfter = (...scrapes: readonly (readonly number[])[]): number[] =>
  scrapes
    .reduce<readonly Lineage[]>((before, counters) => followLineages(before, counters), [])
    .map(({ generation }) => generation);

describe('lines with equal labels', () => {
  const check = (name: string, scrapes: readonly (readonly number[])[], expected: readonly number[]) =>
    test(name, () => assert.deepEqual(generationsAfter(...scrapes), expected));
  check('that are new: the lower counter is the later one', [[900, 20]], [0, 1]);
  check('and so in any order', [[20, 900]], [1, 0]);
  check(
    'keep their generation while they grow',
    [
      [900, 20],
      [905, 25],
      [30, 910],
    ],
    [1, 0],
  );
  check(
    'also where the later one overtakes one that stands still',
    [
      [30, 20],
      [25, 30],
      [30, 40],
    ],
    [0, 1],
  );
  check(
    'a new one comes last',
    [
      [900, 20],
      [905, 1, 25],
    ],
    [0, 2, 1],
  );
  check('where one goes, the other stays what it is', [[900, 20], [25]], [1]);
  check('and so does the one that is older', [[900, 20], [905]], [0]);
});

test('counters that do not cross keep their generations, whatever their order and how they grow', () => {
  const growth = fc.tuple(fc.nat(400), fc.nat(400), fc.boolean());
  fc.assert(
    fc.property(fc.array(growth, { minLength: 1, maxLength: 10 }), (steps) => {
      let [high, low] = [10_000, 1];
      let before = followLineages([], [high, low]);
      for (const [ofHigh, ofLow, swapped] of steps) {
        high += ofHigh;
        low += ofLow;
        const counters = swapped ? [low, high] : [high, low];
        before = followLineages(before, counters);
        assert.deepEqual(
          before.map(({ generation }) => generation),
          swapped ? [1, 0] : [0, 1],
        );
      }
    }),
  );
});
