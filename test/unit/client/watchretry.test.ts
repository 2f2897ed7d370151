import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from '../../../src/client/watchretry.ts';

test('the first backoff is short and has jitter', () => {
  assert.equal(backoffMs(0, 0), 500);
  assert.equal(backoffMs(0, 0.5), 750);
});

test('the backoff doubles up to half a minute', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 100, 5000].map((tries) => backoffMs(tries, 0));
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});
