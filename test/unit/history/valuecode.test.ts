import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeValue, encodeValue, noValue } from '../../../src/history/valuecode.ts';

test('a value is kept within 0.5 % and half a unit, and 0 is 0', () => {
  assert.equal(decodeValue(encodeValue(0)), 0);
  const value = fc.oneof(fc.maxSafeNat(), fc.nat(5_000), fc.double({ min: 1, max: 5e17, noNaN: true }));
  fc.assert(
    fc.property(value, (is) => {
      const kept = decodeValue(encodeValue(is));
      assert.ok(Math.abs(kept - is) <= is * 0.005 + 0.5 + 1e-9, `${is} became ${kept}`);
    }),
    { numRuns: 5_000 },
  );
});

test('greater values are the greatest one, and no value has a code of its own', () => {
  assert.equal(encodeValue(2 ** 60), 4095);
  for (const value of [0, Number.NaN, -1, 0.2]) assert.notEqual(encodeValue(value), noValue);
});
