/** Holds that no container and no node is served with more memory than its node has, whatever the kubelet reports and however the pod is stored. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NodePoints } from '../../../src/sample/point.ts';
import { readSnapshot, writeSnapshot } from '../../../src/storage/snapshot.ts';
import { withinLimits } from '../../../src/storage/snapshotlimits.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createPointStorage } from './pointstorage.ts';

const resolutionMs = 15_000;
const stalenessMs = 45_000;
const capacityBytes = 4e9;
const usualBytes = 1e9;
const identity = { namespace: 'shop', name: 'web-0', uid: 'uid-1', configHash: undefined, node: undefined };

interface Reported {
  readonly machine?: number;
  readonly app?: number;
  readonly id?: string;
}

interface Options {
  readonly fastPath?: boolean;
  readonly source?: 'cadvisor' | 'resource';
  readonly capacity?: number | undefined;
}

function setUp({ fastPath = true, source = 'cadvisor', ...rest }: Options = {}) {
  const clock = createFakeClock();
  const node = { capacity: 'capacity' in rest ? rest.capacity : capacityBytes };
  const reports: string[] = [];
  const storage = createPointStorage({
    clock,
    resolutionMs,
    stalenessMs,
    fastPath,
    capacityMemoryBytes: () => node.capacity,
    onImplausible: (name, what, quantity) => reports.push(`${name}: ${what}: ${quantity}`),
  });
  const seconds = () => clock.monotonicMs() / 1000;
  return { clock, node, reports, storage, scrape, served, snapshot };

  async function scrape({ machine = 2e9, app = usualBytes, id = 'id-1' }: Reported = {}): Promise<void> {
    await clock.advance(resolutionMs);
    const sample = { timestampMs: clock.wallMs(), cpuSeconds: seconds() / 10, swapBytes: undefined };
    const plain = { ...sample, startTimeMs: undefined };
    const points: NodePoints = {
      node: 'node-a',
      source,
      hasSwap: undefined,
      machine: { ...sample, memoryBytes: machine },
      pods: [
        {
          ...identity,
          containers: [
            { ...plain, name: 'app', containerId: id, memoryBytes: app },
            { ...plain, name: 'side', containerId: 'id-2', memoryBytes: usualBytes },
          ],
        },
      ],
    };
    storage.store(points);
  }

  /** The working sets of machine and container, or why there are none. */
  function served(): (number | string)[] {
    const [machine, pod] = [storage.nodeUsage('node-a'), storage.podUsage(identity)];
    return [
      machine.kind === 'ready' ? machine.value.memoryBytes : machine.reason,
      pod.kind === 'ready' ? (pod.value.containers[0]?.memoryBytes ?? 'no container') : pod.reason,
    ];
  }

  function snapshot() {
    const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    return readSnapshot([...writeSnapshot(storage.states(), now)].join(''), now, 0).nodes;
  }
}

