import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createRefusals,
  recentMs,
  type Refusals,
  variantLimit,
  variantsPerNetwork,
} from '../../../src/auth/refusals.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createRecordingLog } from '../../fakes/recordinglog.ts';

function setUp() {
  const clock = createFakeClock();
  const { log, lines } = createRecordingLog();
  return { clock, lines, refusals: createRefusals(clock, log) };
}

describe('refusals', () => {
  test('are logged once per cause and minute', () => {
    const { clock, lines, refusals } = setUp();
    for (let at = 0; at < 100; at += 1) refusals.refused({ code: 'TokenInvalid', reason: `reason ${at}` });
    refusals.refused({ code: 'TokenReviewFailed', reason: 'connection refused' });
    assert.deepEqual(lines, [
      'info: refused: a bearer token is not valid',
      'warn: refused: TokenReviews by kube-apiserver fail',
    ]);
    clock.jump(59_999);
    refusals.refused({ code: 'TokenInvalid', reason: 'again' });
    assert.equal(lines.length, 2);
    clock.jump(1);
    refusals.refused({ code: 'TokenInvalid', reason: 'again' });
    assert.equal(lines.length, 3);
  });

  test('are kept for five minutes, with their number', () => {
    const { clock, refusals } = setUp();
    refusals.refused({ code: 'TokenInvalid', reason: 'first' });
    clock.jump(1_000);
    refusals.refused({ code: 'TokenInvalid', reason: 'second' });
    refusals.refused({ code: 'AccessReviewFailed', reason: 'down' });
    const [latest, older] = refusals.recent().toSorted((a, b) => a.code.localeCompare(b.code));
    assert.deepEqual(
      [latest?.code, latest?.isTrouble, older?.code, older?.isTrouble],
      ['AccessReviewFailed', true, 'TokenInvalid', false],
    );
    assert.deepEqual([older?.reason, older?.requests], ['second', 2]);
    assert.equal((older?.lastMs ?? 0) - (older?.sinceMs ?? 0), 1_000);
    clock.jump(recentMs);
    assert.deepEqual(refusals.recent(), []);
  });

  test('of many variants make a limited number of lines and entries', () => {
    const { lines, refusals } = setUp();
    for (let at = 0; at < 1_000; at += 1) {
      refusals.refused({ code: 'UserDenied', reason: `user ${at}`, variant: `user ${at}` });
    }
    assert.equal(lines.length, variantLimit + 1);
    const recent = refusals.recent();
    assert.equal(recent.length, variantLimit + 1);
    assert.equal(
      recent.reduce((sum, { requests }) => sum + requests, 0),
      1_000,
    );
  });

  describe('of one client with many certificates', () => {
    const reject = (refusals: Refusals, variant: string, address: string) =>
      refusals.refused({ code: 'ClientCertificate', reason: variant, variant, address });
    const reasonsOf = (refusals: Refusals) => refusals.recent().map(({ reason }) => reason);

    test('leave an entry to every other client', () => {
      const { lines, refusals } = setUp();
      for (let at = 0; at < 100; at += 1) reject(refusals, `made up ${at}`, `2001:db8::${at.toString(16)}`);
      reject(refusals, 'expired', '10.0.0.1');
      assert.ok(reasonsOf(refusals).includes('expired'));
      // Those with a place, those without, and the other client's.
      assert.equal(lines.length, variantsPerNetwork + 2);
    });

    test('are evicted until every network has an entry', () => {
      const { refusals } = setUp();
      const networks = variantLimit / variantsPerNetwork;
      for (let at = 0; at < networks * 10; at += 1) reject(refusals, `made up ${at}`, `10.0.1.${at % networks}`);
      for (let at = 0; at < networks; at += 1) reject(refusals, `expired ${at}`, `10.0.0.${at}`);
      const reasons = reasonsOf(refusals);
      for (let at = 0; at < networks; at += 1) assert.ok(reasons.includes(`expired ${at}`), String(reasons));
      const requests = refusals.recent().reduce((sum, refusal) => sum + refusal.requests, 0);
      assert.equal(requests, networks * 11);
    });

    test('never displace the refusals of a client that was authenticated, in any order', () => {
      for (const isFirst of [true, false]) {
        const { refusals } = setUp();
        refusals.authenticated('10.0.0.1');
        if (isFirst) reject(refusals, 'expired', '10.0.0.1');
        for (let at = 0; at < 1_000; at += 1) reject(refusals, `made up ${at}`, `2001:db8:0:${at.toString(16)}::1`);
        if (!isFirst) reject(refusals, 'expired', '10.0.0.1');
        assert.ok(reasonsOf(refusals).includes('expired'), String(isFirst));
        assert.equal(refusals.recent().length, variantLimit + 1);
      }
    });
  });

  test('truncate foreign text and escape its control characters', () => {
    const { refusals } = setUp();
    refusals.refused({ code: 'TokenInvalid', reason: `\u001b[2J\u009b${'x'.repeat(5_000)}` });
    const reason = refusals.recent()[0]?.reason ?? '';
    assert.match(reason, /^\\x1b\[2J\\x9bx+\.\.\.$/);
    assert.ok(reason.length < 1_100);
  });
});
