import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { type ClockReading, type ClockStep, clockStep, mayPrecede, readClock } from '../../../src/sample/clockstep.ts';

const epochMs = 1_795_377_600_000;
/** A Date header has whole seconds. */
const dateOf = (ms: number) => Math.floor(ms / 1000) * 1000;

interface Response {
  /** Of our clock since the previous request. */
  readonly afterMs: number;
  /** From the request to the Date header, and from that to us. */
  readonly thereMs: number;
  readonly backMs: number;
  /** The age of the newest sample. */
  readonly ageMs: number;
}

/** Requests never overlap. */
const response: fc.Arbitrary<Response> = fc
  .record({
    pauseMs: fc.integer({ min: 0, max: 60_000 }),
    thereMs: fc.oneof(fc.nat(300), fc.nat(8_000)),
    backMs: fc.oneof(fc.nat(50), fc.nat(8_000)),
    ageMs: fc.nat(30_000),
  })
  .map(({ pauseMs, ...rest }) => ({ ...rest, afterMs: pauseMs + 16_000 }));

const quickResponse: fc.Arbitrary<Response> = fc.record({
  afterMs: fc.integer({ min: 250, max: 3_000 }),
  thereMs: fc.nat(150),
  backMs: fc.nat(50),
  ageMs: fc.nat(5_000),
});

/** Reads a node's clock, which `nodeMs` gives for a time of ours; `has` says whether responses have a Date header. */
function createReader(nodeMs: (ourMs: number) => number, has: 'Date' | 'no Date') {
  let sentMs = 5_000;
  let sampledMs = -Infinity;
  let writtenMs = -Infinity;
  let reading: ClockReading | undefined;
  return ({ afterMs, thereMs, backMs, ageMs }: Response): ClockStep | undefined => {
    sentMs += afterMs;
    const atMs = nodeMs(sentMs + thereMs);
    const times = { sentMs, receivedMs: sentMs + thereMs + backMs };
    // A sample that the previous response could have had, it has had.
    if (sentMs + thereMs - ageMs > writtenMs) sampledMs = sentMs + thereMs - ageMs;
    writtenMs = sentMs + thereMs;
    const previous = reading;
    reading = readClock(has === 'Date' ? dateOf(atMs) : undefined, nodeMs(sampledMs), times, previous);
    return previous && clockStep(previous, reading);
  };
}

describe('a step of a clock', () => {
  for (const has of ['Date', 'no Date'] as const) {
    test(`is not seen in a clock that is only slewed, however responses are delayed, with ${has} header`, () => {
      fc.assert(
        fc.property(
          fc.double({ min: -1 / 12, max: 1 / 12, noNaN: true }),
          fc.nat(999),
          fc.array(fc.oneof(response, quickResponse), { maxLength: 40 }),
          (slew, fraction, responses) => {
            const read = createReader((ourMs) => epochMs + fraction + ourMs * (1 + slew), has);
            for (const each of responses) assert.equal(read(each), undefined);
          },
        ),
      );
    });
  }

  test('of 4 s or more is seen in quick responses 15 s apart, in both directions, whatever the fractions of their seconds', () => {
    const quick = fc.record({
      afterMs: fc.constant(15_000),
      thereMs: fc.nat(150),
      backMs: fc.nat(50),
      ageMs: fc.nat(5_000),
    });
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 4_000, max: 300_000 }), fc.integer({ min: -300_000, max: -4_000 })),
        fc.nat(999),
        fc.tuple(quick, quick, quick),
        (stepMs, fraction, [first, second, third]) => {
          let setMs = 0;
          const read = createReader((ourMs) => epochMs + fraction + ourMs + setMs, 'Date');
          assert.equal(read(first), undefined);
          setMs = stepMs;
          assert.notEqual(read(second), undefined, 'at the first response after it');
          assert.equal(read(third), undefined, 'and not again');
        },
      ),
    );
  });

  test('ahead by 30 s or more is seen in fresh samples where responses have no Date header', () => {
    const fresh = { afterMs: 15_000, thereMs: 100, backMs: 10, ageMs: 1_000 };
    for (const stepMs of [30_000, 120_000]) {
      let setMs = 0;
      const read = createReader((ourMs) => epochMs + ourMs + setMs, 'no Date');
      for (let scrape = 0; scrape < 3; scrape += 1) assert.equal(read(fresh), undefined);
      setMs = stepMs;
      assert.notEqual(read(fresh), undefined);
    }
  });

  test('may come after any sample that was taken between the two responses before it', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 20_000, max: 300_000 }), fc.integer({ min: -300_000, max: -20_000 })),
        response,
        response,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (stepMs, first, second, share) => {
          let setMs = 0;
          const read = createReader((ourMs) => epochMs + ourMs + setMs, 'Date');
          read(first);
          const beganMs = 5_000 + first.afterMs + first.thereMs;
          setMs = stepMs;
          const step = read(second);
          // Delays may hide a step.
          if (step === undefined) return;
          const endedMs = 5_000 + first.afterMs + second.afterMs + second.thereMs;
          assert.ok(mayPrecede(step, epochMs + beganMs + share * (endedMs - beganMs), true));
        },
      ),
    );
  });

  test('comes before a sample with a time that the clock did not have before it', () => {
    const step = { earliestMs: 100_000, latestMs: 116_000 };
    assert.equal(mayPrecede(step, 116_001, false), false);
    assert.equal(mayPrecede(step, 99_999, true), false);
    assert.equal(mayPrecede(step, 99_999, false), true);
  });
});
