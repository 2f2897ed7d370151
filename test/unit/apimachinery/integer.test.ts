import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
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

function check(text: string, value: bigint | undefined): void {
  test(`${JSON.stringify(text)} is ${value}`, () => assert.equal(parseInt64(text), value));
}
