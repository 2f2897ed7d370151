import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBatch } from '../../../src/sample/batch.ts';
import type { NodePoints } from '../../../src/sample/point.ts';

const point = { timestampMs: 1, cpuSeconds: 2, memoryBytes: 3 };

function pointsOf(containerId: string): NodePoints {
  const app = { ...point, name: 'app', containerId, startTimeMs: undefined };
  const pods = [{ namespace: 'shop', name: 'web', uid: 'uid', containers: [app] }];
  return { node: 'node-a', source: 'cadvisor', hasSwap: undefined, machine: point, pods };
}

test('a layout keeps its version while the same containers are there, and no other layout has it', () => {
  const { layout } = toBatch(pointsOf('a'));
  assert.equal(toBatch(pointsOf('a'), layout).layout.version, layout.version);
  const versions = new Set(Array.from({ length: 1_000 }, () => toBatch(pointsOf('b'), layout).layout.version));
  assert.equal(versions.size, 1_000);
  assert.equal(versions.has(layout.version), false);
});
