import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FleetSize, workerCount } from '../../../../../src/scrape/endpoint/workers/workercount.ts';

const rules = { setting: 'auto', resolutionMs: 15_000, cores: 8 } as const;

describe('--scrape-workers=auto', () => {
  const check = (what: string, fleet: FleetSize, other: Partial<typeof rules> | { cores: number }, expected: number) =>
    test(what, () => assert.equal(workerCount({ ...rules, ...other }, fleet), expected));
  check('no nodes yet: none', { nodes: 0, full: 0 }, {}, 0);
  check('1,000 nodes that filter: none', { nodes: 1_000, full: 0 }, {}, 0);
  check('1,200 of them: one', { nodes: 1_200, full: 0 }, {}, 1);
  check('5,000 of them: still one', { nodes: 5_000, full: 0 }, {}, 1);
  check('80 older ones: none', { nodes: 80, full: 80 }, {}, 0);
  check('90 older ones: one', { nodes: 90, full: 90 }, {}, 1);
  check('some of each: their sum', { nodes: 650, full: 45 }, {}, 1);
  check('5,000 older ones: as many as it takes', { nodes: 5_000, full: 5_000 }, {}, 3);
  check('... but the main thread has a core, too', { nodes: 5_000, full: 5_000 }, { cores: 3 }, 2);
  check('... and on a single core one has to do', { nodes: 5_000, full: 5_000 }, { cores: 1 }, 1);
});

test('a number is used as it is, for any cluster and machine', () => {
  for (const setting of [0, 1, 7]) {
    assert.equal(workerCount({ ...rules, setting }, { nodes: 0, full: 0 }), setting);
    assert.equal(workerCount({ ...rules, setting, cores: 1 }, { nodes: 5_000, full: 5_000 }), setting);
  }
});

test('a shorter scrape interval needs fewer nodes for a worker', () => {
  const fleet = { nodes: 900, full: 0 };
  assert.equal(workerCount(rules, fleet), 0);
  assert.equal(workerCount({ ...rules, resolutionMs: 10_000 }, fleet), 1);
});
