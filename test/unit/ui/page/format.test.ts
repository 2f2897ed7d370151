import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markOf, oldSeconds as oldSecondsInTop } from '../../../../src/top/format.ts';
import {
  ageText,
  bytesText,
  compareNames,
  coresText,
  counted,
  countedOf,
  levelOf,
  oldSeconds,
  percentText,
  plainText,
  ratioOf,
  whyNoShare,
} from '../../../../src/ui/page/format.js';

test('cores are millicores below one core, and have three digits from there on', () => {
  const written = [0, 0.0004, 0.0006, 0.0123, 0.9364, 0.9996, 1.254, 9.994, 9.996, 12.54, 99.96, 1234.5].map(coresText);
  assert.deepEqual(written, ['0', '<1m', '1m', '12m', '936m', '1.00', '1.25', '9.99', '10.0', '12.5', '100', '1,235']);
});

test('bytes have three digits and the unit in which they are below 1,000', () => {
  const written = [0, 999, 1000, 1024, 180 * 2 ** 20, 999.6 * 2 ** 20, 3.354 * 2 ** 30, 2 ** 60].map(bytesText);
  assert.deepEqual(written, ['0 B', '999 B', '0.98 KiB', '1.00 KiB', '180 MiB', '0.98 GiB', '3.35 GiB', '1024 PiB']);
});

test('ages have one unit', () => {
  assert.deepEqual([0.2, 14.4, 99, 100, 3600, 7200, 200_000].map(ageText), [
    '0 s',
    '14 s',
    '99 s',
    '2 min',
    '60 min',
    '2 h',
    '2 d',
  ]);
});

test('ratios, counts and plain values are written as people read them', () => {
  assert.deepEqual([0.451, 12.5].map(percentText), ['45%', '1,250%']);
  assert.deepEqual([counted(1, 'pod'), counted(5000, 'pod')], ['1 pod', '5,000 pods']);
  assert.deepEqual([countedOf(2, 2, 'pod'), countedOf(1000, 5000, 'pod')], ['2 pods', '1,000 of 5,000 pods']);
  assert.deepEqual([88, 0.123_456, 12_345.6].map(plainText), ['88', '0.1235', '12,350']);
});

test('a ratio needs both numbers, and one that is not 0 to divide by', () => {
  assert.deepEqual(
    [ratioOf(1, 2), ratioOf(undefined, 2), ratioOf(1, undefined), ratioOf(1, 0)],
    [0.5, undefined, undefined, undefined],
  );
});

test('names are ordered by the numbers in them', () => {
  assert.deepEqual(['node-10', 'node-2', 'node-1'].toSorted(compareNames), ['node-1', 'node-2', 'node-10']);
});

test('a missing share names its cause: no bound, or no usage', () => {
  assert.equal(whyNoShare(1, undefined, 'CPU limit'), 'no CPU limit is set');
  assert.equal(whyNoShare(1, 0, 'CPU limit'), 'no CPU limit is set');
  assert.equal(whyNoShare(undefined, undefined, 'CPU limit', 'it has ended'), 'no CPU limit is set');
  assert.equal(whyNoShare(undefined, 1, 'CPU limit', 'it has ended'), 'it has ended');
  assert.equal(whyNoShare(undefined, 1, 'CPU limit'), 'no usage');
});

test('the page marks the ages and shares that top marks', () => {
  assert.equal(oldSeconds, oldSecondsInTop);
  const tones = { cool: 'plain', warm: 'warning', hot: 'bad' };
  const shares = [0, 0.74, 0.75, 0.89, 0.9, 2];
  assert.deepEqual(
    shares.map((share) => tones[levelOf(share)]),
    shares.map((share) => markOf(share).tone),
  );
});
