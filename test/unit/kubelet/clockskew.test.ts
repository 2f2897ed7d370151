import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explainClockSkew } from '../../../src/kubelet/clockskew.ts';

const nowMs = Date.parse('2026-11-22T21:54:00.000Z');

describe('the clock of a node', () => {
  const check = (name: string, dateMs: number, expected: RegExp | undefined, tookMs = 0) =>
    test(name, () => {
      const told = explainClockSkew('node-a', dateMs, { askedMs: nowMs - tookMs, answeredMs: nowMs });
      if (expected === undefined) assert.equal(told, undefined);
      else assert.match(told?.what ?? '', expected);
    });
  check('that agrees is not told of', nowMs, undefined);
  check('may be 5 s ahead', nowMs + 5_000, undefined);
  check('is told of from then on', nowMs + 6_000, /^the clock of node node-a is at least 6 s ahead of ours$/);
  check('may be 5 s behind, and within its second', nowMs - 6_000, undefined);
  check('is told of when it is further behind', nowMs - 7_000, /at least 6 s behind ours$/);
  check('gets the benefit of the doubt when the answer took long', nowMs - 12_000, undefined, 8_000);
});

test('the remedy is NTP', () => {
  const told = explainClockSkew('node-a', nowMs + 60_000, { askedMs: nowMs, answeredMs: nowMs });
  assert.equal(told?.code, 'ClockSkew');
  assert.match(told?.remedy ?? '', /NTP/);
});
