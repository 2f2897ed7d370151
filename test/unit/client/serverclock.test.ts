import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createServerClock } from '../../../src/client/serverclock.ts';
import { createFakeClock } from '../../fakes/clock.ts';

test("the server's clock follows the Date of its last valid response", () => {
  const clock = createFakeClock(Date.parse('2026-11-22T20:00:00Z'));
  const server = createServerClock(clock);
  assert.equal(server.aheadMs(), 0);
  server.onDate('Sun, 22 Nov 2026 21:00:00 GMT');
  assert.equal(server.aheadMs(), 3_600_000);
  for (const bad of [undefined, '', 'yesterday', ['Sun, 22 Nov 2026 22:00:00 GMT', 'Sun, 22 Nov 2026 22:00:00 GMT']])
    server.onDate(bad);
  assert.equal(server.aheadMs(), 3_600_000);
  server.onDate('Sun, 22 Nov 2026 19:59:58 GMT');
  assert.equal(server.aheadMs(), -2_000);
});
