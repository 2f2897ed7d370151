import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeContinue, encodeContinue } from '../../../src/apimachinery/continuetoken.ts';

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a continue token', () => {
  test('names the position that it was made of', () => {
    const name = fc.stringMatching(/^[a-z0-9.-]{1,253}$/);
    fc.assert(
      fc.property(fc.option(name, { nil: '' }), name, (namespace, of) => {
        const token = encodeContinue({ namespace, name: of });
        assert.match(token, /^[\w-]+$/);
        assert.deepEqual(decodeContinue(token), { namespace, name: of });
      }),
    );
  });

  const refused = (name: string, token: string, message: RegExp) =>
    void test(`is refused with 400 if it ${name}`, () =>
      assert.throws(() => decodeContinue(token), { code: 400, reason: 'BadRequest', message }));
  refused(
    'is no base64',
    'ab+c',
    /^invalid continue token: continue key is not valid: illegal base64 data at input byte 2$/,
  );
  refused('was cut', 'abcde', /illegal base64 data at input byte 4$/);
  refused('is no JSON', Buffer.from('{"v":').toString('base64url'), /it is no JSON object$/);
  refused('is JSON, but no object', encoded(1), /it is no JSON object$/);
  refused('is null', encoded(null), /it is no JSON object$/);
  refused(
    "is kube-apiserver's",
    encoded({ v: 'meta.k8s.io/v1', rv: 5, start: 'a/b\0' }),
    /^invalid continue token: continue key is not valid: server does not recognize this encoded version "meta.k8s.io\/v1"$/,
  );
  refused('has no version', encoded({ start: 'a' }), /does not recognize this encoded version $/);
  refused('names nothing', encoded({ v: 'kubegauge/v1', start: '' }), /encoded start key empty$/);
  refused('names no text', encoded({ v: 'kubegauge/v1', start: ['a'] }), /encoded start key empty$/);
  for (const start of ['/b', 'a/', 'a/b/c', '/']) {
    refused(`names ${start}`, encoded({ v: 'kubegauge/v1', start }), /is not valid: "/);
  }
  refused('is long', 'a'.repeat(1025), /1025 characters, of at most 1024$/);
});
