import assert from 'node:assert/strict';
import { test } from 'node:test';
import { weighExternalSample } from '../../../src/prometheussource/externalsource.ts';
import { sampleBytes } from '../../../src/prometheussource/lastvalues.ts';

const sampleWith = (labels: readonly (readonly [string, string])[]) => ({
  timestampMs: 0,
  valueMilli: 1n,
  labels: new Map(labels),
});

test('the weight of an external sample counts its labels as well as their text', () => {
  const usual = [
    ['__name__', 'queue_depth'],
    ['namespace', 'shop'],
    ['queue', 'orders'],
    ['instance', '10.0.0.1:9090'],
  ] as const;
  assert.equal(weighExternalSample(sampleWith(usual)), 3);
  // As many fit into one sample of an answer; they take 460 KB.
  const tiny = Array.from({ length: 9_000 }, (_, index) => [`a${index.toString(36)}`, ''] as const);
  const bytes = weighExternalSample(sampleWith(tiny)) * sampleBytes;
  assert.ok(bytes > 300_000, String(bytes));
});
