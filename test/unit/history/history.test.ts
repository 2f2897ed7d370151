import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createHistory, type History, type HistoryRange } from '../../../src/history/history.ts';
import { departedLimit } from '../../../src/history/podtable.ts';
import { type Layout, toBatch } from '../../../src/sample/batch.ts';
import type { ContainerPoint, PodUsage, Source } from '../../../src/sample/point.ts';
import { createStorage } from '../../../src/storage/storage.ts';
import { createFakeClock, type FakeClock } from '../../fakes/clock.ts';
import type { PointOrigin } from '../../../src/history/points.ts';
import { createPointStorage, type PointStorage } from '../storage/pointstorage.ts';

const node = 'node-a';
const hourMs = 3_600_000;
const all = { sinceSeconds: 3_600, stepSeconds: undefined };

/** A container's sample, as the kubelet had it. */
type Sample = Pick<ContainerPoint, 'containerId' | 'timestampMs' | 'cpuSeconds' | 'memoryBytes'>;

interface Running {
  readonly clock: FakeClock;
  readonly storage: PointStorage;
  readonly history: History;
  /** Scrapes after the time, with these samples by pod and container. */
  scrape(afterMs: number, pods: Readonly<Record<string, Readonly<Record<string, Sample>>>>, uid?: string): void;
  points(pod: string, range?: Parameters<History['pod']>[1]): ReturnType<History['pod']>;
  /** The source of the next scrapes. */
  source: Source;
}

function start(durationMs = hourMs, existing: ReadonlySet<string> = new Set(), mostMinuteLines = 1_000): Running {
  const clock = createFakeClock();
  let uid = 'node-uid';
  const storage = createPointStorage({ clock, resolutionMs: 15_000, stalenessMs: 45_000, nodeUid: () => uid });
  const history = createHistory({ clock, durationMs, exists: (_, { name }) => existing.has(name), mostMinuteLines });
  const running: Running = {
    clock,
    storage,
    history,
    source: 'cadvisor',
    scrape(afterMs, pods, of = uid) {
      uid = of;
      clock.jump(afterMs);
      const batches = Object.entries(pods).map(([name, containers]) => ({
        namespace: 'shop',
        name,
        uid: `uid-of-${name}`,
        containers: Object.entries(containers).map(([container, sample]) => ({
          name: container,
          startTimeMs: undefined,
          ...sample,
        })),
      }));
      const nowMs = clock.wallMs();
      const machine = { timestampMs: nowMs - 1_000, cpuSeconds: nowMs / 2_000, memoryBytes: 1e9 };
      const { source } = running;
      storage.store({ node, source, hasSwap: undefined, machine, pods: batches });
      history.scraped(node, source, () => storage.currentSamples(node));
    },
    points: (name, range = all) => history.pod(identity(name), range),
  };
  return running;
}

function identity(name: string, uid = `uid-of-${name}`) {
  return { namespace: 'shop', name, uid, configHash: undefined, node };
}

const withoutSource = ({ source: _source, ...usage }: PodUsage & PointOrigin): PodUsage => usage;

/** Scrapes every 15 s a container that uses half a core and 1 MB more each time. */
function runSteadily(running: Running, scrapes: number, pod = 'web'): void {
  for (let count = 0; count < scrapes; count += 1) {
    const nowMs = running.clock.wallMs() + 15_000;
    const sample = {
      containerId: 'a',
      timestampMs: nowMs - 2_000,
      cpuSeconds: (nowMs % 1e8) / 2_000,
      memoryBytes: 1e6 * (count + 1),
    };
    running.scrape(15_000, { [pod]: { app: sample } });
  }
}

const isNear = (is: number, should: number) => Math.abs(is - should) <= should * 0.005 + 2;

