/** Golden values are from the Go libraries. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { formatBinary, formatDecimalNano, parseQuantity } from '../../../src/apimachinery/quantity.ts';

describe('CPU in billionths of a core', () => {
  cpu(0, '0');
  cpu(1, '1n');
  cpu(99, '99n');
  cpu(400, '400n');
  cpu(999, '999n');
  cpu(1000, '1u');
  cpu(1001, '1001n');
  cpu(1500, '1500n');
  cpu(10000, '10u');
  cpu(123456, '123456n');
  cpu(1000000, '1m');
  cpu(1234567, '1234567n');
  cpu(1500000, '1500u');
  cpu(10000000, '10m');
  cpu(12345678, '12345678n');
  cpu(100000000, '100m');
  cpu(123456789, '123456789n');
  cpu(1000000000, '1');
  cpu(1500000000, '1500m');
  cpu(2345476401, '2345476401n');
  cpu(10000000000, '10');
  cpu(1000000000000, '1k');
  // The largest that both a JavaScript number and Go's int64 can hold.
  cpu(9223372036854774784, '9223372036854774784n');
});

describe('memory in bytes', () => {
  memory(0, '0');
  memory(1, '1');
  memory(512, '512');
  memory(999, '999');
  memory(1000, '1k');
  memory(1023, '1023');
  memory(1024, '1Ki');
  memory(1025, '1025');
  memory(1536, '1536');
  memory(2048, '2Ki');
  memory(10240, '10Ki');
  memory(5000000, '5000000');
  memory(12640256, '12344Ki');
  memory(1048576, '1Mi');
  memory(104857600, '100Mi');
  memory(1000000000, '1000000000');
  memory(1073741824, '1Gi');
  memory(1073741825, '1073741825');
  memory(3221225472, '3Gi');
  memory(8589935104, '8589935104');
  memory(1099511627776, '1Ti');
  memory(1125899906842624, '1Pi');
  memory(1152921504606846976, '1Ei');
  memory(9223372036854774784, '9007199254740991Ki');
});

describe('any amount', () => {
  const amounts = fc.oneof(
    fc.maxSafeNat(),
    fc.integer({ min: 0, max: 4096 }),
    fc.integer({ min: 0, max: 2 ** 40 }).map((n) => n * 1000),
  );

  test('of CPU is parsed as it was formatted', () => {
    fc.assert(fc.property(amounts, (amount) => assert.equal(valueOf(formatDecimalNano(amount), -9), BigInt(amount))));
  });

  test('of memory is parsed as it was formatted', () => {
    fc.assert(fc.property(amounts, (amount) => assert.equal(valueOf(formatBinary(amount), 0), BigInt(amount))));
  });
});

function cpu(nanocores: number, text: string): void {
  test(`${nanocores} is ${text}`, () => assert.equal(formatDecimalNano(nanocores), text));
}

function memory(bytes: number, text: string): void {
  test(`${bytes} is ${text}`, () => assert.equal(formatBinary(bytes), text));
}

/** Value of a quantity in units of ten to the given power. */
function valueOf(text: string, unitExponent: number): bigint {
  const [, digits = '', suffix = ''] = /^(\d+)(.*)$/.exec(text) ?? [];
  const power = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].indexOf(suffix);
  if (power > 0) return BigInt(digits) * 1024n ** BigInt(power);
  const exponent = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'].indexOf(suffix) * 3 - 9;
  return BigInt(digits) * 10n ** BigInt(exponent - unitExponent);
}

describe('a quantity as a number', () => {
  const values: readonly (readonly [string, number | undefined])[] = [
    ['0', 0],
    ['250m', 0.25],
    ['24998015n', 0.024998015],
    ['1500u', 0.0015],
    ['.5', 0.5],
    ['1.5Gi', 1.5 * 1024 ** 3],
    ['12344Ki', 12_344 * 1024],
    ['2k', 2000],
    ['1e3', 1000],
    ['1E', 1e18],
    ['1E3', 1000],
    ['-3', -3],
    ['', undefined],
    ['Mi', undefined],
    ['1 Gi', undefined],
    ['1KiB', undefined],
    ['0x10', undefined],
  ];
  for (const [text, number] of values) {
    test(`${text || 'nothing'} is ${number}`, () => {
      const parsed = parseQuantity(text);
      if (number === undefined) assert.equal(parsed, undefined);
      else assert.ok(Math.abs((parsed ?? Number.NaN) - number) <= Math.abs(number) * 1e-12, `${parsed}`);
    });
  }
  test('nanocores are the nearest number, which prints without noise', () => {
    assert.equal(parseQuantity('1997215655n'), 1.997215655);
    assert.equal(parseQuantity('767934500n'), 0.7679345);
  });
  test('what is formatted is parsed back', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (whole) => {
        assert.equal(parseQuantity(formatBinary(whole)), whole);
        assert.ok(Math.abs((parseQuantity(formatDecimalNano(whole)) ?? 0) * 1e9 - whole) <= whole * 1e-12);
      }),
    );
  });
});
