import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readable } from '../../../src/doctor/check.ts';
import { UncheckedError } from '../../../src/doctor/uncheckederror.ts';

test('what cannot be read is replaced, but no mistake of the program is hidden', async () => {
  assert.equal(await readable(Promise.resolve(1), 2), 1);
  assert.equal(await readable(Promise.reject(new UncheckedError('/version', '403')), 2), 2);
  await assert.rejects(readable(Promise.reject(new TypeError('x is undefined')), 2), TypeError);
});
