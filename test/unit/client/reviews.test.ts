import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StatusError } from '../../../src/apimachinery/status.ts';
import { isBrokenConnection, isUnreachable } from '../../../src/client/connectionerrors.ts';
import { retryWaitMs } from '../../../src/client/reviews.ts';

const status = (code: number, retryAfterSeconds?: number) =>
  new StatusError('InternalError', 'no', {
    code,
    ...(retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } }),
  });
const failed = (code: string) => new Error('POST failed', { cause: Object.assign(new Error(code), { code }) });

describe('the wait before the next try', () => {
  test("is Retry-After's, within the time of the review", () => {
    assert.equal(retryWaitMs(status(429, 3), 1, 9_000, false), 3_000);
    assert.equal(retryWaitMs(status(503, 3), 1, 9_000, false), 3_000);
    // A second is left for the last try.
    assert.equal(retryWaitMs(status(429, 3_600), 1, 9_000, false), 8_000);
    assert.equal(retryWaitMs(status(429, 3_600), 2, 1_000, false), undefined);
    assert.ok((retryWaitMs(status(503, 0), 1, 9_000, false) ?? 0) >= 200);
    assert.ok((retryWaitMs(status(429), 1, 9_000, false) ?? 0) >= 1_000);
  });

  for (const code of [
    'ECONNREFUSED',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EHOSTDOWN',
    'ENETDOWN',
    'EADDRNOTAVAIL',
    'EAI_AGAIN',
    'UND_ERR_CONNECT_TIMEOUT',
    'ERR_NAME_LOOKUP',
  ]) {
    test(`is a second at most after ${code}, until the review's time is over`, () => {
      const error = failed(code);
      assert.ok(isUnreachable(error) && !isBrokenConnection(error));
      assert.ok((retryWaitMs(error, 1, 9_000, false) ?? 0) >= 200);
      for (const tries of [5, 10, 100]) assert.ok((retryWaitMs(error, tries, 9_000, false) ?? Infinity) <= 1_200);
      assert.equal(retryWaitMs(error, 10, 1_000, false), undefined);
    });
  }

  for (const code of ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET', 'HPE_INVALID_EOF_STATE']) {
    test(`is none the first time after ${code}, and the fifth try is the last`, () => {
      assert.equal(retryWaitMs(failed(code), 1, 9_000, false), 0);
      assert.ok((retryWaitMs(failed(code), 2, 9_000, false) ?? 0) >= 300);
      assert.equal(retryWaitMs(failed(code), 5, 9_000, false), undefined);
    });
  }

  test('follows each of the errors of a connection that was tried at several addresses', () => {
    const error = new AggregateError([failed('EHOSTUNREACH'), failed('ECONNREFUSED')], 'all failed');
    assert.ok(isUnreachable(new Error('POST failed', { cause: error })));
  });

  test('is none for other statuses, nor for 401 and 403 unless the server has just started', () => {
    for (const code of [400, 404, 409, 422]) assert.equal(retryWaitMs(status(code), 1, 9_000, true), undefined);
    for (const code of [401, 403]) {
      assert.equal(retryWaitMs(status(code), 1, 9_000, false), undefined);
      assert.ok((retryWaitMs(status(code), 1, 9_000, true) ?? 0) >= 200);
    }
    assert.equal(retryWaitMs(failed('ENOTFOUND'), 1, 9_000, false), undefined);
    assert.equal(retryWaitMs(failed('DEPTH_ZERO_SELF_SIGNED_CERT'), 1, 9_000, false), undefined);
  });
});