for (const fastPath of [true, false]) {
  for (const source of ['cadvisor', 'resource'] as const) {
    describe(`memory above the capacity of the node, ${fastPath ? 'fast' : 'slow'} path, of ${source}`, () => {
      test('leaves the last usage until that is stale, and is reported for each sample', async () => {
        const { reports, scrape, served } = setUp({ fastPath, source });
        await scrape();
        await scrape();
        for (let count = 1; count <= 3; count += 1) {
          await scrape({ app: 5.1e9, machine: 5.1e9 });
          assert.deepEqual(served(), [2e9, usualBytes]);
          assert.deepEqual(reports.splice(0), [
            'node-a: container app of pod shop/web-0: memory',
            'node-a: the machine: memory',
          ]);
        }
        await scrape({ app: 2 ** 59, machine: 2 ** 59 });
        assert.deepEqual(served(), ['stale', 'stale']);
        reports.splice(0);
        await scrape({ app: 1.5e9 });
        await scrape({ app: 1.5e9 });
        assert.deepEqual(served(), [2e9, 1.5e9]);
        assert.deepEqual(reports, []);
      });

      test('is served up to 1.25 times the capacity', async () => {
        const { reports, scrape, served } = setUp({ fastPath, source });
        await scrape({ app: 5e9, machine: 5e9 });
        await scrape({ app: 5e9, machine: 5e9 });
        assert.deepEqual(served(), [5e9, 5e9]);
        assert.deepEqual(reports, []);
      });

      test('is no usage from the first sample on, and after a restart', async () => {
        const { scrape, served } = setUp({ fastPath, source });
        for (let count = 0; count < 8; count += 1) {
          await scrape({ app: 5.1e9, machine: 5.1e9 });
          for (const answer of served()) assert.equal(typeof answer, 'string');
        }
        await scrape();
        await scrape();
        assert.deepEqual(served(), [2e9, usualBytes]);
        for (const id of ['id-3', 'id-4', 'id-4', 'id-4', 'id-4', 'id-4']) {
          await scrape({ id, app: 6e9 });
          assert.ok([usualBytes, 'stale', 'restarted'].includes(served()[1]!), String(served()[1]));
        }
      });

      test('is not served from a snapshot, whether the capacity is known when that is read or later', async () => {
        for (const isKnownBefore of [true, false]) {
          const old = setUp({ fastPath, source, capacity: undefined });
          await old.scrape({ app: 6e9, machine: 6e9 });
          await old.scrape({ app: 6e9, machine: 6e9 });
          assert.deepEqual(old.served(), [6e9, 6e9]);
          const restarted = setUp({ fastPath, source, capacity: isKnownBefore ? capacityBytes : undefined });
          restarted.storage.restore(old.snapshot());
          restarted.node.capacity = capacityBytes;
          restarted.storage.keepOnly('node-a', undefined);
          for (const answer of restarted.served()) assert.equal(typeof answer, 'string');
          assert.deepEqual(restarted.reports, ['node-a: the machine: memory', 'node-a: pod shop/web-0: memory']);
          await restarted.scrape();
          await restarted.scrape();
          assert.deepEqual(restarted.served(), [2e9, usualBytes]);
        }
      });

      test('leaves a snapshot with possible values as it is', async () => {
        const old = setUp({ fastPath, source });
        await old.scrape();
        await old.scrape();
        const restarted = setUp({ fastPath, source, capacity: undefined });
        restarted.storage.restore(old.snapshot());
        restarted.node.capacity = capacityBytes;
        restarted.storage.keepOnly('node-a', undefined);
        assert.deepEqual(restarted.served(), [2e9, usualBytes]);
        assert.deepEqual(restarted.reports, []);
      });
    });
  }
}

test('the memory of a node whose capacity is unknown or 0 has the general limit', async () => {
  for (const capacity of [undefined, 0]) {
    const { scrape, served } = setUp({ capacity });
    await scrape({ app: 2 ** 60, machine: 2 ** 60 });
    await scrape({ app: 2 ** 60, machine: 2 ** 60 });
    assert.deepEqual(served(), [2 ** 60, 2 ** 60]);
    await scrape({ app: 2 ** 61, machine: 2 ** 61 });
    assert.deepEqual(served(), [2 ** 60, 2 ** 60]);
  }
});

test('a snapshot with more CPU than the node has is not served either', async () => {
  const old = setUp();
  await old.scrape();
  await old.scrape();
  const { clock } = setUp();
  const odd: string[] = [];
  const storage = createPointStorage({
    clock,
    resolutionMs,
    stalenessMs,
    capacityCores: () => 0.01,
    onImplausible: (_, what, quantity) => odd.push(`${what}: ${quantity}`),
  });
  storage.restore(old.snapshot());
  assert.equal(storage.podUsage(identity).kind, 'missing');
  assert.equal(storage.nodeUsage('node-a').kind, 'missing');
  assert.deepEqual(odd, ['the machine: cpu', 'pod shop/web-0: cpu']);
});

test('a snapshot with a rate above the capacity is dropped, also where its usage was not served yet', async () => {
  const old = setUp();
  await old.scrape();
  await old.scrape();
  const limits = { mostCores: 0.01, mostMemoryBytes: 1e12, longestWindowMs: 300_000, stalenessMs };
  const [saved] = old.snapshot();
  assert.ok(saved);
  const state = { ...saved[1], lastUsage: { reason: 'stale' } as const };
  assert.ok(state.machine);
  assert.equal(withinLimits('node-a', state, limits, undefined).machine, undefined);
  assert.equal(withinLimits('node-a', state, { ...limits, mostCores: 1 }, undefined).machine, state.machine);
});
