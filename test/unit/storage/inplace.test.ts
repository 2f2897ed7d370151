/**
 * Holds the storage's fast path (a batch with the same layout, pods in rows) to the slow path (another layout object each time, pods as objects): the same scrapes
 * give the same results, usages and snapshots.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { toBatch } from '../../../src/sample/batch.ts';
import type { ContainerPoint, NodePoints, PodBatch } from '../../../src/sample/point.ts';
import { createSample, type CurrentSample } from '../../../src/storage/currentsamples.ts';
import type { PodState } from '../../../src/storage/nodestate.ts';
import type { SamplePair } from '../../../src/storage/samplepair.ts';
import { readSnapshot, writeSnapshot } from '../../../src/storage/snapshot.ts';
import { createStorage, type Storage } from '../../../src/storage/storage.ts';
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts';
import { createPointStorage } from './pointstorage.ts';

const resolutionMs = 15_000;
const options = { resolutionMs, stalenessMs: 45_000, capacityMemoryBytes: () => 1e10 };
const nodes = ['node-a', 'node-b'];

interface FakePod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | undefined;
  readonly containers: readonly string[];
}

const pods: readonly FakePod[] = [
  { namespace: 'shop', name: 'web-0', uid: 'uid-1', containers: ['proxy', 'app'] },
  { namespace: 'shop', name: 'web-0', uid: 'uid-2', containers: ['app'] },
  { namespace: 'shop', name: 'db-0', uid: 'uid-3', containers: ['db'] },
  { namespace: 'jobs', name: 'job', uid: undefined, containers: ['main', 'side'] },
];

const valueless = ['no cpu', 'no memory', 'memory 0', 'memory huge'] as const;

/** An oddity of one container in one scrape. */
const oddity = fc.record({
  pod: fc.nat(pods.length - 1),
  container: fc.nat(1),
  what: fc.constantFrom(
    'gone',
    'restarted',
    'fresh',
    'back',
    'far back',
    'same',
    'less',
    'guessed',
    'untimed',
    'swap',
    ...valueless,
    'absurd',
  ),
});
type Oddity = typeof oddity extends fc.Arbitrary<infer T> ? T : never;

const scrape = fc.record({
  node: fc.constantFrom(...nodes),
  afterMs: fc.constantFrom(10_000, 15_000, 15_000, 15_000, 30_000, 60_000, 400_000),
  toggled: fc.oneof(
    { weight: 4, arbitrary: fc.constant<number[]>([]) },
    fc.array(fc.nat(pods.length - 1), { maxLength: 2 }),
  ),
  odd: fc.oneof({ weight: 2, arbitrary: fc.constant<Oddity[]>([]) }, fc.array(oddity, { maxLength: 2 })),
  source: fc.oneof({ weight: 9, arbitrary: fc.constant('cadvisor' as const) }, fc.constant('resource' as const)),
  hasSwap: fc.constantFrom(undefined, undefined, undefined, true, false),
  hasMachine: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false)),
  stepMs: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constantFrom(-20_000, 20_000, 60_000)),
  hasDate: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
});
type Scrape = typeof scrape extends fc.Arbitrary<infer T> ? T : never;

test('the fast path and the slow path store and serve the same', () => {
  fc.assert(
    fc.property(fc.array(scrape, { minLength: 4, maxLength: 25 }), (scrapes) => {
      const clock = createFakeClock();
      const inPlace = createPointStorage({ clock, ...options });
      const renewed = createStorage({ clock, ...options });
      const slow = createPointStorage({ clock, ...options, fastPath: false });
      const running = nodes.map(createNode);
      const aheadMs = new Map<string, number>();
      for (const [index, each] of scrapes.entries()) {
        clock.jump(each.afterMs);
        const points = running[nodes.indexOf(each.node)]?.(each, clock) ?? assert.fail();
        // The samples do not follow: some are from before the step, some from after it.
        aheadMs.set(each.node, (aheadMs.get(each.node) ?? 0) + each.stepMs);
        const dateMs = Math.floor((clock.wallMs() + aheadMs.get(each.node)!) / 1000) * 1000;
        const receivedMs = clock.monotonicMs();
        const times = { dateMs: each.hasDate ? dateMs : undefined, sentMs: receivedMs - 20, receivedMs };
        const stored = inPlace.store(points, times);
        assert.deepEqual(stored, renewed.store(toBatch(points), times), `scrape ${index}`);
        assert.deepEqual(stored, slow.store(points, times), `scrape ${index}`);
        assert.equal(slow.podsInRows(), 0);
        for (const other of [renewed, slow]) {
          assert.deepEqual(served(inPlace), served(other), `after scrape ${index}`);
          assert.deepEqual(samples(inPlace), samples(other), `after scrape ${index}`);
          assert.deepEqual(inPlace.counts(), other.counts());
          assert.equal(inPlace.isWarm(), other.isWarm());
          assert.deepEqual(snapshot(inPlace, clock), snapshot(other, clock));
        }
      }
      for (const storage of [inPlace, renewed, slow]) storage.forget('node-a');
      for (const other of [renewed, slow]) assert.deepEqual(served(inPlace), served(other));
    }),
    { numRuns: 100 },
  );
});

