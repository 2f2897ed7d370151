/** A node whose clock is set between scrapes: no rate is counted over the step, and what was known stays. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { NodePoints } from '../../../src/sample/point.ts';
import { type ClockReading, clockStep, readClock } from '../../../src/sample/clockstep.ts';
import { readSnapshot, writeSnapshot } from '../../../src/storage/snapshot.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createPointStorage } from './pointstorage.ts';

const resolutionMs = 15_000;
const stalenessMs = 45_000;
const startMs = 1_795_377_600_000;
/** Cores that the container uses, and the machine. */
const cores = 0.5;
const capacityCores = 2;

interface Kubelet {
  /** When samples are taken, by our clock. */
  readonly sampledMs: readonly number[];
  readonly stepMs: number;
  readonly steppedMs: number;
  readonly hasTimes: boolean;
}

/** Returns the sample that a kubelet has at a time of ours. */
function samplesAt({ sampledMs, stepMs, steppedMs, hasTimes }: Kubelet, ourMs: number): NodePoints {
  const nodeMs = (ms: number) => startMs + ms + (ms >= steppedMs ? stepMs : 0);
  const takenMs = sampledMs.findLast((ms) => ms <= ourMs) ?? 0;
  const point = {
    // Without a time, the reader takes that of the response by a clock of ours that follows the node's.
    timestampMs: hasTimes ? nodeMs(takenMs) : nodeMs(ourMs),
    ...(hasTimes ? {} : { isUntimed: true as const }),
    cpuSeconds: 100 + (hasTimes ? takenMs : ourMs) * (cores / 1000),
    memoryBytes: 5_000,
  };
  const container = { ...point, name: 'app', containerId: 'id-1', startTimeMs: startMs - 3_600_000 };
  const pods = [{ namespace: 'shop', name: 'web-0', uid: 'uid-1', containers: [container] }];
  return { node: 'node-a', source: 'cadvisor', machine: point, hasSwap: undefined, pods };
}

/** Scrapes a kubelet ten times; returns the cores that are served after each, and whether a step was seen. */
async function scrape(kubelet: Kubelet, has: 'Date' | 'no Date' = 'Date', restartAfter?: number) {
  const clock = createFakeClock(startMs);
  const options = { clock, resolutionMs, stalenessMs, capacityCores: () => capacityCores };
  let storage = createPointStorage(options);
  let reading: ClockReading | undefined;
  const served: { readonly pod: number | string; readonly machine: number | string; readonly isStep: boolean }[] = [];
  for (let index = 0; index < 10; index += 1) {
    const ourMs = clock.wallMs() - startMs;
    const points = samplesAt(kubelet, ourMs);
    const nodeMs = startMs + ourMs + (ourMs >= kubelet.steppedMs ? kubelet.stepMs : 0);
    const newestMs = kubelet.hasTimes ? (points.machine?.timestampMs ?? assert.fail()) : -Infinity;
    const times = { sentMs: clock.monotonicMs() - 20, receivedMs: clock.monotonicMs() };
    const dateMs = has === 'Date' ? Math.floor(nodeMs / 1000) * 1000 : undefined;
    const current = readClock(dateMs, newestMs, times, reading);
    const step = reading && clockStep(reading, current);
    reading = current;
    storage.store(points, step);
    const pod = storage.podUsage({
      namespace: 'shop',
      name: 'web-0',
      uid: 'uid-1',
      configHash: undefined,
      node: undefined,
    });
    const node = storage.nodeUsage('node-a');
    served.push({
      pod: pod.kind === 'ready' ? (pod.value.containers[0]?.cpuNanocores ?? 0) / 1e9 : pod.reason,
      machine: node.kind === 'ready' ? node.value.cpuNanocores / 1e9 : node.reason,
      isStep: step !== undefined,
    });
    if (index === restartAfter) {
      const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
      const text = [...writeSnapshot(storage.states(), now)].join('');
      storage = createPointStorage(options);
      storage.restore(readSnapshot(text, now, 300_000).nodes);
    }
    await clock.advance(resolutionMs);
  }
  return served;
}

const regular = Array.from({ length: 12 }, (_, index) => index * 15_000 - 2_000);

