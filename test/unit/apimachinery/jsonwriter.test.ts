/** The writer's fast paths have the bytes of its slow paths: the functions that format one value as text. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatDuration } from '../../../src/apimachinery/duration.ts';
import { JsonWriter } from '../../../src/apimachinery/jsonwriter.ts';
import { formatTime, jsonText, quoteJson } from '../../../src/apimachinery/meta.ts';
import { formatBinary, formatDecimalNano } from '../../../src/apimachinery/quantity.ts';

/** One for all values, so that each meets what the writer caches of the previous ones. */
const writer = new JsonWriter();

function written(write: () => void): string {
  write();
  return writer.take().toString();
}

/** Whole numbers of all sizes, and those at the limits of the fast paths. */
const whole = fc.oneof(
  fc.nat(2_000_000),
  fc.maxSafeNat(),
  fc.constantFrom(0, 1, 999, 1000, 1001, 1023, 1024, 1025, 2 ** 31 - 1, 2 ** 31, 1e9, 1e9 + 1, 2 ** 53, 2 ** 60),
  fc.tuple(fc.nat(5_000), fc.constantFrom(1000, 1e6, 1e9, 1024, 2 ** 20, 2 ** 30)).map(([a, b]) => a * b),
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '<', '>', '&', '\n', '\u007f', '\u2028', '\u00e9', 'a'),
    maxLength: 10,
  }),
  fc.stringMatching(/^[a-z0-9.-]{1,20}$/),
);

describe('the writer writes', () => {
  const check = <T>(name: string, values: fc.Arbitrary<T>, write: (value: T) => void, expected: (value: T) => string) =>
    test(name, () => {
      fc.assert(
        fc.property(values, (value) =>
          assert.equal(
            written(() => write(value)),
            expected(value),
          ),
        ),
        { numRuns: 1_000 },
      );
    });

  check(
    'the content of a string as quoteJson',
    text,
    (value) => writer.content(value),
    (value) => quoteJson(value).slice(1, -1),
  );
  check('CPU as formatDecimalNano', whole, (value) => writer.decimalNano(value), formatDecimalNano);
  check('bytes as formatBinary', whole, (value) => writer.binary(value), formatBinary);
  check(
    'a duration as formatDuration',
    fc.oneof(
      fc.integer({ min: 0, max: 130_000 }),
      fc.constantFrom(999, 1000, 1001, 1010, 1100, 59_999, 60_000, Number.NaN, 1e300),
      fc.double({ min: -1e7, max: 1e7, noNaN: true }),
    ),
    (value) => writer.duration(value),
    formatDuration,
  );
  check(
    'a time as formatTime, on the day of the previous one and on another',
    fc.oneof(
      fc.integer({ min: -90_000, max: 90_000 }).map((ms) => Date.UTC(2026, 11, 31) + ms),
      fc.constantFrom(Number.NaN, -1, 0, 1e300),
      fc.double({ min: -1e15, max: 1e15, noNaN: true }),
    ),
    (value) => writer.time(value),
    formatTime,
  );
  check(
    'labels as encodeJson, whatever their order',
    fc.array(fc.tuple(text, text), { maxLength: 4 }).map((entries) => new Map(entries)),
    (value) => writer.labels(value),
    (value) => (value.size === 0 ? '' : `,"labels":${jsonText(value, '')}`),
  );
});

test('labels that follow themselves are written twice', () => {
  const labels = new Map([['app', 'web']]);
  const twice = written(() => {
    writer.labels(labels);
    writer.labels(labels);
  });
  assert.equal(twice, ',"labels":{"app":"web"},"labels":{"app":"web"}');
});
