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

  test('is that of the first line', () => {
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

test('any Authorization header: a token has no space and is part of the header', () => {
  fc.assert(
    fc.property(fc.string(), (rest) => {
      const token = bearerToken(['Authorization', `Bearer ${rest}`]);
      assert.ok(token === undefined || (token !== '' && !token.includes(' ') && rest.includes(token)));
    }),
  );
});