describe('the history', () => {
  const stepsOfNode = fc.array(
    fc.record({
      afterMs: fc.oneof({ weight: 6, arbitrary: fc.constant(15_000) }, fc.integer({ min: 10_000, max: 200_000 })),
      used: fc.tuple(...Array.from({ length: 3 }, () => fc.double({ min: 0, max: 40, noNaN: true }))),
      memory: fc.tuple(...Array.from({ length: 3 }, () => fc.nat(2 ** 33))),
      lagMs: fc.tuple(...Array.from({ length: 3 }, () => fc.nat(9_000))),
      restarts: fc.oneof({ weight: 8, arbitrary: fc.constant(-1) }, fc.nat(2)),
      hasDb: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, fc.constant(false)),
      hasApp: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, fc.constant(false)),
    }),
    { minLength: 2, maxLength: 150, size: 'max' },
  );

  test('has of each minute the mean of the CPU and the last memory, as a list of all samples has them', () => {
    fc.assert(
      fc.property(stepsOfNode, fc.constantFrom(600_000, hourMs), (steps, durationMs) => {
        const running = start(durationMs, new Set(['db']));
        const naive = createNaive(durationMs / 60_000);
        const places = [
          ['web', 'app'],
          ['web', 'proxy'],
          ['db', 'db'],
        ] as const;
        const states = places.map(() => ({ life: 0, cpuSeconds: 5, timestampMs: 0 }));
        for (const step of steps) {
          const nowMs = running.clock.wallMs() + step.afterMs;
          const pods: Record<string, Record<string, Sample>> = {};
          for (const [index, [pod, container]] of places.entries()) {
            const state = states[index]!;
            if (step.restarts === index) Object.assign(state, { life: state.life + 1, cpuSeconds: 0 });
            state.cpuSeconds += Math.min(step.used[index]!, step.afterMs / 1_000);
            state.timestampMs = Math.max(state.timestampMs + 1, nowMs - 500 - step.lagMs[index]!);
            if (pod === 'db' && !step.hasDb) continue;
            // As one that waits for its restart.
            if (container === 'app' && !step.hasApp) continue;
            const { timestampMs, cpuSeconds } = state;
            const sample = {
              containerId: `${pod}-${container}-${state.life}`,
              timestampMs,
              cpuSeconds,
              memoryBytes: step.memory[index]! + 1,
            };
            (pods[pod] ??= {})[container] = sample;
          }
          running.scrape(step.afterMs, pods);
          naive.scraped(running, pods);
          const afterMs = running.clock.wallMs() - durationMs;
          for (const pod of ['web', 'db']) comparePoints(running.points(pod), naive.points(pod, afterMs));
          for (const pod of ['web', 'db'])
            assert.equal(running.history.countPod(identity(pod), all), running.points(pod).length);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('has no point of a pod while one of its containers has no usage, and leaves nothing out', () => {
    const running = start();
    const sampleOf = (containerId: string, cores: number): Sample => {
      const timestampMs = running.clock.wallMs() + 13_000;
      return { containerId, timestampMs, cpuSeconds: ((timestampMs % 1e8) / 1_000) * cores, memoryBytes: 1e6 };
    };
    const startedMs = running.clock.wallMs();
    for (let count = 0; count < 24; count += 1) {
      // The proxy begins late, in a scrape that makes a point, and restarts in another one.
      const proxy = count < 11 ? {} : { proxy: sampleOf(count < 19 ? 'b' : 'c', 2) };
      running.scrape(15_000, { web: { app: sampleOf('a', 0.5), ...proxy } });
    }
    const points = running.points('web');
    const seen = points.map(({ timestampMs, windowMs, containers }) => [
      Math.round((timestampMs - startedMs) / 1_000),
      windowMs / 1_000,
      containers.map(({ name, cpuNanocores }) => `${name} ${(cpuNanocores / 1e9).toFixed(2)}`).join(),
    ]);
    const both = 'app 0.50,proxy 2.00';
    assert.deepEqual(seen, [
      [28, 15, 'app 0.50'],
      [58, 30, 'app 0.50'],
      [118, 60, 'app 0.50'],
      [238, 120, both],
      [358, 120, both],
    ]);
  });

  test('does not wait for a container that never lives for two samples', () => {
    const running = start();
    for (let count = 0; count < 24; count += 1) {
      const timestampMs = running.clock.wallMs() + 13_000;
      const cpuSeconds = (timestampMs % 1e8) / 1_000;
      const app = { containerId: 'a', timestampMs, cpuSeconds, memoryBytes: 1e6 };
      // From the second minute on another one at each scrape.
      const side = { ...app, containerId: `side-${count < 4 ? 0 : count}`, cpuSeconds: count < 4 ? cpuSeconds : 0.1 };
      running.scrape(15_000, { web: { app, side } });
    }
    const seen = running.points('web').map(({ containers }) => containers.map(({ name }) => name).join());
    assert.deepEqual(seen, ['app,side', 'app,side', 'app', 'app', 'app', 'app']);
  });

  test('has one point a minute, whose windows meet, and as many as fit the time', () => {
    const running = start(600_000);
    runSteadily(running, 100);
    const points = running.points('web');
    assert.equal(points.length, 10);
    for (const [index, { timestampMs, windowMs, containers }] of points.entries()) {
      assert.equal(windowMs, 60_000);
      assert.equal(timestampMs, points[0]!.timestampMs + index * 60_000);
      assert.ok(isNear(containers[0]?.cpuNanocores ?? 0, 5e8));
    }
    const machines = running.history.node({ name: node, uid: 'node-uid' }, all);
    assert.equal(machines.length, 10);
    assert.ok(machines.every(({ cpuNanocores, memoryBytes }) => isNear(cpuNanocores, 5e8) && isNear(memoryBytes, 1e9)));
  });

  test('serves the points since a time, and joins those of a step', () => {
    const running = start();
    runSteadily(running, 4 * 40);
    assert.equal(running.points('web', { ...all, sinceSeconds: 600 }).length, 10);
    const joined = running.points('web', { sinceSeconds: 1_800, stepSeconds: 300 });
    assert.equal(running.history.countPod(identity('web'), { sinceSeconds: 1_800, stepSeconds: 300 }), joined.length);
    assert.ok(joined.length >= 6 && joined.length <= 7);
    for (const { windowMs, containers } of joined.slice(1, -1)) {
      assert.equal(windowMs, 300_000);
      assert.ok(isNear(containers[0]?.cpuNanocores ?? 0, 5e8));
    }
    const whole = running.points('web');
    assert.equal(joined.at(-1)?.containers[0]?.memoryBytes, whole.at(-1)?.containers[0]?.memoryBytes);
  });

  test('keeps the line of a container over its restart, and no CPU over the counter that began again', () => {
    const running = start();
    runSteadily(running, 20);
    const before = running.points('web').length;
    for (let count = 1; count <= 12; count += 1) {
      const nowMs = running.clock.wallMs() + 15_000;
      const sample = {
        containerId: 'b',
        timestampMs: nowMs - 2_000,
        cpuSeconds: 1_000_000 + count * 3,
        memoryBytes: 5e6,
      };
      running.scrape(15_000, { web: { app: sample } });
    }
    const points = running.points('web').slice(before);
    assert.ok(points.length >= 2);
    for (const { containers } of points) assert.ok(isNear(containers[0]?.cpuNanocores ?? 0, 2e8));
  });

  test('keeps the points of a container that the kubelet does not report, and has none of it meanwhile', () => {
    const running = start(600_000);
    const scrape = (scrapes: number, names: readonly string[]) => {
      for (let count = 0; count < scrapes; count += 1) {
        const nowMs = running.clock.wallMs() + 15_000;
        const of = { timestampMs: nowMs - 2_000, cpuSeconds: (nowMs % 1e8) / 2_000, memoryBytes: 1e6 };
        running.scrape(15_000, { web: Object.fromEntries(names.map((name) => [name, { containerId: name, ...of }])) });
      }
      return running.points('web').map(({ containers }) => containers.map(({ name }) => name).join());
    };
    const first = scrape(4 * 5, ['app', 'proxy']);
    assert.deepEqual(new Set(first), new Set(['app,proxy']));
    const second = scrape(4 * 2, ['proxy']);
    assert.deepEqual(second, [...first, 'proxy', 'proxy']);
    assert.deepEqual(scrape(4 * 2, ['app', 'proxy']), [...second, 'app,proxy', 'app,proxy']);
    // A ring's slots are used again.
    assert.deepEqual(scrape(4 * 11, ['proxy']), Array<string>(10).fill('proxy'));
  });

  test('keeps the lines of a limited number of containers that have left, and no point without any', () => {
    const running = start();
    for (let life = 0; life < departedLimit + 4; life += 1) {
      for (let count = 0; count < 8; count += 1) {
        const nowMs = running.clock.wallMs() + 15_000;
        const sample = {
          containerId: `${life}`,
          timestampMs: nowMs - 2_000,
          cpuSeconds: nowMs / 1e6,
          memoryBytes: 1e6,
        };
        running.scrape(15_000, { web: { [`debug-${life}`]: sample } });
      }
    }
    const seen = running.points('web').map(({ containers }) => containers.map(({ name }) => name).join());
    const lives = Array.from({ length: departedLimit + 1 }, (_, index) => `debug-${index + 3}`);
    assert.deepEqual([...new Set(seen)], lives);
    assert.equal(running.history.countPod(identity('web'), all), seen.length);
  });

  test('finds each pod of a node that has thousands', () => {
    const running = start();
    const count = 600;
    const at = (index: number) => index * 1e6 + 1e6;
    for (let scrapes = 0; scrapes < 6; scrapes += 1) {
      const nowMs = running.clock.wallMs() + 15_000;
      const pods = Array.from({ length: count }, (_, index) => {
        const app = { containerId: 'a', timestampMs: nowMs - 2_000, cpuSeconds: nowMs / 1e6, memoryBytes: at(index) };
        return [`web-${index}`, { app }] as const;
      });
      running.scrape(15_000, Object.fromEntries(pods));
    }
    for (let index = 0; index < count; index += 1) {
      const points = running.points(`web-${index}`);
      assert.ok(points.length > 0 && points.every(({ containers }) => isNear(containers[0]!.memoryBytes, at(index))));
    }
    assert.deepEqual(running.history.pod(identity('web-1', 'another-uid'), all), []);
  });

  test('has half the points, each of two minutes, once there are too many containers', () => {
    const running = start(hourMs, new Set(), 2);
    runSteadily(running, 4 * 70);
    assert.equal(running.points('web').length, 60);
    const before = running.points('web', { ...all, stepSeconds: 120 });
    // A third line.
    const usual = { containerId: 'a', cpuSeconds: 1, memoryBytes: 1 };
    for (let count = 0; count < 2 * 8; count += 1) {
      const nowMs = running.clock.wallMs() + 15_000;
      const app = { ...usual, timestampMs: nowMs - 2_000, cpuSeconds: (nowMs % 1e8) / 2_000, memoryBytes: 2e9 };
      running.scrape(15_000, {
        web: { app, proxy: { ...usual, timestampMs: nowMs - 2_000, cpuSeconds: nowMs / 1e6 } },
      });
    }
    const points = running.points('web');
    assert.ok(points.length >= 29 && points.length <= 30, `${points.length} points`);
    for (const [index, { timestampMs, windowMs, containers }] of points.slice(1, -3).entries()) {
      assert.equal(timestampMs, points[1]!.timestampMs + index * 120_000);
      assert.equal(windowMs, 120_000);
      const { cpuNanocores } = containers.find(({ name }) => name === 'app')!;
      // Rounded twice.
      assert.ok(Math.abs(cpuNanocores - 5e8) < 5e8 * 0.01);
    }
    const times = new Set(before.map(({ timestampMs }) => timestampMs));
    assert.ok(points.slice(1, -5).every(({ timestampMs }) => times.has(timestampMs)));
    const newest = points.at(-1)!;
    assert.equal(newest.containers.length, 2);
    assert.ok(isNear(newest.containers[0]!.memoryBytes, 2e9));
  });

  test('has no point of a sample that it has already, nor the value that a ring had there before', () => {
    const running = start(600_000);
    const run = (scrapes: number, proxyMs: () => number) => {
      for (let count = 0; count < scrapes; count += 1) {
        const nowMs = running.clock.wallMs() + 15_000;
        const of = (timestampMs: number) => ({
          containerId: 'a',
          timestampMs,
          cpuSeconds: (timestampMs % 1e8) / 2_000,
          memoryBytes: 1e6,
        });
        running.scrape(15_000, { web: { app: of(nowMs - 2_000), proxy: of(proxyMs()) } });
      }
    };
    run(60, () => running.clock.wallMs() + 14_000);
    assert.equal(running.points('web').length, 10);
    assert.ok(running.points('web').every(({ containers }) => containers.length === 2));
    const stoodMs = running.clock.wallMs() - 1_000;
    run(20, () => stoodMs);
    const counts = running.points('web').map(({ containers }) => containers.length);
    assert.equal(counts.length, 10);
    assert.deepEqual(counts.slice(-4), [1, 1, 1, 1]);
  });

  test('takes the last usage where a counter fell, though the container is the same by its ID', () => {
    const running = start();
    runSteadily(running, 20);
    const before = running.points('web').length;
    for (let count = 0; count < 5; count += 1) {
      const nowMs = running.clock.wallMs() + 15_000;
      const sample = { containerId: 'a', timestampMs: nowMs - 2_000, cpuSeconds: 1 + count * 3, memoryBytes: 5e6 };
      running.scrape(15_000, { web: { app: sample } });
    }
    const [point] = running.points('web').slice(before);
    assert.ok(isNear(point?.containers[0]?.cpuNanocores ?? 0, 2e8));
    assert.equal(point?.windowMs, 15_000);
  });

  test('has true times and windows of pods whose clocks are set minutes and hours ahead', () => {
    const running = start();
    // The windows are those of the first point behind the step: a mean, or the usage that is served.
    const pods = { near: [0, 60_000], minutes: [180_000, 240_000], hours: [7_200_000, 15_000] } as const;
    for (let count = 0; count < 60; count += 1) {
      const nowMs = running.clock.wallMs() + 15_000;
      const samples = Object.entries(pods).map(([pod, [aheadMs]]) => {
        const timestampMs = nowMs + (count < 20 ? 0 : aheadMs);
        return [pod, { app: { containerId: 'a', timestampMs, cpuSeconds: count, memoryBytes: 1e6 } }] as const;
      });
      running.scrape(15_000, Object.fromEntries(samples));
    }
    const firstMs = running.points('near')[0]!.timestampMs;
    for (const [pod, [aheadMs, stepWindowMs]] of Object.entries(pods)) {
      assert.deepEqual(
        running.points(pod).map(({ timestampMs, windowMs }) => [timestampMs - firstMs, windowMs]),
        Array.from({ length: 15 }, (_, index) => [
          index * 60_000 + (index < 5 ? 0 : aheadMs),
          index === 0 ? 15_000 : index === 5 ? stepWindowMs : 60_000,
        ]),
      );
    }
  });

  test('is not served beyond its time, though the node was not scraped since', () => {
    const running = start(600_000);
    runSteadily(running, 60);
    running.clock.jump(300_000);
    assert.ok(running.points('web').length >= 4 && running.points('web').length <= 5);
    running.clock.jump(400_000);
    assert.deepEqual(running.points('web'), []);
  });

  test('is not kept of a pod that the API has not placed on the node', () => {
    const clock = createFakeClock();
    const storage = createStorage({ clock, resolutionMs: 15_000, stalenessMs: 45_000 });
    const history = createHistory({ clock, durationMs: hourMs, exists: () => true });
    let layout: Layout | undefined;
    for (let count = 0; count < 20; count += 1) {
      clock.jump(15_000);
      const timestampMs = clock.wallMs() - 1_000;
      const sample = { timestampMs, cpuSeconds: count, memoryBytes: 1e6, containerId: 'a', startTimeMs: undefined };
      const pods = ['web', 'foreign'].map((name) => ({
        namespace: 'shop',
        name,
        uid: `uid-of-${name}`,
        containers: [{ name: 'app', ...sample }],
      }));
      const batch = toBatch({ node, source: 'cadvisor', hasSwap: undefined, machine: undefined, pods }, layout);
      layout ??= { ...batch.layout, unverified: new Set(batch.layout.pods.slice(1)) };
      storage.store({ ...batch, layout });
      history.scraped(node, 'cadvisor', () => storage.currentSamples(node));
    }
    assert.ok(history.pod(identity('web'), all).length > 2);
    assert.deepEqual(history.pod(identity('foreign'), all), []);
  });

  test('is not that of another pod of the name', () => {
    const running = start();
    runSteadily(running, 20);
    assert.deepEqual(running.history.pod(identity('web', 'another'), all), []);
    assert.equal(running.history.countPod(identity('web', 'another'), all), 0);
  });

  test('finds a static pod by its hash', () => {
    const running = start();
    runSteadily(running, 20);
    const mirror = { ...identity('web', 'mirror'), configHash: 'uid-of-web' };
    assert.equal(running.history.pod(mirror, all).length, running.points('web').length);
  });

  test('is not that of a pod of another name or namespace whose UID an annotation gives as the hash', () => {
    const running = start();
    runSteadily(running, 20);
    const hash = { configHash: 'uid-of-web' };
    for (const other of [
      { ...identity('web', 'own'), ...hash, namespace: 'attacker' },
      { ...identity('other', 'own'), ...hash },
    ]) {
      assert.deepEqual(running.history.pod(other, all), []);
      assert.equal(running.history.countPod(other, all), 0);
    }
  });

  test('of a pod that one scrape lacks stays while the API has the pod, and goes with it', () => {
    const existing = new Set(['web']);
    const running = start(hourMs, existing);
    runSteadily(running, 20);
    const before = running.points('web').length;
    assert.ok(before > 2);
    runSteadily(running, 5, 'other');
    assert.equal(running.points('web').length, before);
    runSteadily(running, 5, 'web');
    assert.ok(running.points('web').length > before);
    existing.delete('web');
    runSteadily(running, 5, 'other');
    assert.deepEqual(running.points('web'), []);
  });

  test('is not that of another node of the name', () => {
    const running = start();
    runSteadily(running, 20);
    assert.deepEqual(running.history.node({ name: node, uid: 'another' }, all), []);
    running.history.keepOnly(node, 'another');
    assert.deepEqual(running.points('web'), []);
    assert.deepEqual(running.history.node({ name: node, uid: 'node-uid' }, all), []);
  });

  test('goes with its node', () => {
    const running = start();
    runSteadily(running, 20);
    running.history.forget(node);
    assert.deepEqual(running.points('web'), []);
  });

  test('has the true times of a node whose clock is wrong by hours, and no points of one that is wrong by a day', () => {
    for (const [wrongMs, points, recent] of [
      [-8 * hourMs, 5, 3],
      [-1_200_000, 5, 3],
      [1_200_000, 5, 3],
      [8 * hourMs, 5, 3],
      [-24 * hourMs, 0, 0],
    ] as const) {
      const running = start();
      for (let count = 0; count < 20; count += 1) {
        const nowMs = running.clock.wallMs() + 15_000;
        const sample = { containerId: 'a', timestampMs: nowMs + wrongMs, cpuSeconds: count, memoryBytes: 5e6 };
        running.scrape(15_000, { web: { app: sample } });
      }
      assert.equal(running.points('web').length, points, `${wrongMs} ms`);
      assert.equal(running.points('web', { sinceSeconds: 90, stepSeconds: undefined }).length, recent, `${wrongMs} ms`);
      const nowMs = running.clock.wallMs() + wrongMs;
      assert.ok(running.points('web').every(({ timestampMs }) => Math.abs(nowMs - timestampMs) < 600_000));
    }
  });

  test('has points again after a suspension, or after a clock that was wrong at the start is set', () => {
    for (const steppedMs of [24 * hourMs, -24 * hourMs]) {
      const running = start();
      const scrape = (aheadMs: number) => {
        for (let count = 0; count < 20; count += 1) {
          const nowMs = running.clock.wallMs() + 15_000;
          const sample = {
            containerId: 'a',
            timestampMs: nowMs + aheadMs,
            cpuSeconds: nowMs / 2_000,
            memoryBytes: 5e6,
          };
          running.scrape(15_000, { web: { app: sample } });
        }
      };
      // The kubelet's clock is right.
      scrape(steppedMs);
      assert.deepEqual(running.points('web'), []);
      running.clock.stepWall(steppedMs);
      scrape(0);
      const points = running.points('web');
      assert.ok(points.length >= 4, `${points.length} points after a step of ${steppedMs} ms`);
      const nowMs = running.clock.wallMs();
      assert.ok(points.every(({ timestampMs }) => nowMs - timestampMs < 300_000));
    }
  });

  test('keeps its points over an hour of suspension, up to the time that is kept', () => {
    const running = start(6 * hourMs);
    runSteadily(running, 40);
    const before = running.points('web', { ...all, sinceSeconds: 6 * 3_600 });
    running.clock.stepWall(2 * hourMs);
    runSteadily(running, 40);
    const points = running.points('web', { ...all, sinceSeconds: 6 * 3_600 });
    // The newest one alone has a source.
    assert.deepEqual(points.slice(0, before.length), before.map(withoutSource));
    assert.ok(points.length >= before.length + 9);
  });

  test('has the true window where scrapes are minutes apart', () => {
    const clock = createFakeClock();
    const minutes = 10;
    const storage = createPointStorage({ clock, resolutionMs: minutes * 60_000, stalenessMs: 3 * minutes * 60_000 });
    const history = createHistory({ clock, durationMs: hourMs, exists: () => true });
    for (let count = 0; count < 8; count += 1) {
      clock.jump(minutes * 60_000);
      const point = { timestampMs: clock.wallMs() - 1_000, cpuSeconds: count * 300, memoryBytes: 5e6 };
      const containers = [{ name: 'app', containerId: 'a', startTimeMs: undefined, ...point }];
      const pods = [{ namespace: 'shop', name: 'web', uid: 'uid-of-web', containers }];
      storage.store({ node, source: 'cadvisor', hasSwap: undefined, machine: point, pods });
      history.scraped(node, 'cadvisor', () => storage.currentSamples(node));
    }
    for (const [stepSeconds, windowMs] of [
      [undefined, 600_000],
      [1_800, 1_800_000],
    ] as const) {
      const points = history.pod(identity('web'), { sinceSeconds: 3_600, stepSeconds });
      assert.ok(points.some((point) => point.windowMs === windowMs && isNear(point.containers[0]!.cpuNanocores, 5e8)));
    }
  });

  test('serves no point of before a suspension for a shorter time', () => {
    const running = start();
    runSteadily(running, 20);
    running.clock.stepWall(1_800_000);
    assert.deepEqual(running.points('web', { sinceSeconds: 600, stepSeconds: undefined }), []);
    assert.equal(running.points('web').length, 6);
  });

  test('has no gap after a step of our clock', () => {
    const running = start();
    runSteadily(running, 20);
    const before = running.points('web').length;
    running.clock.stepWall(-600_000);
    runSteadily(running, 8);
    assert.equal(running.points('web').length, before + 2);
  });
});

function comparePoints(is: readonly PodUsage[], should: readonly PodUsage[]): void {
  assert.equal(is.length, should.length);
  for (const [index, { timestampMs, windowMs, containers }] of is.entries()) {
    const expected = should[index]!;
    assert.equal(timestampMs, expected.timestampMs);
    assert.equal(windowMs, expected.windowMs);
    assert.deepEqual(
      containers.map(({ name }) => name),
      expected.containers.map(({ name }) => name),
    );
    for (const [at, { cpuNanocores, memoryBytes }] of containers.entries()) {
      const wanted = expected.containers[at]!;
      assert.ok(isNear(cpuNanocores, wanted.cpuNanocores), `${cpuNanocores} is not near ${wanted.cpuNanocores}`);
      assert.ok(isNear(memoryBytes, wanted.memoryBytes), `${memoryBytes} is not near ${wanted.memoryBytes}`);
    }
  }
}

/** Keeps all samples, and makes the points of them from the definition. */
function createNaive(slots: number) {
  /** The samples of each container, each with the previous one that the storage counts from. */
  const samples = new Map<string, { readonly sample: Sample; readonly slot: number; readonly isPoint: boolean }[]>();
  const points = new Map<string, (PodUsage & { readonly slot: number })[]>();
  const waits = new Map<string, number>();
  let lastSlot = -1;
  const seconds = (ms: number) => Math.floor(ms / 1_000);
  return {
    scraped({ clock, storage }: Running, pods: Readonly<Record<string, Readonly<Record<string, Sample>>>>): void {
      const slot = Math.floor(clock.wallMs() / 60_000);
      const isDue = slot > lastSlot;
      let hasPoint = storage.nodeUsage(node).kind === 'ready' && isDue;
      for (const [pod, containers] of Object.entries(pods)) {
        const made: PodUsage['containers'][number][] = [];
        // A pod waits for a new container, for one slot.
        const isWhole = Object.entries(containers).every((each) => hasSecond(storage, pod, ...each));
        if (isDue) waits.set(pod, isWhole ? Infinity : Math.min(waits.get(pod) ?? Infinity, slot));
        for (const [name, sample] of Object.entries(containers)) {
          const key = `${pod}/${name}`;
          const list = samples.get(key) ?? [];
          samples.set(key, list);
          const previous = list.at(-1)?.sample;
          const follows = (other: Sample | undefined) => other?.containerId === sample.containerId;
          // A pod that was away for longer than the staleness begins again.
          const isServed = storage.podUsage(identity(pod)).kind === 'ready' || list.length > 0;
          const base = list.findLast(({ isPoint }) => isPoint)?.sample;
          const isMean = base !== undefined && follows(base) && sample.timestampMs - base.timestampMs < 255_000;
          const from = isMean ? base : previous;
          const isPoint =
            isDue &&
            isServed &&
            from !== undefined &&
            follows(from) &&
            hasSecond(storage, pod, name, sample) &&
            waits.get(pod) !== slot;
          list.push({ sample, slot, isPoint });
          if (!isPoint) continue;
          const windowMs = sample.timestampMs - from.timestampMs;
          const used = sample.cpuSeconds - from.cpuSeconds;
          made.push({
            name,
            timestampMs: sample.timestampMs,
            windowMs,
            cpuNanocores: Math.max(0, (used * 1e12) / windowMs),
            memoryBytes: sample.memoryBytes,
          });
        }
        if (made.length === 0) continue;
        hasPoint = true;
        const oldest = made.reduce((a, b) => (b.timestampMs < a.timestampMs ? b : a));
        const windowMs = 1_000 * (seconds(oldest.timestampMs) - seconds(oldest.timestampMs - oldest.windowMs));
        const list = points.get(pod) ?? [];
        points.set(pod, list);
        list.push({
          slot,
          timestampMs: seconds(oldest.timestampMs) * 1_000,
          windowMs: Math.max(1_000, windowMs),
          containers: made.sort((a, b) => (a.name < b.name ? -1 : 1)),
        });
      }
      if (hasPoint) lastSlot = slot;
    },
    points: (pod: string, afterMs: number) =>
      (points.get(pod) ?? []).filter(({ slot, timestampMs }) => slot > lastSlot - slots && timestampMs > afterMs),
  };
}

/** Reports whether the storage has two samples of the container, the newest of them this one. */
function hasSecond(storage: PointStorage, pod: string, container: string, sample: Sample): boolean {
  for (const state of storage.states()) {
    const of = state[1].pods.find(({ name }) => name === `shop/${pod}`)?.containers.get(container);
    return of?.last.timestampMs === sample.timestampMs && typeof of.base !== 'string';
  }
  return false;
}

describe('the source of a point', () => {
  const nodePoints = ({ history }: Running, range: HistoryRange = all) =>
    history.node({ name: node, uid: 'node-uid' }, range);
  const sourcesOf = (running: Running, range: HistoryRange = all) =>
    [running.points('web', range), nodePoints(running, range)].map((points) => points.map(({ source }) => source));

  test('is that of the newest one only, since those of older ones are not kept', () => {
    const running = start();
    runSteadily(running, 12);
    const [ofPod, ofNode] = sourcesOf(running);
    assert.deepEqual(ofPod, [undefined, undefined, undefined, 'cadvisor']);
    assert.deepEqual(ofNode, ofPod);
    // A joined point is that of its last sample.
    assert.deepEqual(sourcesOf(running, { ...all, stepSeconds: 3_600 }), [['cadvisor'], ['cadvisor']]);
  });

  test('is that of the first point after a start', () => {
    const running = start();
    while (running.points('web').length === 0) runSteadily(running, 1);
    assert.deepEqual(sourcesOf(running), [['cadvisor'], ['cadvisor']]);
  });

  test('is not known in the scrape in which it changes, and is the new one afterwards', () => {
    const running = start();
    runSteadily(running, 8);
    running.source = 'resource';
    const changes: unknown[] = [];
    let points = running.points('web').length;
    for (let count = 0; count < 12; count += 1) {
      runSteadily(running, 1);
      const all = running.points('web');
      if (all.length > points) changes.push(all.at(-1)?.source);
      else assert.equal(all.at(-1)?.source, count < 4 && changes.length === 0 ? 'cadvisor' : changes.at(-1));
      points = all.length;
    }
    assert.ok(changes.length >= 2);
    assert.equal(changes.at(-1), 'resource');
    for (let scrapes = 4; scrapes < 8; scrapes += 1) {
      const other = start();
      runSteadily(other, scrapes);
      const before = other.points('web').length;
      other.source = 'resource';
      runSteadily(other, 1);
      const all = other.points('web');
      assert.equal(all.at(-1)?.source, all.length > before ? undefined : 'cadvisor', `${scrapes} scrapes`);
    }
  });

  test('of a pod whose newest point is not of the last minute is not known', () => {
    const running = start(hourMs, new Set(['web']));
    runSteadily(running, 8);
    runSteadily(running, 8, 'other');
    assert.equal(running.points('web').at(-1)?.source, undefined);
    assert.equal(running.points('other').at(-1)?.source, 'cadvisor');
  });
});
