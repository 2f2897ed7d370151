import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HealthCheck, reportHealth } from '../../../src/server/health.ts';

const good: HealthCheck = { name: 'ping', problem: () => undefined };
const bad: HealthCheck = { name: 'metric-storage-ready', problem: () => 'no usage yet' };

test('all well is two bytes', () => {
  assert.deepEqual(reportHealth('/readyz', [good], false, []), { ok: true, text: 'ok' });
});

test('verbose names every check', () => {
  assert.equal(reportHealth('/livez', [good], true, []).text, '[+]ping ok\nlivez check passed\n');
});

test('something wrong is always told, and why never', () => {
  assert.deepEqual(reportHealth('/readyz', [good, bad], false, []), {
    ok: false,
    text: '[+]ping ok\n[-]metric-storage-ready failed: reason withheld\nreadyz check failed\n',
  });
});

test('an excluded check counts as well', () => {
  const { ok, text } = reportHealth('/readyz', [good, bad], true, ['metric-storage-ready', 'zzz']);
  assert.equal(ok, true);
  assert.equal(
    text,
    '[+]ping ok\n[+]metric-storage-ready excluded: ok\n' +
      'warn: some health checks cannot be excluded: no matches for "zzz"\nreadyz check passed\n',
  );
});