/** Returns a node that reports its pods at each scrape. */
function createNode(node: string): (scrape: Scrape, clock: FakeClock) => NodePoints {
  const there = new Set(pods.slice(0, 3));
  const lives = new Map<string, number>();
  let scrapeCount = 0;
  return ({ toggled, odd, source, hasSwap, hasMachine }, clock) => {
    scrapeCount += 1;
    for (const place of toggled) {
      const pod = pods[place];
      if (pod !== undefined && !there.delete(pod)) there.add(pod);
    }
    const nowMs = clock.wallMs();
    const point = { timestampMs: nowMs - 2_000, cpuSeconds: scrapeCount, memoryBytes: 1e9 + scrapeCount, swapBytes: 0 };
    return { node, source, hasSwap, machine: hasMachine ? point : undefined, pods: pods.flatMap(podOf) };

    function podOf(pod: FakePod, place: number): PodBatch[] {
      if (!there.has(pod)) return [];
      const containers = pod.containers.flatMap((name, index) => {
        const whats = odd.filter((each) => each.pod === place && each.container === index).map(({ what }) => what);
        return containerOf(name, `${place}/${index}`, whats);
      });
      // Which of two nodes is asked about one pod is another matter.
      return containers.length === 0 ? [] : [{ ...pod, namespace: `${pod.namespace}-${node}`, containers }];
    }

    function containerOf(name: string, key: string, whats: readonly string[]): ContainerPoint[] {
      const has = (what: string) => whats.includes(what);
      if (has('gone')) return [];
      if (has('restarted') || has('fresh')) lives.set(key, (lives.get(key) ?? 0) + 1);
      const behindMs = has('far back') ? 40_000 : has('back') ? 5_000 : has('same') ? 15_000 : 0;
      return [
        {
          name,
          containerId: `${key} ${lives.get(key) ?? 0}`,
          startTimeMs: has('fresh') ? nowMs - 20_000 : nowMs - 3_600_000,
          timestampMs: nowMs - 1_000 - key.length * 100 - behindMs,
          ...(has('guessed') ? { rawTimestampMs: nowMs + 60_000 - behindMs } : {}),
          ...(has('untimed') ? { isUntimed: true } : {}),
          cpuSeconds: has('no cpu') ? 0 : has('absurd') ? 1.73e9 : has('less') ? scrapeCount / 20 : scrapeCount / 10,
          memoryBytes: memoryOf(has, scrapeCount),
          swapBytes: has('swap') ? undefined : scrapeCount,
        },
      ];
    }
  };
}

function memoryOf(has: (what: string) => boolean, scrapeCount: number): number {
  if (has('no memory')) return Number.NaN;
  if (has('memory huge')) return 1.3e10;
  return has('memory 0') ? 0 : 1e6 + scrapeCount * 4096.5;
}

function served(storage: Omit<Storage, 'store'>) {
  return [
    nodes.map((node) => storage.nodeUsage(node)),
    ...nodes.flatMap((node) =>
      pods.map(({ namespace, name, uid = 'uid-9' }) =>
        storage.podUsage({ namespace: `${namespace}-${node}`, name, uid, configHash: undefined, node: undefined }),
      ),
    ),
  ];
}

/** The newest samples, as the history reads them. */
function samples(storage: Omit<Storage, 'store'>) {
  return nodes.map((node) => {
    const current = storage.currentSamples(node);
    const of = (read: (into: CurrentSample) => boolean | undefined) => {
      const into = createSample();
      return read(into) === true ? into : undefined;
    };
    const containers = current?.layout.pods.flatMap(({ name, uid, containers: all }, pod) =>
      all.map((container, index) => [name, uid, container.name, of((into) => current.readContainer(pod, index, into))]),
    );
    return [node, current?.uid, of((into) => current?.readMachine(into)), containers];
  });
}

/** The lines of a snapshot; the order of pods within a node does not matter. */
function snapshot(storage: Omit<Storage, 'store'>, clock: FakeClock) {
  const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  const text = [...writeSnapshot(storage.states(), now)].join('');
  return readSnapshot(text, now, 0).nodes.map(([name, { pods: states, ...rest }]) => [
    name,
    rest,
    states.toSorted((a, b) => (`${a.name} ${a.uid}` < `${b.name} ${b.uid}` ? -1 : 1)).map(usedFields),
  ]);
}

/** Drops what rows do not keep since nothing uses it: start times after the first sample, and the rest of the sample that a rate is counted from. */
function usedFields({ containers, ...rest }: PodState) {
  return {
    ...rest,
    containers: Array.from(containers.values(), ({ last, base, rival, lacksValue, isBeforeStep }) => ({
      ...last,
      startTimeMs: undefined,
      base: typeof base === 'string' ? base : baseFields(base),
      rival: rival && { ...rival, startTimeMs: undefined },
      lacksValue,
      isBeforeStep,
    })),
  };
}

function baseFields({ timestampMs, cpuSeconds, rawTimestampMs, isUntimed }: Exclude<SamplePair['base'], string>) {
  return { timestampMs, cpuSeconds, rawTimestampMs, isUntimed };
}
