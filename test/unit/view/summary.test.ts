import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headerLines } from '../../../src/top/frame.ts';
import { initialState } from '../../../src/top/state.ts';
import { summarise } from '../../../src/view/summary.ts';
import { nodeView } from '../../fakes/clusterview.ts';

test('a summary has the age of the oldest usage, of 300,000 nodes, too', () => {
  const nodes = Array.from({ length: 300_000 }, () => nodeView('node'));
  const { timestampMs: _, ...without } = nodeView('silent');
  const read = { problems: [], isMeasured: true, keeper: undefined };
  assert.equal(summarise({ ...read, nodes: [...nodes, without] }).timestampMs, nodeView('node').timestampMs);
  assert.equal(summarise({ ...read, nodes: [without] }).timestampMs, undefined);
});

test('what is used is a share of the nodes that have usage', () => {
  const node = (name: string, used?: number) =>
    nodeView(name, { cpu: { ...(used === undefined ? {} : { used }), allocatable: 4 }, memory: {} });
  const read = { problems: [], isMeasured: true, keeper: undefined };
  const part = summarise({ ...read, nodes: [node('a', 3), node('b')] });
  assert.deepEqual(part.cpu, { used: 3, allocatable: 8, allocatableWithUsage: 4 });
  const whole = summarise({ ...read, nodes: [node('a', 3), node('b', 1)] });
  assert.deepEqual(whole.cpu, { used: 4, allocatable: 8 });
  const state = initialState('nodes', {});
  const context = { nowMs: 0, trendOf: () => '' };
  const frame = { summary: part, url: '', problem: undefined, waitingSeconds: undefined, state, context };
  const lines = headerLines(frame, 80);
  assert.match(
    lines
      .flat()
      .map(({ text }) => text)
      .join(''),
    /3000m 75%\+ used, - requested, of 8000m/,
  );
});
