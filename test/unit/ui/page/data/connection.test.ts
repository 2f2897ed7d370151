import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestTimeoutMs } from '../../../../../src/ui/page/data/connection.js';
import { readTimeoutMs } from '../../../../../src/ui/limits.ts';

test('the page waits longer than the server, which says what is slow: otherwise each slow cluster is a lost connection', () => {
  assert.ok(requestTimeoutMs >= readTimeoutMs + 5_000);
});
