import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBatch } from '../../../src/sample/batch.ts';
import { updateRows, createRows, fitsRow, newestMs, readRow, writeRow } from '../../../src/storage/rows.ts';
import type { SamplePair } from '../../../src/storage/samplepair.ts';

const last = { timestampMs: 20_000, cpuSeconds: 2, memoryBytes: 1_000 };
const base = { timestampMs: 10_000, cpuSeconds: 1 };

test('a row holds two plain samples or a single one, and nothing that says more', () => {
  const fits: readonly SamplePair[] = [
    { last, base },
    { last, base: 'one-sample' },
  ];
  const doesNotFit: readonly SamplePair[] = [
    { last, base: 'restarted' },
    { last, base, rival: last },
    { last, base, lacksValue: true },
    { last: { ...last, memoryBytes: Number.NaN }, base },
    { last: { ...last, rawTimestampMs: 1 }, base },
    { last: { ...last, isUntimed: true }, base },
    { last, base: { ...base, rawTimestampMs: 1 } },
  ];
  assert.deepEqual(fits.map(fitsRow), [true, true]);
  assert.deepEqual([...new Set(doesNotFit.map(fitsRow))], [false]);
});

test('the newest sample of a pod is that of its freshest container, whichever comes last', () => {
  const rows = createRows(2);
  writeRow(rows, 0, { last, base });
  writeRow(rows, 1, { last: { ...last, timestampMs: 15_000 }, base });
  assert.equal(newestMs(rows, 0, 2), 20_000);
});

test('the same sample again changes nothing in a row', () => {
  const point = { ...last, name: 'app', containerId: 'id', startTimeMs: undefined };
  const pods = [{ namespace: 'shop', name: 'web', uid: 'uid', containers: [point] }];
  const { numbers } = toBatch({ node: 'node-a', source: 'cadvisor', hasSwap: undefined, machine: undefined, pods });
  const rows = createRows(2);
  writeRow(rows, 1, { last: point, base });
  const before = readRow(rows, 1, point);
  const limits = { mostCores: 4, mostMemoryBytes: 1e9, longestWindowMs: 300_000, stalenessMs: 45_000 };
  assert.equal(updateRows(rows, 1, 1, numbers, limits, 60_000), 0);
  assert.deepEqual(readRow(rows, 1, point), before);
});

test('an interval that is too long to be possible does not hide the others of its pod', () => {
  const at = (timestampMs: number, name: string) => ({ ...last, timestampMs, name, containerId: name, startTimeMs: 0 });
  const containers = [at(20_000, 'app'), at(20_000, 'side')];
  const pods = [{ namespace: 'shop', name: 'web', uid: 'uid', containers }];
  const { numbers } = toBatch({ node: 'node-a', source: 'cadvisor', hasSwap: undefined, machine: undefined, pods });
  const rows = createRows(3);
  writeRow(rows, 1, { last: at(-30_000, 'app'), base: 'one-sample' });
  writeRow(rows, 2, { last: at(5_000, 'side'), base: 'one-sample' });
  const limits = { mostCores: 4, mostMemoryBytes: 1e9, longestWindowMs: 300_000, stalenessMs: 45_000 };
  assert.equal(updateRows(rows, 1, 2, numbers, limits, 30_000), 15_000);
});