describe('no rate is counted over a step of the clock', () => {
  for (const hasTimes of [true, false]) {
    for (const seconds of [250, 60, 20, 8, 5, -5, -7, -9, -11, -20, -250]) {
      test(`of ${seconds} s, of samples ${hasTimes ? 'with' : 'without'} times, and usage is served all the while`, async () => {
        const served = await scrape({ sampledMs: regular, stepMs: seconds * 1000, steppedMs: 50_000, hasTimes });
        assert.deepEqual(
          served.map(({ isStep }) => isStep),
          [false, false, false, false, true, false, false, false, false, false],
        );
        for (const each of served.slice(1)) assert.deepEqual([each.pod, each.machine], [cores, cores]);
      });
    }
  }

  test('also where the step is between the sample and its scrape, at any phase of either', async () => {
    const kubelet = fc.record({
      sampledMs: fc
        .array(fc.integer({ min: 10_000, max: 20_000 }), { minLength: 17, maxLength: 17 })
        .map((gaps) => gaps.map((_, index) => gaps.slice(0, index).reduce((sum, gap) => sum + gap, -5_000))),
      stepMs: fc.oneof(fc.integer({ min: 4_000, max: 299_000 }), fc.integer({ min: -299_000, max: -4_000 })),
      steppedMs: fc.integer({ min: 45_001, max: 60_000 }),
      hasTimes: fc.constant(true),
    });
    await fc.assert(
      fc.asyncProperty(kubelet, fc.option(fc.nat(9), { nil: undefined }), async (each, restartAfter) => {
        const served = await scrape(each, 'Date', restartAfter);
        for (const { pod, machine } of served) {
          for (const value of [pod, machine]) if (typeof value === 'number') assert.ok(Math.abs(value - cores) < 1e-6);
        }
        const last = served.at(-1);
        assert.deepEqual(
          [last?.pod, last?.machine].map(Number).map((value) => value.toFixed(6)),
          ['0.500000', '0.500000'],
        );
      }),
      { numRuns: 300 },
    );
  });

  test('of 30 s or more ahead where responses have no Date header', async () => {
    for (const stepMs of [30_000, 120_000]) {
      const served = await scrape({ sampledMs: regular, stepMs, steppedMs: 50_000, hasTimes: true }, 'no Date');
      for (const each of served.slice(1)) assert.deepEqual([each.pod, each.machine], [cores, cores]);
    }
  });

  test('nor over one during which a pod or the machine was not reported', async () => {
    const clock = createFakeClock(startMs);
    const storage = createPointStorage({ clock, resolutionMs, stalenessMs });
    const kubelet = { sampledMs: regular, stepMs: 60_000, steppedMs: 40_000, hasTimes: true };
    const web = { namespace: 'shop', name: 'web-0', uid: 'uid-1', configHash: undefined, node: undefined };
    for (const at of [0, 15_000, 30_000, 45_000, 60_000]) {
      const points = samplesAt(kubelet, at);
      const step = { earliestMs: startMs + 28_000, latestMs: startMs + 47_000 };
      if (at === 45_000) storage.store({ ...points, machine: undefined, pods: [] }, step);
      else storage.store(points);
      await clock.advance(resolutionMs);
      if (at === 0) continue;
      const usage = storage.podUsage(web);
      const node = storage.nodeUsage('node-a');
      assert.equal(usage.kind === 'ready' && usage.value.containers[0]?.cpuNanocores, cores * 1e9, `at ${at}`);
      assert.equal(node.kind === 'ready' && node.value.cpuNanocores, cores * 1e9, `at ${at}`);
    }
  });
});

test('a container whose sample is from before a step has not ended beside one that was sampled after it', async () => {
  const clock = createFakeClock(startMs);
  const storage = createPointStorage({ clock, resolutionMs, stalenessMs });
  const kubelet = { sampledMs: regular, stepMs: 60_000, steppedMs: 40_000, hasTimes: true };
  // At 58.5 s the other one has its second sample since the step, and this one none.
  const slow = { ...kubelet, sampledMs: [-6_000, 9_000, 24_000, 39_000, 59_000, 74_000, 89_000] };
  const web = { namespace: 'shop', name: 'web-0', uid: 'uid-1', configHash: undefined, node: undefined };
  const scrapesMs = [0, 15_000, 30_000, 45_000, 46_000, 58_500, 60_000, 75_000];
  for (const [index, at] of scrapesMs.entries()) {
    const points = samplesAt(kubelet, at);
    const [pod] = points.pods;
    const [side] = samplesAt(slow, at).pods[0]?.containers ?? [];
    assert.ok(pod && side);
    const containers = [...pod.containers, { ...side, name: 'side', containerId: 'id-2' }];
    const step = { earliestMs: startMs + 28_000, latestMs: startMs + 47_000 };
    storage.store({ ...points, pods: [{ ...pod, containers }] }, at === 45_000 ? step : undefined);
    await clock.advance((scrapesMs[index + 1] ?? at) - at);
    if (at === 0) continue;
    const usage = storage.podUsage(web);
    const served = usage.kind === 'ready' ? usage.value.containers : [];
    assert.deepEqual(
      served.map(({ cpuNanocores }) => cpuNanocores),
      [cores * 1e9, cores * 1e9],
      `at ${at}`,
    );
  }
});

test('a step teaches no spacing, nor does a start time before it make a window', async () => {
  const clock = createFakeClock(startMs);
  const storage = createPointStorage({ clock, resolutionMs, stalenessMs });
  const kubelet = { sampledMs: regular, stepMs: 20_000, steppedMs: 40_000, hasTimes: true };
  for (const at of [0, 15_000, 30_000]) {
    storage.store(samplesAt(kubelet, at));
    await clock.advance(resolutionMs);
  }
  const points = samplesAt(kubelet, 45_000);
  // It has started 5 s before its sample, and 25 s by the two clocks.
  const [pod] = points.pods;
  const fresh = pod && {
    ...pod,
    name: 'web-1',
    uid: 'uid-2',
    containers: pod.containers.map((each) => ({ ...each, startTimeMs: startMs + 38_000 })),
  };
  assert.ok(pod && fresh);
  const step = { earliestMs: startMs + 28_000, latestMs: startMs + 47_000 };
  const { spacingMs } = storage.store({ ...points, pods: [pod, fresh] }, step);
  assert.ok(spacingMs <= 15_000, `${spacingMs} ms`);
  const usage = storage.podUsage({
    namespace: 'shop',
    name: 'web-1',
    uid: 'uid-2',
    configHash: undefined,
    node: undefined,
  });
  assert.deepEqual([usage.kind, usage.kind === 'missing' && usage.reason], ['missing', 'one-sample']);
});
