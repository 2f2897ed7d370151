import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createWallPhase } from '../../../../src/scrape/schedule/wallphase.ts';
import { createFakeClock } from '../../../fakes/clock.ts';

const intervalMs = 15_000;
const longestShiftMs = 500;

/** Returns the wall time, within an interval, at which intervals begin. */
const phaseOf = (clock: ReturnType<typeof createFakeClock>, originMs: number): number =>
  (((clock.wallMs() - clock.monotonicMs() + originMs) % intervalMs) + intervalMs) % intervalMs;

describe('the phase of scrape intervals', () => {
  for (const startMs of [0, 1, 7_499, 7_500, 14_999, -1]) {
    test(`begins at a multiple of the interval when the process starts ${startMs} ms after one`, () => {
      const clock = createFakeClock(Date.parse('2026-11-22T20:00:00Z') + startMs);
      const phase = createWallPhase(clock, intervalMs, longestShiftMs);
      assert.equal(phaseOf(clock, phase.originMs()), 0);
      assert.ok(phase.originMs() <= 0 && phase.originMs() > -intervalMs);
      phase.follow();
      assert.equal(phaseOf(clock, phase.originMs()), 0);
    });
  }

  for (const [stepMs, shiftsMs] of [
    [300, [-300, 0]],
    [-300, [300, 0]],
    [1_200, [-500, -500, -200, 0]],
    [-1_200, [500, 500, 200, 0]],
    [3_600_000 + 700, [-500, -200, 0]],
    // The shorter way round.
    [14_000, [500, 500, 0]],
    [-14_000, [-500, -500, 0]],
  ] as const) {
    test(`follows a step of the wall clock by ${stepMs} ms over several intervals`, () => {
      const clock = createFakeClock();
      const phase = createWallPhase(clock, intervalMs, longestShiftMs);
      clock.stepWall(stepMs);
      const seen = shiftsMs.map(() => {
        const before = phase.originMs();
        clock.jump(intervalMs);
        phase.follow();
        return phase.originMs() - before;
      });
      assert.deepEqual(seen, shiftsMs);
      assert.equal(phaseOf(clock, phase.originMs()), 0);
    });
  }
});
