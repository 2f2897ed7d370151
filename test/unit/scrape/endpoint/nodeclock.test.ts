import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createNodeClock } from '../../../../src/scrape/endpoint/nodeclock.ts';

const epochMs = 1_795_377_600_000;
/** A Date header has whole seconds. */
const dateOf = (ms: number) => Math.floor(ms / 1000) * 1000;

test('intervals by the node clock differ from ours by at most one percent, for all fractions of a second in Date', () => {
  fc.assert(
    fc.property(
      fc.nat(999),
      fc.array(fc.integer({ min: 1_000, max: 60_000 }), { minLength: 1, maxLength: 50 }),
      (fraction, passed) => {
        const clock = createNodeClock();
        let nowMs = 5_000;
        let before = clock.at(dateOf(epochMs + fraction), nowMs);
        for (const ms of passed) {
          nowMs += ms;
          const nodeMs = epochMs + fraction + nowMs - 5_000;
          const at = clock.at(dateOf(nodeMs), nowMs);
          assert.ok(Math.abs(at - before - ms) <= ms / 100 + 0.001, `${at - before} ms instead of ${ms}`);
          assert.ok(Math.abs(at - nodeMs) <= 1_000, 'within the second that Date leaves open');
          before = at;
        }
      },
    ),
  );
});

test('a node clock that runs fast is followed slowly, and one that was set at once', () => {
  const clock = createNodeClock();
  const start = clock.at(epochMs, 0);
  let at = start;
  for (let nowMs = 15_000; nowMs <= 86_400_000; nowMs += 15_000) at = clock.at(dateOf(epochMs + nowMs * 1.001), nowMs);
  assert.ok(Math.abs(at - (epochMs + 86_400_000 * 1.001)) <= 1_000);
  assert.equal(clock.at(epochMs - 3_600_000, 86_415_000), epochMs - 3_600_000);
});
