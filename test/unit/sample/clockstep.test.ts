import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { type ClockReading, type ClockStep, clockStep, mayPrecede, readClock } from '../../../src/sample/clockstep.ts';

const epochMs = 1_795_377_600_000;
/** A Date header has whole seconds. */
const dateOf = (ms: number) => Math.floor(ms / 1000) * 1000;

interface Response {
  /** Time on our clock since the previous request. */
  readonly afterMs: number;
  /** From the request to the Date header, and from that to us. */
  readonly thereMs: number;
  readonly backMs: number;
  /** The ages of the containers' samples. */
  readonly agesMs: readonly number[];
}

/** Ages of the samples of one container, or of five. */
function agesUpTo(mostMs: number): fc.Arbitrary<readonly number[]> {
  return fc.oneof(fc.tuple(fc.nat(mostMs)), fc.array(fc.nat(mostMs), { minLength: 5, maxLength: 5 }));
}

/** Requests never overlap. */
const response: fc.Arbitrary<Response> = fc
  .record({
    pauseMs: fc.integer({ min: 0, max: 60_000 }),
    thereMs: fc.oneof(fc.nat(300), fc.nat(8_000)),
    backMs: fc.oneof(fc.nat(50), fc.nat(8_000)),
    agesMs: agesUpTo(30_000),
  })
  .map(({ pauseMs, ...rest }) => ({ ...rest, afterMs: pauseMs + 16_000 }));

const quickResponse: fc.Arbitrary<Response> = fc.record({
  afterMs: fc.integer({ min: 250, max: 3_000 }),
  thereMs: fc.nat(150),
  backMs: fc.nat(50),
  agesMs: agesUpTo(5_000),
});

/** Reads a node's clock, which `nodeMs` gives for a time of ours; `has` says whether responses have a Date header. */
function createReader(nodeMs: (ourMs: number) => number, has: 'Date' | 'no Date') {
  let sentMs = 5_000;
  const sampledMs: number[] = [];
  let writtenMs = -Infinity;
  let reading: ClockReading | undefined;
  return ({ afterMs, thereMs, backMs, agesMs }: Response): ClockStep | undefined => {
    sentMs = Math.max(sentMs + afterMs, reading?.receivedMs ?? 0);
    const atMs = nodeMs(sentMs + thereMs);
    const times = { sentMs, receivedMs: sentMs + thereMs + backMs };
    let oldestNewMs = Infinity;
    sampledMs.length = Math.min(sampledMs.length, agesMs.length);
    for (const [container, ageMs] of agesMs.entries()) {
      const takenMs = sentMs + thereMs - ageMs;
      // A sample that the previous response could have had, it has had.
      if (takenMs <= writtenMs) continue;
      const previousMs = nodeMs(sampledMs[container] ?? Infinity);
      if (nodeMs(takenMs) > previousMs) oldestNewMs = Math.min(oldestNewMs, nodeMs(takenMs));
      sampledMs[container] = takenMs;
    }
    writtenMs = sentMs + thereMs;
    const newestMs = Math.max(...sampledMs.map(nodeMs));
    const previous = reading;
    const dateMs = has === 'Date' ? dateOf(atMs) : undefined;
    reading = readClock({ dateMs, ...times }, { newestMs, oldestNewMs }, previous);
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
      agesMs: agesUpTo(5_000),
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
    const fresh = { afterMs: 15_000, thereMs: 100, backMs: 10, agesMs: [1_000] };
    for (const stepMs of [30_000, 120_000]) {
      let setMs = 0;
      const read = createReader((ourMs) => epochMs + ourMs + setMs, 'no Date');
      for (let scrape = 0; scrape < 3; scrape += 1) assert.equal(read(fresh), undefined);
      setMs = stepMs;
      assert.notEqual(read(fresh), undefined);
    }
  });

  test('of 6 s or more is seen in 40 containers sampled each at another time where responses have no Date header', () => {
    const many = { afterMs: 15_000, thereMs: 100, backMs: 10 };
    // All are sampled again within 15 s; each response has ages from 0.1 s to 14.8 s.
    const agesMs = Array.from({ length: 40 }, (_, container) => 100 + container * 377);
    for (const stepMs of [6_000, 9_000, 14_000, 60_000, -6_000, -9_000, -14_000]) {
      let setMs = 0;
      let setAtMs = Infinity;
      const read = createReader((ourMs) => epochMs + ourMs + (ourMs >= setAtMs ? setMs : 0), 'no Date');
      for (let scrape = 0; scrape < 3; scrape += 1) assert.equal(read({ ...many, agesMs }), undefined);
      setMs = stepMs;
      // Right after the third response.
      setAtMs = 5_000 + 3 * 15_000 + 101;
      assert.notEqual(read({ ...many, agesMs }), undefined, `${stepMs} ms`);
    }
  });

  test('is not seen where a response without a Date header follows one with it', () => {
    const at = (sentMs: number) => ({ sentMs, receivedMs: sentMs + 20 });
    const dated = readClock({ dateMs: epochMs, ...at(0) }, { newestMs: -Infinity, oldestNewMs: Infinity }, undefined);
    // The newest sample was in the previous response, too.
    const newestMs = epochMs - 9_000;
    const current = readClock({ dateMs: undefined, ...at(15_000) }, { newestMs, oldestNewMs: Infinity }, dated);
    assert.equal(clockStep(dated, current), undefined);
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
