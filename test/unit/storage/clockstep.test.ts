/** A node whose clock is set between scrapes: no rate is counted over the step, and what was known stays. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { NodePoints } from '../../../src/sample/point.ts';
import type { ResponseTimes } from '../../../src/sample/clockstep.ts';
import { readSnapshot, writeSnapshot } from '../../../src/storage/snapshot.ts';
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts';
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
  /** When its container started, by our clock. Default: an hour before. */
  readonly startedMs?: number;
  /** Indices of scrapes that lack the container's CPU row. */
  readonly withoutCpu?: readonly number[];
}

/** Returns a clock's time, which starts with the first scrape, by the node's clock. */
function nodeMs({ steppedMs, stepMs }: Kubelet, ourMs: number): number {
  return startMs + ourMs + (ourMs >= steppedMs ? stepMs : 0);
}

/** Returns the times of a response that took 20 ms. */
function timesAt(kubelet: Kubelet, clock: FakeClock, has: 'Date' | 'no Date' = 'Date'): ResponseTimes {
  const receivedMs = clock.monotonicMs();
  const dateMs = Math.floor(nodeMs(kubelet, clock.wallMs() - startMs) / 1000) * 1000;
  return { dateMs: has === 'Date' ? dateMs : undefined, sentMs: receivedMs - 20, receivedMs };
}

/** Returns the sample that a kubelet has at a time of ours. */
function samplesAt(kubelet: Kubelet, ourMs: number, scrapeIndex = 0): NodePoints {
  const { sampledMs, hasTimes, startedMs = -3_600_000, withoutCpu = [] } = kubelet;
  const takenMs = sampledMs.findLast((ms) => ms <= ourMs) ?? 0;
  const point = {
    // Without a time, the reader takes that of the response by a clock of ours that follows the node's.
    timestampMs: nodeMs(kubelet, hasTimes ? takenMs : ourMs),
    ...(hasTimes ? {} : { isUntimed: true as const }),
    cpuSeconds: 100 + (hasTimes ? takenMs : ourMs) * (cores / 1000),
    memoryBytes: 5_000,
  };
  const container = {
    ...point,
    ...(startedMs > -3_600_000 && { cpuSeconds: (takenMs - startedMs) * (cores / 1000) }),
    ...(withoutCpu.includes(scrapeIndex) && { cpuSeconds: 0 }),
    name: 'app',
    containerId: 'id-1',
    startTimeMs: Math.floor(nodeMs(kubelet, startedMs) / 1000) * 1000,
  };
  const containers = takenMs >= startedMs ? [container] : [];
  const pods = containers.length === 0 ? [] : [{ namespace: 'shop', name: 'web-0', uid: 'uid-1', containers }];
  return { node: 'node-a', source: 'cadvisor', machine: point, hasSwap: undefined, pods };
}

/**
 * Scrapes a kubelet ten times; returns the cores that are served after each, and whether a step was seen. Our process
 * restarts with a snapshot after that scrape.
 */
async function scrape(kubelet: Kubelet, has: 'Date' | 'no Date' = 'Date', restartAfter?: number, scrapes = 10) {
  let clock = createFakeClock(startMs);
  const options = { resolutionMs, stalenessMs, capacityCores: () => capacityCores };
  let storage = createPointStorage({ ...options, clock });
  const served: { readonly pod: number | string; readonly machine: number | string; readonly isStep: boolean }[] = [];
  for (let index = 0; index < scrapes; index += 1) {
    const points = samplesAt(kubelet, clock.wallMs() - startMs, index);
    const { hasStepped } = storage.store(points, timesAt(kubelet, clock, has));
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
      isStep: hasStepped,
    });
    if (index === restartAfter) {
      const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
      const text = [...writeSnapshot(storage.states(), now)].join('');
      // The next process has another monotonic clock.
      clock = createFakeClock(now.wallMs - 7_000);
      clock.jump(7_000);
      storage = createPointStorage({ ...options, clock });
      storage.restore(readSnapshot(text, { ...now, monotonicMs: clock.monotonicMs() }, 300_000).nodes);
    }
    await clock.advance(resolutionMs);
  }
  return served;
}

