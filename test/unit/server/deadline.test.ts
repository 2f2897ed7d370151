import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { StatusError } from '../../../src/apimachinery/status.ts';
import { answerTimeoutMs } from '../../../src/server/deadline.ts';
import { requestInfo } from '../../../src/server/requestinfo.ts';

const nodes = '/apis/metrics.k8s.io/v1beta1/nodes';
const timeoutMs = (target: string) => {
  const info = requestInfo('GET', target);
  assert.ok(info);
  return answerTimeoutMs(info, 60_000);
};

describe('the time that a request may take', () => {
  const check = (target: string, ms: number) => test(`${target}: ${ms} ms`, () => assert.equal(timeoutMs(target), ms));
  check(nodes, 60_000);
  check('/x?timeout=2s', 2000);
  check('/x?timeout=32s', 32_000);
  check('/x?timeout=2h', 60_000);
  check('/x?timeout=0s', 60_000);
  check('/x?timeout=-5s', 60_000);
  check('/x?timeout=', 60_000);
  check(`${nodes}?watch=1&timeout=abc`, 60_000);
});

describe('an invalid timeout is refused in the words of Go', () => {
  const check = (text: string, problem: string) =>
    test(text, () =>
      assert.throws(() => timeoutMs(`/x?timeout=${encodeURIComponent(text)}`), {
        reason: 'BadRequest',
        message: `invalid timeout specified in the request URL - time: ${problem}`,
      }),
    );
  check('abc', 'invalid duration "abc"');
  check('"', 'invalid duration "\\""');
  check('-', 'invalid duration "-"');
  check('.s', 'invalid duration ".s"');
  check('1', 'missing unit in duration "1"');
  check('1h1', 'missing unit in duration "1h1"');
  check('1.2.3s', 'missing unit in duration "1.2.3s"');
  check('1x', 'unknown unit "x" in duration "1x"');
  check('1h1x', 'unknown unit "x" in duration "1h1x"');
  check('1hx', 'unknown unit "hx" in duration "1hx"');
  check('99999999999h', 'invalid duration "99999999999h"');
});

test('any timeout is parsed or refused with a reason', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        assert.ok(timeoutMs(`/x?timeout=${encodeURIComponent(text.toWellFormed())}`) > 0);
      } catch (error) {
        assert.ok(error instanceof StatusError && error.code === 400);
      }
    }),
  );
});
