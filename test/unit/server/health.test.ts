import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HealthCheck, reportHealth } from '../../../src/server/health.ts';

const good: HealthCheck = { name: 'ping', problem: () => undefined };
const bad: HealthCheck = { name: 'metric-storage-ready', problem: () => 'no usage yet' };

const plainly = { verbose: false, excluded: [], maySeeReasons: undefined };

test('all well is two bytes', async () => {
  assert.deepEqual(await reportHealth('/readyz', [good], plainly), { ok: true, text: 'ok' });
});

test('verbose names every check', async () => {
  const { text } = await reportHealth('/livez', [good], { ...plainly, verbose: true });
  assert.equal(text, '[+]ping ok\nlivez check passed\n');
});

test('something wrong is always told, and why not', async () => {
  assert.deepEqual(await reportHealth('/readyz', [good, bad], plainly), {
    ok: false,
    text: '[+]ping ok\n[-]metric-storage-ready failed: reason withheld\nreadyz check failed\n',
  });
});

test('why is told to who may see it, who is only asked for when there is something to see', async () => {
  const mayNot = async () => false;
  assert.match((await reportHealth('/readyz', [bad], { ...plainly, maySeeReasons: mayNot })).text, /reason withheld/);
  const may = async () => true;
  assert.match(
    (await reportHealth('/readyz', [bad], { ...plainly, maySeeReasons: may })).text,
    /failed: no usage yet\n/,
  );
  const neverAsked = async () => assert.fail('asked in vain');
  await reportHealth('/readyz', [good], { ...plainly, verbose: true, maySeeReasons: neverAsked });
});

test('excluded checks count as well', async () => {
  const excluded = ['metric-storage-ready', 'zzz', 'ping', 'yyy', 'zzz'];
  const { ok, text } = await reportHealth('/readyz', [good, bad], { ...plainly, verbose: true, excluded });
  assert.equal(ok, true);
  assert.equal(
    text,
    '[+]ping excluded: ok\n[+]metric-storage-ready excluded: ok\n' +
      'warn: some health checks cannot be excluded: no matches for "yyy","zzz"\nreadyz check passed\n',
  );
});

test('of very many unknown names some are repeated, each cut, and the rest are counted', async () => {
  const excluded = Array.from({ length: 1000 }, (_, index) => `n${String(index).padStart(4, '0')}${'x'.repeat(2000)}`);
  const { text } = await reportHealth('/livez', [good], { ...plainly, verbose: true, excluded });
  assert.match(text, /"n0000x{1019}\.\.\.",.*"n0015x{1019}\.\.\." and 984 more\n/);
});