/** A counter of 0 in a container's first 6 s may be a missing row; its CPU then counts for the next 15 s. */
const mostServed = (cores * (15 + 6)) / 15;

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

  test('also where it was set back between the first sample and its scrape, so that no earlier scrape shows it', async () => {
    const served = await scrape({ sampledMs: regular, stepMs: -6_000, steppedMs: -1_000, hasTimes: true });
    assert.deepEqual(
      served.slice(0, 2).map(({ pod, machine }) => [typeof pod, typeof machine]),
      Array.from({ length: 2 }, () => ['string', 'string']),
    );
    for (const each of served.slice(2)) assert.deepEqual([each.pod, each.machine], [cores, cores]);
  });

  test('a Date header that is always behind the samples, as of a proxy, costs one scrape', async () => {
    const clock = createFakeClock(startMs);
    const storage = createPointStorage({ resolutionMs, stalenessMs, clock });
    const kinds: string[] = [];
    for (let index = 0; index < 4; index += 1) {
      const kubelet = { sampledMs: regular, stepMs: 0, steppedMs: 0, hasTimes: true };
      const times = timesAt(kubelet, clock);
      storage.store(samplesAt(kubelet, clock.wallMs() - startMs), { ...times, dateMs: (times.dateMs ?? 0) - 4_000 });
      kinds.push(storage.nodeUsage('node-a').kind);
      await clock.advance(resolutionMs);
    }
    assert.deepEqual(kinds, ['missing', 'missing', 'ready', 'ready']);
  });

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

  for (const restartAfter of [undefined, 2, 3, 4, 5]) {
    test(`nor by a start time from before it, whichever scrape lacks the CPU row, ${restartAfter === undefined ? 'in one process' : `with a restart after scrape ${restartAfter}`}`, async () => {
      const kubelet = fc.record({
        sampledMs: fc.constantFrom(regular, [...regular, ...regular.map((ms) => ms + 180_000)]),
        stepMs: fc.oneof(fc.integer({ min: -150_000, max: -4_000 }), fc.integer({ min: 4_000, max: 150_000 })),
        steppedMs: fc.integer({ min: 30_001, max: 60_000 }),
        hasTimes: fc.constant(true),
        startedMs: fc.integer({ min: -60_000, max: 90_000 }),
        withoutCpu: fc.uniqueArray(fc.nat(15), { maxLength: 6 }),
      });
      await fc.assert(
        fc.asyncProperty(kubelet, async (each) => {
          for (const { pod } of await scrape(each, 'Date', restartAfter, 16)) {
            if (typeof pod === 'number') assert.ok(pod <= mostServed, `${pod} cores`);
          }
        }),
        { numRuns: 300 },
      );
    });
  }

  test('nor by a start time from before a step that no process of ours has seen', async () => {
    const kubelet = { sampledMs: regular, stepMs: -60_000, steppedMs: -1_000, hasTimes: true, startedMs: -30_000 };
    for (let without = 0; without < 10; without += 1) {
      const served = await scrape({ ...kubelet, withoutCpu: [without] });
      for (const { pod } of served) if (typeof pod === 'number') assert.ok(pod <= mostServed, `${pod} cores`);
    }
  });

  test('nor by a start time from before it where the first CPU row comes minutes after it', async () => {
    const kubelet = { sampledMs: regular, stepMs: -75_000, steppedMs: 30_001, hasTimes: true, startedMs: 20_000 };
    const served = await scrape({ ...kubelet, withoutCpu: [2, 3, 4, 5, 6, 7, 8] }, 'Date', undefined, 12);
    assert.deepEqual(
      served.slice(8).map(({ pod }) => pod),
      [0, 0, cores, cores],
    );
  });

  test('nor over one between the last scrape before a restart and the first one after it', async () => {
    for (const stepMs of [-20_000, -8_000, 5_000, 8_000, 60_000]) {
      const kubelet = { sampledMs: regular, stepMs, steppedMs: 50_000, hasTimes: true };
      const served = await scrape(kubelet, 'Date', 3);
      assert.deepEqual(
        served.map(({ isStep }) => isStep),
        [false, false, false, false, true, false, false, false, false, false],
      );
      for (const each of served.slice(1)) assert.deepEqual([each.pod, each.machine], [cores, cores]);
    }
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
      const times = timesAt(kubelet, clock);
      storage.store(at === 45_000 ? { ...points, machine: undefined, pods: [] } : points, times);
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
    const { hasStepped } = storage.store({ ...points, pods: [{ ...pod, containers }] }, timesAt(kubelet, clock));
    assert.equal(hasStepped, at === 45_000);
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

test('a container that is first reported after an outage has started before the step, though that was minutes ago', async () => {
  for (const [outageMs, answer] of [
    [0, 'ready'],
    [90_000, 'missing'],
  ] as const) {
    const clock = createFakeClock(startMs);
    const storage = createPointStorage({ clock, resolutionMs, stalenessMs });
    const pause = async (ms: number) => {
      await clock.advance(ms);
      return clock.wallMs() - startMs;
    };
    const sampledMs = Array.from({ length: 40 }, (_, index) => index * 15_000 - 2_000);
    const kubelet = { sampledMs, stepMs: -120_000, steppedMs: 1_000, hasTimes: true };
    storage.store(samplesAt(kubelet, 0), timesAt(kubelet, clock));
    for (let scrapes = 0; scrapes < 8 - outageMs / 15_000; scrapes += 1) {
      const points = samplesAt(kubelet, await pause(15_000));
      storage.store(points, timesAt(kubelet, clock));
    }
    const points = samplesAt(kubelet, await pause(15_000 + outageMs));
    const [pod] = points.pods;
    const [app] = pod?.containers ?? [];
    assert.ok(pod && app);
    // By the clock that was set back it is 20 s old.
    const containers = [{ ...app, startTimeMs: app.timestampMs - 20_000 }];
    storage.store(
      { ...points, pods: [pod, { ...pod, name: 'web-1', uid: 'uid-2', containers }] },
      timesAt(kubelet, clock),
    );
    const identity = { namespace: 'shop', name: 'web-1', uid: 'uid-2', configHash: undefined, node: undefined };
    assert.equal(storage.podUsage(identity).kind, answer, `${outageMs} ms`);
  }
});

test('a container that is first reported after a restart may have started before the last step', async () => {
  const clock = createFakeClock(startMs);
  const options = { clock, resolutionMs, stalenessMs };
  const storage = createPointStorage(options);
  const kubelet = { sampledMs: regular, stepMs: -60_000, steppedMs: 20_000, hasTimes: true };
  for (const at of [0, 15_000, 30_000]) {
    storage.store(samplesAt(kubelet, at), timesAt(kubelet, clock));
    await clock.advance(resolutionMs);
  }
  const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  const restored = createPointStorage(options);
  restored.restore(readSnapshot([...writeSnapshot(storage.states(), now)].join(''), now, stalenessMs).nodes);
  const { pods, ...points } = samplesAt(kubelet, 45_000);
  const [pod] = pods;
  const [app] = pod?.containers ?? [];
  assert.ok(pod && app);
  const containers = [{ ...app, startTimeMs: app.timestampMs - 20_000 }];
  restored.store({ ...points, pods: [{ ...pod, name: 'web-1', uid: 'uid-2', containers }] }, timesAt(kubelet, clock));
  const identity = { namespace: 'shop', name: 'web-1', uid: 'uid-2', configHash: undefined, node: undefined };
  assert.equal(restored.podUsage(identity).kind, 'missing');
});

describe('without a Date header', () => {
  /** Reports containers that are each sampled every 15 s, at other times. */
  const manyAt = (kubelet: Kubelet, ourMs: number, count: number): NodePoints => {
    const pods = Array.from({ length: count }, (_, index) => {
      const phaseMs = Math.round((index * 15_000) / count);
      const sampledMs = Array.from({ length: 20 }, (__, sample) => (sample - 4) * 15_000 + phaseMs);
      const { pods: own } = samplesAt({ ...kubelet, sampledMs }, ourMs);
      return own.map((pod) => ({ ...pod, name: `web-${index}`, uid: `uid-${index}` }));
    });
    return { ...samplesAt(kubelet, ourMs), pods: pods.flat() };
  };
  const stepsSeen = async (
    kubelet: Kubelet,
    count: number,
    change = (points: NodePoints, _scrape: number) => points,
  ) => {
    const clock = createFakeClock(startMs);
    const storage = createPointStorage({ clock, resolutionMs, stalenessMs });
    const seen: boolean[] = [];
    for (let scrape = 0; scrape < 8; scrape += 1) {
      const points = change(manyAt(kubelet, scrape * resolutionMs, count), scrape);
      seen.push(storage.store(points, timesAt(kubelet, clock, 'no Date')).hasStepped);
      await clock.advance(resolutionMs);
    }
    return seen;
  };
  const none = Array<boolean>(8).fill(false);

  test('a step of 6 s is seen where there are many containers, ahead and back', async () => {
    for (const stepMs of [6_000, 12_000, -6_000, -12_000]) {
      const kubelet = { sampledMs: regular, stepMs, steppedMs: 45_010, hasTimes: true };
      assert.deepEqual(await stepsSeen(kubelet, 60), none.with(4, true), `${stepMs} ms`);
      // One container may have been sampled so much earlier or later.
      assert.deepEqual(await stepsSeen(kubelet, 1), none);
    }
  });

  test('none is seen in a container that comes back with a sample from before the last scrape', async () => {
    const kubelet = { sampledMs: regular, stepMs: 0, steppedMs: 0, hasTimes: true };
    const lacksOne = (points: NodePoints, scrape: number): NodePoints => ({
      ...points,
      pods: points.pods.map((pod, index) => {
        const containers = [...pod.containers, ...pod.containers.map((each) => ({ ...each, name: 'side' }))];
        // Its rows are away from the fourth response; the fifth has them as the fourth would have had.
        const late = manyAt(kubelet, 3 * resolutionMs, 60).pods[index]?.containers[0];
        assert.ok(late);
        if (scrape === 3) return { ...pod, containers: containers.slice(0, 1) };
        if (scrape === 4) return { ...pod, containers: [containers[0]!, { ...late, name: 'side' }] };
        return { ...pod, containers };
      }),
    });
    assert.deepEqual(await stepsSeen(kubelet, 60, lacksOne), none);
    const valueless = (points: NodePoints, scrape: number): NodePoints => ({
      ...points,
      pods: points.pods.map((pod, index) => {
        const late = manyAt(kubelet, 3 * resolutionMs, 60).pods[index]?.containers[0];
        assert.ok(late);
        if (scrape === 3) return { ...pod, containers: [{ ...late, memoryBytes: Number.NaN }] };
        return scrape === 4 ? { ...pod, containers: [late] } : pod;
      }),
    });
    assert.deepEqual(await stepsSeen(kubelet, 60, valueless), none);
  });
});

test('a step teaches no spacing, nor does a start time before it make a window', async () => {
  const clock = createFakeClock(startMs);
  const storage = createPointStorage({ clock, resolutionMs, stalenessMs });
  const kubelet = { sampledMs: regular, stepMs: 20_000, steppedMs: 40_000, hasTimes: true };
  for (const at of [0, 15_000, 30_000]) {
    storage.store(samplesAt(kubelet, at), timesAt(kubelet, clock));
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
  const { spacingMs, hasStepped } = storage.store({ ...points, pods: [pod, fresh] }, timesAt(kubelet, clock));
  assert.ok(hasStepped);
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
