import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summarise } from '../../../src/view/summary.ts';
import { nodeView } from '../../fakes/clusterview.ts';

test('a summary has the age of the oldest usage, of 300,000 nodes, too', () => {
  const nowMs = Date.parse('2026-11-22T20:01:00Z');
  const nodes = Array.from({ length: 300_000 }, () => nodeView('node'));
  const { timestampMs: _, ...without } = nodeView('silent');
  const read = { problems: [], isMeasured: true, keeper: undefined, nowMs };
  assert.equal(summarise({ ...read, nodes: [...nodes, without] }).ageSeconds, 60);
  assert.equal(summarise({ ...read, nodes: [without] }).ageSeconds, undefined);
});
