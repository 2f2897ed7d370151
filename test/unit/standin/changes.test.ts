import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { changesBetween } from '../../standin/changes.ts';
import type { Reading, SeenNode, SeenPod } from '../../standin/reading.ts';

const usage = { nanocores: 20_000_000, memoryBytes: 30 * 1024 ** 2, timestampMs: 0 };
const failure = { code: 'Timeout', sentence: 'no response within 10000 ms' };
const stale = { code: 'Stale', sentence: 'the last one is too old' };
const node: SeenNode = { name: 'node-1', ready: true, cores: 4, memoryBytes: 1, usage, reason: undefined };
const pod = (name: string, changed: Partial<SeenPod> = {}): SeenPod => ({
  name,
  node: 'node-1',
  restarts: 0,
  usage,
  reason: undefined,
  ...changed,
});
const reading = (nodes: readonly SeenNode[], pods: readonly SeenPod[] = []): Reading => ({ atMs: 0, nodes, pods });

describe('changes between two readings', () => {
  test('a node that fails, loses its usage and comes back is reported once for each', () => {
    const failing = { ...node, reason: failure };
    const lost = { ...failing, usage: undefined };
    const steps = [node, failing, failing, lost, lost, node, node];
    assert.deepEqual(
      steps.slice(1).map((each, index) => changesBetween(reading([steps[index] ?? node]), reading([each]))),
      [
        ['node-1 is failing, its last usage is kept: Timeout: no response within 10000 ms'],
        [],
        ['node-1 has no usage any more: Timeout: no response within 10000 ms'],
        [],
        ['node-1 is scraped again'],
        [],
      ],
    );
  });

  test('a pod that loses its usage is reported with the reason, and with its usage when it is back', () => {
    const lost = pod('jobs/leaky-0', { usage: undefined, reason: stale });
    const [before, after] = [reading([], [pod('jobs/leaky-0')]), reading([], [lost])];
    assert.deepEqual(changesBetween(before, after), ['jobs/leaky-0 has no usage: Stale: the last one is too old']);
    assert.deepEqual(changesBetween(after, after), []);
    assert.deepEqual(changesBetween(after, before), ['jobs/leaky-0 has usage: 20m, 30Mi']);
  });

  test('pods of one node that change for the same reason are one sentence', () => {
    const names = ['a/1', 'a/2', 'a/3'];
    const before = reading(
      [],
      names.map((name) => pod(name)),
    );
    const after = reading(
      [],
      names.map((name) => pod(name, { usage: undefined, reason: stale })),
    );
    assert.deepEqual(changesBetween(before, after), ['3 pods of node-1 have no usage: Stale: the last one is too old']);
    assert.deepEqual(changesBetween(after, before), ['3 pods of node-1 have usage']);
  });

  test('a new pod without usage is reported, an unchanged one is not', () => {
    const fresh = pod('a/new', { usage: undefined, reason: { code: 'NotReported', sentence: 'no kubelet has it' } });
    assert.deepEqual(changesBetween(reading([], [pod('a/1')]), reading([], [pod('a/1'), fresh])), [
      'a/new has no usage: NotReported: no kubelet has it',
    ]);
  });
});
