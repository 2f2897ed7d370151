/** A batch boiled down to what most tests are about. */
import assert from 'node:assert/strict';
import type { NodePoints } from '../../../src/sample/point.ts';

export interface Points {
  /** CPU seconds and bytes. */
  readonly machine: readonly number[] | undefined;
  /** The same by namespace/pod/container. */
  readonly containers: ReadonlyMap<string, readonly number[]>;
}

/** Fails where a container comes twice. */
export function pointsOf({ machine, pods }: NodePoints): Points {
  const containers = new Map<string, readonly number[]>();
  for (const pod of pods) {
    for (const { name, cpuSeconds, memoryBytes } of pod.containers) {
      const key = `${pod.namespace}/${pod.name}/${name}`;
      assert.ok(!containers.has(key), `${key} comes twice`);
      containers.set(key, [cpuSeconds, memoryBytes]);
    }
  }
  return { machine: machine === undefined ? undefined : [machine.cpuSeconds, machine.memoryBytes], containers };
}
