import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HealthCheck, reportHealth } from '../../../src/server/health.ts';

const good: HealthCheck = { name: 'ping', problem: () => undefined };
const bad: HealthCheck = {
  name: 'metric-storage-ready',
  problem: () => ({ code: 'NoUsageYet', text: 'no usage yet' }),
};

const plainly = { verbose: false, excluded: [], maySeeReasons: undefined };

test('a healthy report is two bytes', async () => {
  assert.deepEqual(await reportHealth('/readyz', [good], plainly), { ok: true, text: 'ok' });
});

test('a verbose report names every check', async () => {
  const { text } = await reportHealth('/livez', [good], { ...plainly, verbose: true });
  assert.equal(text, '[+]ping ok\nlivez check passed\n');
});

test('a failed check is always named, and its reason is withheld by default', async () => {
  assert.deepEqual(await reportHealth('/readyz', [good, bad], plainly), {
    ok: false,
    text: '[+]ping ok\n[-]metric-storage-ready failed: reason withheld\nreadyz check failed\n',
  });
});

test('reasons are shown to callers with the right, which is only checked when there is a reason', async () => {
  const mayNot = async () => false;
  assert.match((await reportHealth('/readyz', [bad], { ...plainly, maySeeReasons: mayNot })).text, /reason withheld/);
  const may = async () => true;
  assert.match(
    (await reportHealth('/readyz', [bad], { ...plainly, maySeeReasons: may })).text,
    /failed: no usage yet \(NoUsageYet: docs\/troubleshooting\.md#nousageyet\)\n/,
  );
  const neverAsked = async () => assert.fail('asked in vain');
  await reportHealth('/readyz', [good], { ...plainly, verbose: true, maySeeReasons: neverAsked });
});

test('an excluded check is reported as ok', async () => {
  const excluded = ['metric-storage-ready', 'zzz', 'ping', 'yyy', 'zzz'];
  const { ok, text } = await reportHealth('/readyz', [good, bad], { ...plainly, verbose: true, excluded });
  assert.equal(ok, true);
  assert.equal(
    text,
    '[+]ping excluded: ok\n[+]metric-storage-ready excluded: ok\n' +
      'warn: some health checks cannot be excluded: no matches for "yyy","zzz"\nreadyz check passed\n',
  );
});

test('a report repeats some unknown names, each cut, and counts the rest', async () => {
  const excluded = Array.from({ length: 1000 }, (_, index) => `n${String(index).padStart(4, '0')}${'x'.repeat(2000)}`);
  const { text } = await reportHealth('/livez', [good], { ...plainly, verbose: true, excluded });
  assert.match(text, /"n0000x{1019}\.\.\.",.*"n0015x{1019}\.\.\." and 984 more\n/);
});
