import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseInt64 } from '../../../src/apimachinery/integer.ts';

describe('a 64-bit integer', () => {
  check('0', 0n);
  check('-0', 0n);
  check('+7', 7n);
  check('007', 7n);
  check(`${'0'.repeat(100)}5`, 5n);
  check('9223372036854775807', 9223372036854775807n);
  check('9223372036854775808', undefined);
  check('-9223372036854775808', -9223372036854775808n);
  check('-9223372036854775809', undefined);
  check('', undefined);
  check('-', undefined);
  check('1.5', undefined);
  check(' 1', undefined);
  check('1_0', undefined);
  check('0x1', undefined);
});

test('any whole number of 64 bits is parsed, with leading zeros, too', () => {
  const sign = fc.constantFrom('', '+');
  const whole = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
  );
  fc.assert(
    fc.property(whole, fc.nat(30), sign, (value, zeros, plus) => {
      const digits = '0'.repeat(zeros) + String(value < 0n ? -value : value);
      const isHeld = value >= -(2n ** 63n) && value < 2n ** 63n;
      assert.equal(parseInt64((value < 0n ? '-' : plus) + digits), isHeld ? value : undefined);
    }),
  );
});

test('any text but a sign and digits is undefined', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('1', '0', '-', '+', '.', ' ', 'e', '_') }));
  fc.assert(
    fc.property(
      text.filter((each) => !/^[-+]?[0-9]+$/.test(each)),
      (each) => assert.equal(parseInt64(each), undefined),
    ),
  );
});

function check(text: string, value: bigint | undefined): void {
  test(`${JSON.stringify(text)} is ${value}`, () => assert.equal(parseInt64(text), value));
}
