import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextSpacingMs } from '../../../src/storage/spacing.ts';

const resolutionMs = 10_000;
const before = { storedMs: 0, spacingMs: 100_000 };

test('a longer interval between samples is learned at once, and a shorter one slowly', () => {
  assert.equal(nextSpacingMs(before, 10_000, 20_000, resolutionMs), 80_000);
  assert.equal(nextSpacingMs(before, 10_000, 200_000, resolutionMs), 200_000);
});

test('the interval stays after a missed scrape, and without a new sample', () => {
  assert.equal(nextSpacingMs(before, 15_001, 200_000, resolutionMs), 100_000);
  assert.equal(nextSpacingMs(before, 10_000, 0, resolutionMs), 100_000);
  assert.equal(nextSpacingMs(undefined, 10_000, 20_000, resolutionMs), 0);
});

test('the interval is ten minutes at most, however far a clock has stepped', () => {
  assert.equal(nextSpacingMs(before, 10_000, 10_800_000, resolutionMs), 600_000);
});
