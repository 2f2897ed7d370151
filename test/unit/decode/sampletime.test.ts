import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerTime, sampleTime } from '../../../src/decode/sampletime.ts';

const dateMs = Date.UTC(2026, 10, 29);
const hourMs = 3_600_000;
const yearOneMs = -62_135_596_800_000;

describe('the time of a sample', () => {
  const answer = answerTime(dateMs, dateMs + 77, dateMs + 500);

  test('is what the kubelet wrote, up to a few seconds ahead of its Date', () => {
    for (const ms of [dateMs, dateMs - 30_000, dateMs - 23 * hourMs, dateMs + 5_000]) {
      assert.deepEqual(sampleTime(ms, answer), { timestampMs: ms });
    }
  });

  test("is the response's if the kubelet wrote one in the future, and what it wrote is kept", () => {
    assert.deepEqual(sampleTime(dateMs + 60_000, answer), { timestampMs: dateMs, rawTimestampMs: dateMs + 60_000 });
  });

  test('is ours if the kubelet wrote none', () => {
    for (const none of [Number.NaN, 0]) {
      assert.deepEqual(sampleTime(none, answer), { timestampMs: dateMs + 500, isUntimed: true });
    }
  });

  test('is refused if it cannot be true beside the Date of its response', () => {
    const impossible = [1, -1, yearOneMs, dateMs - 25 * hourMs, 2 ** 64 + yearOneMs, 2 ** 53, Infinity, -Infinity];
    for (const ms of impossible) assert.equal(sampleTime(ms, answer), undefined, `${ms}`);
  });

  test('is believed on a node whose clock is in 1970', () => {
    const past = answerTime(2 * hourMs, dateMs);
    assert.deepEqual(sampleTime(2 * hourMs - 3_000, past), { timestampMs: 2 * hourMs - 3_000 });
    assert.deepEqual(sampleTime(dateMs, past), { timestampMs: 2 * hourMs, rawTimestampMs: dateMs });
    assert.equal(sampleTime(yearOneMs, past), undefined);
  });

  test('is believed without a Date if it is old: our clock may be wrong', () => {
    const undated = answerTime(undefined, dateMs);
    assert.deepEqual(sampleTime(2 * hourMs, undated), { timestampMs: 2 * hourMs });
    assert.deepEqual(sampleTime(dateMs + hourMs, undated), { timestampMs: dateMs, rawTimestampMs: dateMs + hourMs });
    assert.equal(sampleTime(yearOneMs, undated), undefined);
  });
});
