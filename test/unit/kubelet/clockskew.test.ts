import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explainClockSkew } from '../../../src/kubelet/clockskew.ts';

const nowMs = Date.parse('2026-11-22T21:54:00.000Z');

describe('the clock of a node', () => {
  const check = (name: string, dateMs: number, expected: RegExp | undefined, tookMs = 0) =>
    test(name, () => {
      const explained = explainClockSkew('node-a', dateMs, { askedMs: nowMs - tookMs, answeredMs: nowMs });
      if (expected === undefined) assert.equal(explained, undefined);
      else assert.match(explained?.what ?? '', expected);
    });
  check('that agrees is not reported', nowMs, undefined);
  check('that is 5 s ahead is not reported', nowMs + 5_000, undefined);
  check('that is further ahead is reported', nowMs + 6_000, /^the clock of node node-a is at least 6 s ahead of ours$/);
  check('that is 5 s behind, and within its second, is not reported', nowMs - 6_000, undefined);
  check('that is further behind is reported', nowMs - 7_000, /at least 6 s behind ours$/);
  check('that may agree, since the response took long, is not reported', nowMs - 12_000, undefined, 8_000);
});

test('the remedy for a skewed clock is NTP', () => {
  const explained = explainClockSkew('node-a', nowMs + 60_000, { askedMs: nowMs, answeredMs: nowMs });
  assert.equal(explained?.code, 'ClockSkew');
  assert.match(explained?.remedy ?? '', /NTP/);
});
