import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { faults } from '../../faults/faults.ts';
import type { Figures } from '../../faults/figures.ts';
import { readMeasured } from '../../faults/measured.ts';
import { faultTable } from '../../faults/table.ts';

const nothing: Figures = {
  ownAwaySeconds: 0.2,
  othersAwaySeconds: 0,
  othersOlderSeconds: 1,
  wrongSeconds: 0,
  notReadySeconds: 0,
  residentBeforeMegabytes: 50,
  residentPeakMegabytes: 60,
  residentAfterMegabytes: 60,
};

describe('what a fault has cost, in words', () => {
  const check = (words: string, figures: Partial<Figures>) =>
    test(words, () => {
      const row = faultTable([{ name: 'a fault', figures: { real: { ...nothing, ...figures }, ours: nothing } }]);
      assert.equal(row.split('\n').at(-1), `| a fault | ${words} | nothing |`);
    });
  check('nothing', {});
  check('away 9.8 s', { ownAwaySeconds: 9.8 });
  check("away 35 s, others' data 5.0 s older", { ownAwaySeconds: 35.2, othersOlderSeconds: 5 });
  check('away 20 s, others away 20 s, not ready 20 s', {
    ownAwaySeconds: 20,
    othersAwaySeconds: 20,
    notReadySeconds: 20,
  });
  check('wrong values 0.3 s', { wrongSeconds: 0.25 });
  check('666 MB more memory, of which 656 MB stayed', { residentPeakMegabytes: 716, residentAfterMegabytes: 706 });
});

test('where no node is faulty, what is away is everything', () => {
  const { ownAwaySeconds: _, ...wide } = { ...nothing, othersAwaySeconds: 12 };
  const row = faultTable([{ name: 'a restart', figures: { real: wide, ours: wide } }]);
  assert.match(row, /\| everything away 12 s \| everything away 12 s \|$/);
});

test('what docs/faults.md shows was measured with the faults that there are', () => {
  assert.deepEqual(
    readMeasured().rows.map(({ name }) => name),
    faults.map(({ name }) => name),
  );
});
