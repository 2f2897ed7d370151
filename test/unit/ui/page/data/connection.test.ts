import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerError, answerErrorOf, requestTimeoutMs } from '../../../../../src/ui/page/data/connection.js';
import { readTimeoutMs } from '../../../../../src/ui/limits.ts';

test('the page waits longer than the server, which says what is slow: otherwise each slow cluster is a lost connection', () => {
  assert.ok(requestTimeoutMs >= readTimeoutMs + 5_000);
});

test('a failure of the page itself is an error to show, beside those of the server', () => {
  const denied = new AnswerError(403, 'cannot list pods', undefined);
  assert.equal(answerErrorOf(denied), denied);
  const { status, message, remedy } = answerErrorOf(new TypeError('items is not iterable'));
  assert.deepEqual([status, message], [500, 'this page cannot use the answer: items is not iterable']);
  assert.match(remedy ?? '', /reload/);
});
