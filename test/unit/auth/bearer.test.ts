import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bearerToken, bearerWarning } from '../../../src/auth/bearer.ts';

describe('the bearer token', () => {
  const check = (header: string, token: string | undefined) =>
    void test(JSON.stringify(header), () => assert.equal(bearerToken(['Authorization', header]), token));
  check('Bearer abc', 'abc');
  check('bEARER abc', 'abc');
  check('  Bearer abc  ', 'abc');
  check('Bearer abc def ghi', 'abc');
  check('Bearer ', undefined);
  check('Bearer', undefined);
  check('', undefined);
  check('Bearer\tabc', undefined);
  check('Basic dXNlcjpwYXNz', undefined);
  check('Bearer  abc', undefined);

  test('is read from the first Authorization line', () => {
    assert.equal(bearerToken(['authorization', 'Bearer a', 'Authorization', 'Bearer b']), 'a');
    assert.equal(bearerToken(['Accept', 'Authorization']), undefined);
  });
});

describe('the warning about a bearer token', () => {
  const check = (header: string, warned: boolean) =>
    void test(JSON.stringify(header), () =>
      assert.equal(bearerWarning(['Authorization', header]) !== undefined, warned),
    );
  check('Bearer  abc', true);
  check('Bearer   abc', true);
  check('Bearer abc', false);
  check('Bearer ', false);
  check('Basic  abc', false);
});

test('a token from any Authorization header has no space and is part of the header', () => {
  fc.assert(
    fc.property(fc.string(), (rest) => {
      const token = bearerToken(['Authorization', `Bearer ${rest}`]);
      assert.ok(token === undefined || (token !== '' && !token.includes(' ') && rest.includes(token)));
    }),
  );
});

test('any token without a space in it is found, however the scheme is written and whatever follows', () => {
  const scheme = fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }).map((isUpper) =>
    'bearer'
      .split('')
      .map((letter, index) => (isUpper[index] === true ? letter.toUpperCase() : letter))
      .join(''),
  );
  const visible = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
  });
  const blanks = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 });
  fc.assert(
    fc.property(blanks, scheme, visible, fc.array(visible), blanks, (before, name, token, rest, after) => {
      const header = `${before}${[name, token, ...rest].join(' ')}${after}`;
      assert.equal(bearerToken(['authorization', header]), token);
      assert.equal(bearerWarning(['authorization', header]), undefined);
    }),
  );
});

test('any bytes in the header are read without an error', () => {
  const latin1 = fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1'));
  fc.assert(
    fc.property(fc.constantFrom('', 'Bearer ', 'bearer'), latin1, (scheme, bytes) => {
      const lines = ['authorization', scheme + bytes];
      assert.ok(bearerToken(lines) !== '');
      bearerWarning(lines);
    }),
  );
});
