/** Golden values are from Go's time package. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { formatDuration, parseDuration } from '../../../src/apimachinery/duration.ts';

describe('a duration in nanoseconds is formatted', () => {
  writes(0, '0s');
  writes(1, '1ns');
  writes(999, '999ns');
  writes(1000, '1\u00b5s');
  writes(1500, '1.5\u00b5s');
  writes(1e6, '1ms');
  writes(1.5e6, '1.5ms');
  writes(9993e6, '9.993s');
  writes(1e10, '10s');
  writes(10005e6, '10.005s');
  writes(15050e6, '15.05s');
  writes(60e9, '1m0s');
  writes(61.5e9, '1m1.5s');
  writes(90e9, '1m30s');
  writes(3600e9, '1h0m0s');
  writes(3661000000001, '1h1m1.000000001s');
  writes(86400e9, '24h0m0s');
  writes(14999999999, '14.999999999s');
  writes(-5e9, '-5s');
});

describe('a duration is parsed', () => {
  reads('15s', 15_000);
  reads('1m30s', 90_000);
  reads('1.5h', 5_400_000);
  reads('100ms', 100);
  reads('0', 0);
  reads('-0', 0);
  reads('0s', 0);
  reads('+5s', 5000);
  reads('-1.5s', -1500);
  reads('.5s', 500);
  reads('1.s', 1000);
  reads('1us', 0.001);
  reads('1\u00b5s', 0.001);
  reads('1\u03bcs', 0.001);
  reads('1ns', 0.000001);
  reads('0.1ns', 0); // finer than Go counts
  reads('3s2s', 5000);
  reads('10s1h', 3_610_000);
  reads('15', undefined); // a unit is required
  reads('', undefined);
  reads('-', undefined);
  reads('.s', undefined);
  reads('s', undefined);
  reads('1 s', undefined);
  reads(' 1s', undefined);
  reads('1s ', undefined);
  reads('1S', undefined);
  reads('1d', undefined);
  reads('1e3s', undefined);
  reads('1,5s', undefined);
  reads('--1s', undefined);
  reads('1s-1s', undefined);
  reads('2562047h', 2_562_047 * 3_600_000);
  reads('2562048h', undefined); // more than Go can hold
  reads(`${'9'.repeat(400)}s`, undefined);
});

test('any whole number of milliseconds up to 50 days is parsed as it was formatted', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 32), max: 2 ** 32 }), (ms) =>
      assert.equal(parseDuration(formatDuration(ms)), ms),
    ),
  );
});

test('any duration of the grammar is the sum of its terms', () => {
  const nanoseconds = new Map([
    ['ns', 1n],
    ['us', 1_000n],
    ['\u00b5s', 1_000n],
    ['\u03bcs', 1_000n],
    ['ms', 1_000_000n],
    ['s', 1_000_000_000n],
    ['m', 60_000_000_000n],
    ['h', 3_600_000_000_000n],
  ]);
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'.split('')), maxLength: 4 });
  const term = fc
    .tuple(digits, fc.constantFrom('', '.'), digits, fc.constantFrom(...nanoseconds.keys()))
    .map(([whole, point, fraction, unit]) => ({ whole, point, fraction: point === '' ? '' : fraction, unit }))
    .filter(({ whole, fraction }) => whole + fraction !== '');
  fc.assert(
    fc.property(fc.constantFrom('', '+', '-'), fc.array(term, { minLength: 1, maxLength: 5 }), (sign, terms) => {
      const text = terms.map(({ whole, point, fraction, unit }) => whole + point + fraction + unit).join('');
      // Of each term, what is less than a nanosecond is cut off.
      const sum = terms
        .map(
          ({ whole, fraction, unit }) =>
            (BigInt(whole + fraction) * (nanoseconds.get(unit) ?? 0n)) / 10n ** BigInt(fraction.length),
        )
        .reduce((total, each) => total + each, 0n);
      const expectedMs = (Number(sum) / 1e6) * (sign === '-' && sum > 0n ? -1 : 1);
      const ms = parseDuration(sign + text);
      // Where a fraction has no exact double, Go loses a nanosecond too; years of milliseconds have no room for nanoseconds.
      const tolerance = (terms.length + 0.5) / 1e6 + Math.abs(expectedMs) * 2 ** -50;
      assert.ok(ms !== undefined && Math.abs(ms - expectedMs) <= tolerance, `${ms}, not ${expectedMs}`);
    }),
    { numRuns: 1000 },
  );
});

test('every formatted duration can be parsed by Go', () => {
  fc.assert(
    fc.property(fc.double(), (ms) => {
      const text = formatDuration(ms);
      assert.ok(parseDuration(text) !== undefined, text);
    }),
  );
  assert.equal(formatDuration(Infinity), '2540400h0m0s');
  assert.equal(formatDuration(-Infinity), '-2540400h0m0s');
  assert.equal(formatDuration(Number.NaN), '0s');
});

test('any text is parsed as a finite number or undefined', () => {
  const pieces = fc
    .array(fc.constantFrom('1', '.', '0', '-', 'ns', 'ms', 's', 'm', 'h', 'x', ' '))
    .map((list) => list.join(''));
  fc.assert(
    fc.property(fc.oneof(fc.string(), pieces), (text) => {
      const ms = parseDuration(text);
      assert.ok(ms === undefined || Number.isFinite(ms));
    }),
  );
});

function writes(ns: number, text: string): void {
  test(`${ns} as ${text}`, () => assert.equal(formatDuration(ns / 1e6), text));
}

function reads(text: string, ms: number | undefined): void {
  test(`${JSON.stringify(text)} as ${ms} ms`, () => assert.equal(parseDuration(text), ms));
}
