import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerPoint, Missing, NodePoints, PodBatch } from '../../../src/sample/point.ts';
import { defaultStalenessMs } from '../../../src/storage/lastusage.ts';
import { readSnapshot, writeSnapshot } from '../../../src/storage/snapshot.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createPointStorage, type PointStorage as Storage } from './pointstorage.ts';

const resolutionMs = 15_000;

function setUp(stalenessMs = defaultStalenessMs(resolutionMs)) {
  const clock = createFakeClock();
  return { clock, storage: createPointStorage({ clock, resolutionMs, stalenessMs }) };
}

const missing = (reason: Missing, node = 'node-a') => ({ kind: 'missing', reason, node });

const pod = (atSeconds: number, rest: Partial<PodBatch> & { id?: string; cpu?: number } = {}): PodBatch => ({
  namespace: 'shop',
  name: 'web-0',
  uid: 'uid-1',
  containers: [
    {
      name: 'app',
      containerId: rest.id ?? 'id-1',
      startTimeMs: undefined,
      timestampMs: atSeconds * 1000,
      cpuSeconds: rest.cpu ?? atSeconds / 10,
      memoryBytes: 5000,
    },
  ],
  ...rest,
});
const batch = (atSeconds: number, pods: readonly PodBatch[] = [pod(atSeconds)], node = 'node-a'): NodePoints => ({
  node,
  source: 'cadvisor',
  machine: { timestampMs: atSeconds * 1000, cpuSeconds: 1 + atSeconds, memoryBytes: 9000 },
  hasSwap: undefined,
  pods,
});
interface OddSample {
  readonly id?: string;
  readonly atSeconds?: number;
  readonly cpu?: number;
  readonly memoryBytes?: number;
}

const web = { namespace: 'shop', name: 'web-0', uid: 'uid-1', configHash: undefined, node: undefined };

describe('storage', () => {
  test('has no usage before a scrape, and reports why', () => {
    const { storage } = setUp();
    assert.deepEqual(storage.nodeUsage('node-a'), { kind: 'missing', reason: 'never-scraped' });
    assert.deepEqual(storage.podUsage(web), { kind: 'missing', reason: 'never-scraped' });
    assert.equal(storage.isWarm(), false);
  });

  test('serves a node and its pods from the second sample on', () => {
    const { storage } = setUp();
    storage.store(batch(100));
    assert.deepEqual(storage.podUsage(web), missing('one-sample'));
    storage.store(batch(110));
    const usage = storage.podUsage(web);
    assert.equal(usage.kind === 'ready' && usage.value.containers[0]?.cpuNanocores, 100_000_000);
    const node = storage.nodeUsage('node-a');
    assert.equal(node.kind === 'ready' && node.value.cpuNanocores, 1_000_000_000);
    assert.equal(storage.isWarm(), true);
    assert.deepEqual(storage.counts(), { nodes: 1, containers: 1 });
  });

  test('serves no pod without a container whose row has no value: its last usage until that is stale, and then the reason', async () => {
    const { clock, storage } = setUp();
    const two = (at: number, memoryBytes: number) => {
      const [app] = pod(at).containers;
      assert.ok(app);
      return batch(at, [{ ...pod(at), containers: [app, { ...app, name: 'side', containerId: 'id-2', memoryBytes }] }]);
    };
    storage.store(two(100, 70));
    storage.store(two(115, 70));
    for (let at = 130; at <= 300; at += 15) {
      await clock.advance(resolutionMs);
      storage.store(two(at, Number.NaN));
      const usage = storage.podUsage(web);
      if (at <= 160) assert.equal(usage.kind === 'ready' && usage.value.containers.length, 2, `at ${at}`);
      else assert.equal(usage.kind, 'missing', `at ${at}`);
    }
    for (const at of [315, 330]) {
      await clock.advance(resolutionMs);
      storage.store(two(at, 70));
    }
    const usage = storage.podUsage(web);
    assert.deepEqual(
      usage.kind === 'ready' && usage.value.containers.map(({ cpuNanocores }) => cpuNanocores),
      [1e8, 1e8],
    );
  });

  for (const [what, odd] of [
    ['with an old time at its restart', [{ id: 'id-3', atSeconds: 30, cpu: 1 }, { id: 'id-3' }]],
    ['with an old time, twice', [{ atSeconds: 30 }, { atSeconds: 20 }, {}]],
    [
      'without a value at its restart, and then with a single sample',
      [
        { id: 'id-3', memoryBytes: Number.NaN },
        { id: 'id-3', atSeconds: 145 },
        { id: 'id-3', atSeconds: 145 },
        { id: 'id-3', atSeconds: 145 },
      ],
    ],
  ] as const) {
    test(`serves no pod without a container that comes ${what}`, async () => {
      const { clock, storage } = setUp();
      const two = (at: number, rest: OddSample = {}) => {
        const { id = 'id-2', atSeconds = at, cpu = atSeconds / 10, memoryBytes = 70 } = rest;
        const [app] = pod(at).containers;
        const [side] = pod(atSeconds, { id, cpu }).containers;
        assert.ok(app && side);
        return batch(at, [{ ...pod(at), containers: [app, { ...side, name: 'side', memoryBytes }] }]);
      };
      storage.store(two(100));
      await clock.advance(resolutionMs);
      storage.store(two(115));
      let at = 115;
      for (const rest of odd) {
        await clock.advance(resolutionMs);
        at += 15;
        storage.store(two(at, rest));
        const usage = storage.podUsage(web);
        if (usage.kind === 'ready') assert.equal(usage.value.containers.length, 2, `at ${at}`);
        else assert.ok(at > 115 + 45, `at ${at}`);
      }
    });
  }

  for (const [backSeconds, intervalsMs] of [
    [30, [15_000, 15_000, 15_000]],
    [25, [15_000, 15_000, 15_000]],
    [3_600, [15_000, 15_000, 15_000]],
  ] as const) {
    test(`counts the intervals of a node's own clock after it was set back by ${backSeconds} s`, async () => {
      const { clock, storage } = setUp();
      const windows: number[] = [];
      for (const at of [100, 115, 130, 145 - backSeconds, 160 - backSeconds, 175 - backSeconds]) {
        storage.store(batch(at, [pod(at, { cpu: 1 + clock.monotonicMs() / 10_000 })]));
        await clock.advance(resolutionMs);
        const usage = storage.podUsage(web);
        if (usage.kind === 'ready') {
          windows.push(usage.value.windowMs);
          assert.equal(usage.value.containers[0]?.cpuNanocores, 1e8);
        }
      }
      assert.deepEqual(windows.slice(-3), intervalsMs);
    });
  }

  test('serves no pod without a container that restarts while the clock of its node is set back', async () => {
    const { clock, storage } = setUp();
    const two = (atSeconds: number, at: number, id: string) => {
      const [app] = pod(atSeconds).containers;
      const [side] = pod(at, { id }).containers;
      assert.ok(app && side);
      return batch(at, [{ ...pod(at), containers: [app, { ...side, name: 'side' }] }]);
    };
    for (const points of [
      two(4_000, 4_000, 'id-2'),
      two(4_015, 4_015, 'id-2'),
      two(4_015, 430, 'id-3'),
      two(445, 430, 'id-3'),
      two(460, 460, 'id-3'),
    ]) {
      storage.store(points);
      const usage = storage.podUsage(web);
      if (usage.kind === 'ready') assert.equal(usage.value.containers.length, 2);
      await clock.advance(resolutionMs);
    }
    assert.equal(storage.podUsage(web).kind, 'ready');
  });

  test('counts no sample with a lower counter, or of another clock, as one of too much CPU', () => {
    const odd: string[] = [];
    const clock = createFakeClock();
    const options = { clock, resolutionMs, stalenessMs: defaultStalenessMs(resolutionMs), capacityCores: () => 4 };
    const storage = createPointStorage({ ...options, onImplausible: (_, what) => odd.push(what) });
    for (const [at, cpu] of [
      [100, 50],
      [115, 51],
      [130, 20],
      [145, 52],
      [50, 53],
      [160, 54],
    ] as const)
      storage.store(batch(at, [pod(at, { cpu })]));
    assert.deepEqual(odd, []);
    storage.store(batch(175, [pod(175, { cpu: 5_400 })]));
    assert.deepEqual(odd, ['container app of pod shop/web-0']);
  });

  for (const [what, ended] of [
    ['has ended, whose cgroup lingers', { cpuSeconds: 0, memoryBytes: 0 }],
    ['uses no memory any more', { memoryBytes: 0 }],
  ] as const) {
    test(`serves a container that ${what} with what it reports once its last value is stale`, async () => {
      const { clock, storage } = setUp();
      const two = (at: number, rest: Partial<ContainerPoint> = {}) => {
        const [app] = pod(at).containers;
        assert.ok(app);
        return batch(at, [{ ...pod(at), containers: [app, { ...app, name: 'side', containerId: 'id-2', ...rest }] }]);
      };
      storage.store(two(100));
      await clock.advance(resolutionMs);
      storage.store(two(115));
      for (let at = 130; at <= 160; at += 15) {
        await clock.advance(resolutionMs);
        storage.store(two(at, ended));
        const usage = storage.podUsage(web);
        assert.equal(usage.kind === 'ready' && usage.value.containers[1]?.memoryBytes, 5000, `at ${at}`);
      }
      for (let at = 175; at <= 400; at += 15) {
        await clock.advance(resolutionMs);
        storage.store(two(at, ended));
        const usage = storage.podUsage(web);
        assert.equal(usage.kind === 'ready' && usage.value.containers.length, 2, `at ${at}`);
        assert.equal(usage.kind === 'ready' && usage.value.containers[1]?.memoryBytes, 0, `at ${at}`);
        const cores = usage.kind === 'ready' ? usage.value.containers[1]?.cpuNanocores : undefined;
        assert.equal(cores, 'cpuSeconds' in ended ? 0 : 1e8, `at ${at}`);
      }
    });
  }

  test('keeps the last good value with its own time while scrapes fail, until it is stale', async () => {
    const { clock, storage } = setUp();
    storage.store(batch(100));
    storage.store(batch(110));
    await clock.advance(3 * resolutionMs);
    const usage = storage.podUsage(web);
    assert.equal(usage.kind === 'ready' && usage.value.timestampMs, 110_000);
    await clock.advance(1);
    assert.deepEqual(storage.podUsage(web), missing('stale'));
    assert.deepEqual(storage.nodeUsage('node-a'), missing('stale'));
  });

  test('serves older usages of a kubelet that samples every five minutes', async () => {
    const { clock, storage } = setUp();
    for (let scrape = 0; scrape < 20; scrape += 1) {
      storage.store(batch(0));
      await clock.advance(resolutionMs);
    }
    storage.store(batch(300));
    await clock.advance(600_000);
    assert.equal(storage.nodeUsage('node-a').kind, 'ready');
    await clock.advance(1);
    assert.equal(storage.nodeUsage('node-a').kind, 'missing');
  });

  test('serves older usages of all pods of a node that samples slowly, also of one that just started', async () => {
    const { clock, storage } = setUp();
    const fresh = (at: number) => pod(at, { name: 'fresh', uid: 'uid-2', id: 'id-2' });
    storage.store(batch(0));
    for (let scrape = 1; scrape < 20; scrape += 1) {
      await clock.advance(resolutionMs);
      storage.store(batch(0));
    }
    await clock.advance(resolutionMs);
    const [started] = fresh(300).containers;
    assert.ok(started);
    const young = { ...fresh(300), containers: [{ ...started, startTimeMs: 280_000 }] };
    assert.equal(storage.store(batch(300, [pod(300), young])).spacingMs, 300_000);
    await clock.advance(600_000);
    assert.equal(storage.podUsage({ ...web, name: 'fresh', uid: 'uid-2' }).kind, 'ready');
    await clock.advance(1);
    assert.deepEqual(storage.podUsage({ ...web, name: 'fresh', uid: 'uid-2' }), missing('stale'));
  });

  test('is not the mean of an outage before it, nor good for longer because of it', async () => {
    const { clock, storage } = setUp();
    storage.store(batch(0));
    await clock.advance(resolutionMs);
    storage.store(batch(15));
    await clock.advance(3_600_000);
    storage.store(batch(3_615));
    assert.deepEqual(storage.nodeUsage('node-a'), missing('restarted'));
    assert.deepEqual(storage.podUsage(web), missing('restarted'));
    await clock.advance(resolutionMs);
    storage.store(batch(3_630));
    await clock.advance(3 * resolutionMs);
    assert.equal(storage.nodeUsage('node-a').kind, 'ready');
    await clock.advance(1);
    assert.deepEqual(storage.nodeUsage('node-a'), missing('stale'));
    assert.deepEqual(storage.podUsage(web), missing('stale'));
  });

  test('serves older usages of a node whose kubelet samples every five minutes and ten seconds', async () => {
    const { clock, storage } = setUp();
    storage.store(batch(0));
    for (const sampled of [310, 620]) {
      for (let scrape = 0; scrape < 20; scrape += 1) {
        await clock.advance(resolutionMs);
        storage.store(batch(sampled - 310));
      }
      await clock.advance(10_000);
      assert.equal(storage.store(batch(sampled)).spacingMs, 310_000);
    }
    assert.equal(storage.nodeUsage('node-a').kind, 'ready');
    assert.equal(storage.podUsage(web).kind, 'ready');
  });

  test("learns no spacing from a step of the node's clock", async () => {
    const { clock, storage } = setUp();
    storage.store(batch(0));
    for (const sampled of [15, 30, 320]) {
      await clock.advance(resolutionMs);
      storage.store(batch(sampled));
    }
    await clock.advance(3 * resolutionMs + 1);
    assert.deepEqual(storage.podUsage(web), missing('stale'));
    assert.deepEqual(storage.nodeUsage('node-a'), missing('stale'));
  });

  test('does not take scrapes that were missed for a kubelet that samples slowly', async () => {
    const { clock, storage } = setUp();
    storage.store(batch(0));
    await clock.advance(resolutionMs);
    assert.equal(storage.store(batch(15)).spacingMs, 15_000);
    await clock.advance(20 * resolutionMs);
    assert.equal(storage.store(batch(315)).spacingMs, 15_000);
  });

  test('keeps a usage as long as --metrics-staleness says, but for one missed sample at least', async () => {
    const { clock, storage } = setUp(20_000);
    storage.store(batch(100));
    await clock.advance(resolutionMs);
    storage.store(batch(115));
    await clock.advance(30_000);
    assert.equal(storage.podUsage(web).kind, 'ready');
    await clock.advance(1);
    assert.deepEqual(storage.podUsage(web), missing('stale'));
  });

  test('serves a new container of a known node from its first sample on, if that is 10 s after its start', () => {
    const { storage } = setUp();
    storage.store(batch(100, []));
    const [app] = pod(0).containers;
    assert.ok(app);
    const started = { ...app, startTimeMs: 101_000, timestampMs: 131_000, cpuSeconds: 3 };
    assert.equal(storage.store(batch(131, [{ ...pod(131), containers: [started] }])).waiting, 0);
    const usage = storage.podUsage(web);
    assert.equal(usage.kind === 'ready' && usage.value.containers[0]?.cpuNanocores, 100_000_000);
  });

  test('returns how many samples wait for a second one', () => {
    const { storage } = setUp();
    assert.equal(storage.store(batch(100)).waiting, 2);
    assert.equal(storage.store(batch(115)).waiting, 0);
    const other = pod(130, { name: 'other', uid: 'uid-2' });
    assert.equal(storage.store(batch(130, [pod(130), other])).waiting, 1);
  });

  test('lets a sample that is repeated become stale', async () => {
    const { clock, storage } = setUp();
    storage.store(batch(100));
    storage.store(batch(110));
    for (let scrape = 0; scrape < 4; scrape += 1) {
      await clock.advance(resolutionMs);
      storage.store(batch(110));
    }
    assert.deepEqual(storage.podUsage(web), missing('stale'));
  });

  test('serves the old usage of a restarted container until the new one has its own', () => {
    const { storage } = setUp();
    storage.store(batch(100));
    storage.store(batch(110));
    storage.store(batch(120, [pod(120, { id: 'id-2', cpu: 0.1 })]));
    const before = storage.podUsage(web);
    assert.equal(before.kind === 'ready' && before.value.timestampMs, 110_000);
    storage.store(batch(130, [pod(130, { id: 'id-2', cpu: 0.6 })]));
    const after = storage.podUsage(web);
    assert.equal(after.kind === 'ready' && after.value.containers[0]?.cpuNanocores, 50_000_000);
  });

  test('keeps a pod that a kubelet no longer reports, since a kubelet that just started knows none', async () => {
    const { clock, storage } = setUp();
    storage.store(batch(100));
    storage.store(batch(110));
    storage.store(batch(120, []));
    assert.equal(storage.podUsage(web).kind, 'ready');
    await clock.advance(3 * resolutionMs + 1);
    storage.store(batch(170, []));
    assert.deepEqual(storage.counts(), { nodes: 1, containers: 0 });
  });

  test('never counts a rate across pods of one name: the UID decides', () => {
    const { storage } = setUp();
    storage.store(batch(100));
    storage.store(batch(110));
    storage.store(batch(120, [pod(120, { uid: 'uid-2', id: 'id-9', cpu: 50 })]));
    const recreated = { ...web, uid: 'uid-2' };
    assert.deepEqual(storage.podUsage(recreated), missing('one-sample'));
    assert.deepEqual(storage.podUsage({ ...web, uid: 'uid-3' }), { kind: 'missing', reason: 'other-uid' });
    const isReported = (uid: string) => storage.isReported({ ...web, uid });
    assert.deepEqual(['uid-1', 'uid-2', 'uid-3'].map(isReported), [true, true, false]);
    assert.equal(storage.isReported({ ...web, name: 'web-1' }), false);
  });

  test('distinguishes pods of one name on two nodes by their UID', () => {
    const { storage } = setUp();
    for (const at of [100, 110]) {
      storage.store(batch(at, [pod(at, { uid: 'old', cpu: at })], 'node-a'));
      storage.store(batch(at, [pod(at, { uid: 'uid-1' })], 'node-b'));
    }
    const usage = storage.podUsage(web);
    assert.equal(usage.kind === 'ready' && usage.value.containers[0]?.cpuNanocores, 100_000_000);
  });

  test('finds a static pod by its config hash, and any pod of a source without UIDs', () => {
    const { storage } = setUp();
    for (const at of [100, 110]) {
      storage.store(
        batch(at, [pod(at, { uid: 'abcdef', name: 'etcd' }), { ...pod(at, { name: 'plain' }), uid: undefined }]),
      );
    }
    assert.equal(storage.podUsage({ ...web, name: 'etcd', uid: 'mirror', configHash: 'abcdef' }).kind, 'ready');
    assert.equal(storage.podUsage({ ...web, name: 'plain', uid: 'any' }).kind, 'ready');
  });

  describe('a node that changes to the endpoint without UIDs and back', () => {
    const plain = (at: number, id = `start:${at > 0}`) => ({ ...pod(at, { id }), uid: undefined });

    /** With the UID that admission gives its pods: at first the one, then another one under its name. */
    const bound = (points: NodePoints, uid = 'uid-1') => ({
      ...points,
      pods: points.pods.map((each) => ({ ...each, uid })),
    });
    const resource = (at: number, pods: readonly PodBatch[]): NodePoints => ({
      ...batch(at, pods),
      source: 'resource',
    });

    test('serves its pods all the time', () => {
      const { storage } = setUp();
      const serves = () => storage.podUsage(web).kind === 'ready';
      for (const at of [100, 110]) storage.store(batch(at));
      for (const at of [120, 130]) {
        storage.store(bound(resource(at, [plain(at)])));
        assert.ok(serves(), `without UIDs at ${at}`);
      }
      for (const at of [140, 150]) {
        storage.store(batch(at));
        assert.ok(serves(), `with UIDs at ${at}`);
      }
      const usage = storage.podUsage(web);
      assert.equal(usage.kind === 'ready' && usage.value.timestampMs, 150_000);
    });

    test("does not serve a pod's usage for one that was created again under its name", () => {
      const { storage } = setUp();
      for (const at of [100, 110]) storage.store(batch(at));
      storage.store(bound(resource(120, [plain(120)]), 'uid-2'));
      assert.deepEqual(storage.podUsage({ ...web, uid: 'uid-2' }), missing('one-sample'));
      assert.equal(storage.podUsage(web).kind, 'ready');
    });

    test('serves a pod over a scrape that does not report it', () => {
      const { storage } = setUp();
      for (const at of [100, 110]) storage.store(bound(resource(at, [plain(at)])));
      storage.store(bound(resource(120, [])));
      assert.equal(storage.podUsage(web).kind, 'ready');
      storage.store(bound(resource(130, [plain(130)])));
      const usage = storage.podUsage(web);
      assert.equal(usage.kind === 'ready' && usage.value.windowMs, 20_000);
    });

    test('believes no start time of containers that it sees by the other endpoint for the first time', () => {
      const { storage } = setUp();
      for (const at of [100, 110]) storage.store(bound(resource(at, [plain(at)])));
      const [old] = pod(120, { cpu: 50 }).containers;
      assert.ok(old);
      storage.store(batch(120, [{ ...pod(120), containers: [{ ...old, startTimeMs: 90_000 }] }]));
      const usage = storage.podUsage(web);
      assert.equal(usage.kind === 'ready' && usage.value.timestampMs, 110_000);
    });

    test('does not hand the numbers of a pod to the next one of its name', () => {
      const { storage } = setUp();
      for (const at of [100, 110]) storage.store(batch(at, [plain(at)]));
      storage.store(batch(120, [plain(120, 'start:other')]));
      assert.deepEqual(storage.podUsage(web), missing('restarted'));
    });

    test('nor to one that is known to be on another node', () => {
      const { storage } = setUp();
      for (const at of [100, 110]) storage.store(batch(at, [plain(at)], 'node-a'));
      storage.store(batch(120, [pod(120)], 'node-b'));
      assert.deepEqual(storage.podUsage({ ...web, node: 'node-b' }), missing('one-sample', 'node-b'));
    });
  });

  test('does not serve an init container that has ended for the pod that runs', () => {
    const { storage } = setUp();
    const named = (at: number, name: string, id: string): PodBatch => {
      const [first] = pod(at, { id }).containers;
      assert.ok(first);
      return { ...pod(at), containers: [{ ...first, name }] };
    };
    for (const at of [100, 110]) storage.store(batch(at, [named(at, 'init', 'id-0')]));
    storage.store(batch(120, [named(120, 'app', 'id-1')]));
    assert.equal(storage.podUsage(web).kind, 'missing');
  });

  test('nor the sidecar that stays for the pod whose container has just started', () => {
    const { storage } = setUp();
    const named = (at: number, ...names: readonly string[]): PodBatch => ({
      ...pod(at),
      containers: names.flatMap((name) => pod(at, { id: name }).containers.map((point) => ({ ...point, name }))),
    });
    for (const at of [100, 110]) storage.store(batch(at, [named(at, 'init', 'sidecar')]));
    storage.store(batch(120, [named(120, 'app', 'sidecar')]));
    assert.equal(storage.podUsage(web).kind, 'missing');
  });

  test('lets a container that ended and lingers not make the others stale', async () => {
    const { clock, storage } = setUp();
    const both = (at: number, jobAt: number): PodBatch => {
      const [app] = pod(at).containers;
      const [job] = pod(jobAt, { id: 'id-9' }).containers;
      assert.ok(app && job);
      return { ...pod(at), containers: [app, { ...job, name: 'job' }] };
    };
    storage.store(batch(100, [both(100, 100)]));
    for (let at = 115; at < 200; at += 15) {
      storage.store(batch(at, [both(at, Math.min(at, 115))]));
      await clock.advance(resolutionMs);
      assert.equal(storage.podUsage(web).kind, 'ready', `at ${at}`);
    }
  });

  describe('a container without a usage beside one that has its own', () => {
    interface Row {
      readonly name: string;
      readonly id: string;
      readonly at: number;
    }
    const podOf = (...rows: readonly Row[]): PodBatch => ({
      ...pod(0),
      containers: rows.flatMap(({ name, id, at }) => pod(at, { id }).containers.map((point) => ({ ...point, name }))),
    });
    const app = (at: number): Row => ({ name: 'app', id: 'id-app', at });
    const served = (storage: Storage) => {
      const usage = storage.podUsage(web);
      return usage.kind === 'ready'
        ? usage.value.containers.map(({ name, timestampMs }) => `${name}@${timestampMs / 1000}`).join(' ')
        : usage.reason;
    };
    /** Returns what is served after each scrape, one per resolution from 100 s on. */
    async function run(times: number, rows: (at: number) => readonly Row[]): Promise<string[]> {
      const { clock, storage } = setUp();
      const answers: string[] = [];
      for (let at = 100; at < 100 + times * 15; at += 15) {
        storage.store(batch(at, [podOf(...rows(at))]));
        answers.push(served(storage));
        await clock.advance(resolutionMs);
      }
      return answers;
    }

    test('is waited for as long as the last usage is good, and does not take the pod away then', async () => {
      const crashing = (at: number) => ({ name: 'side', id: `id-${at}`, at });
      assert.deepEqual(await run(8, (at) => (at < 130 ? [app(at)] : [app(at), crashing(at)])), [
        'one-sample',
        'app@115',
        'app@115',
        'app@115',
        'app@115',
        'app@175',
        'app@190',
        'app@205',
      ]);
    });

    test('is waited for no longer when the pod is new', async () => {
      const crashing = (at: number) => ({ name: 'side', id: `id-${at}`, at });
      assert.deepEqual(await run(7, (at) => [app(at), crashing(at)]), [
        'one-sample',
        'restarted',
        'restarted',
        'restarted',
        'restarted',
        'app@175',
        'app@190',
      ]);
    });

    test('is waited for also where the last usage was stale before', async () => {
      const { clock, storage } = setUp();
      const rows = (at: number, life: string) =>
        podOf({ ...app(at), id: life }, { name: 'side', id: `${life}-side`, at });
      for (const at of [100, 110]) storage.store(batch(at, [rows(at, 'first')]));
      await clock.advance(600_000);
      storage.store(batch(710, [rows(710, 'second')]));
      await clock.advance(resolutionMs);
      storage.store(batch(725, [podOf({ ...app(725), id: 'second' }, { name: 'side', id: 'second-side', at: 710 })]));
      assert.equal(served(storage), 'restarted');
    });

    test('is served with it from its second sample on', async () => {
      const side = (at: number) => ({ name: 'side', id: 'id-side', at });
      assert.deepEqual(await run(5, (at) => (at < 130 ? [app(at)] : [app(at), side(at)])), [
        'one-sample',
        'app@115',
        'app@115',
        'app@145 side@145',
        'app@160 side@160',
      ]);
    });

    test('is not waited for when its only sample is old: it has ended and lingers', async () => {
      const init = { name: 'init', id: 'id-init', at: 99 };
      assert.deepEqual(await run(5, (at) => (at < 130 ? [init] : [app(at), init])), [
        'one-sample',
        'one-sample',
        'one-sample',
        'app@145',
        'app@160',
      ]);
    });

    test('lets the part go stale when that is sampled no more', async () => {
      const crashing = (at: number) => ({ name: 'side', id: `id-${at}`, at });
      const answers = await run(12, (at) => [app(Math.min(at, 190)), crashing(at)]);
      assert.equal(answers[8], 'app@190');
      assert.equal(answers.at(-1), 'stale');
    });
  });

  describe('a container that is not reported any more', () => {
    const named = (at: number, ...names: readonly string[]): PodBatch => ({
      ...pod(at),
      containers: names.flatMap((name) => pod(at, { id: `id of ${name}` }).containers.map((one) => ({ ...one, name }))),
    });
    const served = (storage: Storage) => {
      const usage = storage.podUsage(web);
      return usage.kind === 'ready'
        ? usage.value.containers.map(({ name, timestampMs }) => `${name}@${timestampMs / 1000}`).join(' ')
        : usage.reason;
    };
    /** Returns what is served after each scrape, one per resolution from 100 s on. @param scrapes the containers that each one reports. */
    async function run(...scrapes: readonly (readonly string[])[]): Promise<string[]> {
      const { clock, storage } = setUp();
      const answers: string[] = [];
      for (const [index, names] of scrapes.entries()) {
        if (index > 0) await clock.advance(resolutionMs);
        const at = 100 + index * 15;
        storage.store(batch(at, [named(at, ...names)]));
        answers.push(served(storage));
      }
      return answers;
    }
    const both = ['app', 'side'];

    test('for one scrape leaves its pod the last usage, and goes on from its last sample', async () => {
      assert.deepEqual(await run(both, both, ['app'], both), [
        'one-sample',
        'app@115 side@115',
        'app@115 side@115',
        'app@145 side@145',
      ]);
    });

    test('again and again for one scrape never leaves its pod', async () => {
      const answers = await run(both, both, ['app'], both, ['app'], both, ['app'], both);
      for (const answer of answers.slice(1)) assert.match(answer, /app@\d+ side@\d+/);
    });

    test('leaves the pod after its time, without a gap', async () => {
      assert.deepEqual(await run(both, both, ['app'], ['app'], ['app'], ['app'], ['app'], ['app']), [
        'one-sample',
        'app@115 side@115',
        'app@115 side@115',
        'app@115 side@115',
        'app@115 side@115',
        'app@175',
        'app@190',
        'app@205',
      ]);
    });

    test('is waited for also before it had a usage', async () => {
      assert.deepEqual(await run(['app'], ['app'], both, ['app'], both, both), [
        'one-sample',
        'app@115',
        'app@115',
        'app@115',
        'app@160 side@160',
        'app@175 side@175',
      ]);
    });

    test('does not shorten a part that is served because another container has no usage', async () => {
      const { clock, storage } = setUp();
      const crashing = (at: number) =>
        pod(at, { id: `id at ${at}` }).containers.map((one) => ({ ...one, name: 'crashing' }));
      const answers: string[] = [];
      for (let at = 100; at < 280; at += 15) {
        const usual = named(at, ...(at === 205 ? ['app'] : both));
        storage.store(batch(at, [{ ...usual, containers: [...usual.containers, ...crashing(at)] }]));
        answers.push(served(storage));
        await clock.advance(resolutionMs);
      }
      assert.deepEqual(answers.slice(4), [
        'restarted',
        'app@175 side@175',
        'app@190 side@190',
        'app@190 side@190',
        'app@190 side@190',
        'app@190 side@190',
        'app@250 side@250',
        'app@265 side@265',
      ]);
    });

    test('is followed at once by another one, as an init container', async () => {
      assert.deepEqual(await run(['init'], ['init'], ['app'], ['app']), [
        'one-sample',
        'init@115',
        'one-sample',
        'app@145',
      ]);
    });

    test('is waited for after a restart of the server, too', () => {
      const { clock, storage } = setUp();
      const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
      for (const at of [100, 115]) storage.store(batch(at, [named(at, ...both)]));
      storage.store(batch(130, [named(130, 'app')]));
      const text = [...writeSnapshot(storage.states(), now)].join('');
      const restored = setUp().storage;
      restored.restore(readSnapshot(text, now, 0).nodes);
      assert.equal(served(restored), 'app@115 side@115');
      restored.store(batch(145, [named(145, 'app')]));
      assert.equal(served(restored), 'app@115 side@115');
      restored.store(batch(160, [named(160, ...both)]));
      assert.equal(served(restored), 'app@160 side@160');
    });

    test('while another one restarts leaves the pod after its time', async () => {
      const { clock, storage } = setUp();
      const app = (at: number) => pod(at, { id: 'id-2' });
      for (const at of [100, 115]) storage.store(batch(at, [named(at, ...both)]));
      storage.store(batch(130, [app(130)]));
      assert.equal(served(storage), 'app@115 side@115');
      for (let at = 145; at < 200; at += 15) {
        await clock.advance(resolutionMs);
        storage.store(batch(at, [app(at)]));
      }
      assert.equal(served(storage), 'app@190');
    });
  });

  test('believes no start time when it sees a node for the first time: cAdvisor moves them forward at times', () => {
    const { storage } = setUp();
    const [old] = pod(100, { cpu: 260_000 }).containers;
    assert.ok(old);
    storage.store(batch(100, [{ ...pod(100), containers: [{ ...old, startTimeMs: 88_000 }] }]));
    assert.deepEqual(storage.podUsage(web), missing('one-sample'));
  });

  describe('swap', () => {
    /** Stores scrapes that report whether the node has swap, one by one, while machine and container use so much of it. */
    const scrapes = (storage: Storage, from: number, reported: readonly (boolean | undefined)[], swapBytes = 0) => {
      for (const [index, hasSwap] of reported.entries()) {
        const at = from + index * 10;
        const plain = batch(at);
        const [app] = pod(at).containers;
        assert.ok(plain.machine && app);
        const pods = [{ ...pod(at), containers: [{ ...app, swapBytes }] }];
        storage.store({ ...plain, machine: { ...plain.machine, swapBytes }, hasSwap, pods });
      }
    };
    /** Returns the swap of the node and of the container. */
    const served = (storage: Storage) => {
      const [node, web0] = [storage.nodeUsage('node-a'), storage.podUsage(web)];
      assert.ok(node.kind === 'ready' && web0.kind === 'ready');
      return [node.value.swapBytes, web0.value.containers[0]?.swapBytes];
    };

    test('is not served of a node that is not known to have any', () => {
      const { storage } = setUp();
      scrapes(storage, 100, [undefined, undefined]);
      assert.deepEqual(served(storage), [undefined, undefined]);
      scrapes(storage, 120, [false]);
      assert.deepEqual(served(storage), [undefined, undefined]);
    });

    test('is served, also when none is used, of a node that has some', () => {
      const { storage } = setUp();
      scrapes(storage, 100, [true, true], 4096);
      assert.deepEqual(served(storage), [4096, 4096]);
      scrapes(storage, 120, [true]);
      assert.deepEqual(served(storage), [0, 0]);
    });

    test('is kept over scrapes that do not report it, until one reports that there is none', () => {
      const { storage } = setUp();
      scrapes(storage, 100, [undefined, true, undefined]);
      assert.deepEqual(served(storage), [0, 0]);
      scrapes(storage, 130, [false]);
      assert.deepEqual(served(storage), [undefined, undefined]);
      scrapes(storage, 140, [undefined]);
      assert.deepEqual(served(storage), [undefined, undefined]);
    });

    test('is served without a newer sample', () => {
      const { storage } = setUp();
      scrapes(storage, 100, [undefined, undefined]);
      scrapes(storage, 110, [true]);
      assert.deepEqual(served(storage), [0, 0]);
    });

    test('is dropped with the node', () => {
      const { storage } = setUp();
      scrapes(storage, 100, [true, true]);
      storage.forget('node-a');
      scrapes(storage, 120, [undefined, undefined]);
      assert.deepEqual(served(storage), [undefined, undefined]);
    });

    test('belongs to one node', () => {
      const { storage } = setUp();
      scrapes(storage, 100, [true, true]);
      for (const at of [100, 110]) {
        const plain = batch(at, [], 'node-b');
        assert.ok(plain.machine);
        storage.store({ ...plain, machine: { ...plain.machine, swapBytes: 0 } });
      }
      const other = storage.nodeUsage('node-b');
      assert.ok(other.kind === 'ready');
      assert.equal(other.value.swapBytes, undefined);
    });
  });

  describe('of a node whose UID has changed', () => {
    function setUpWithUids() {
      const uids = new Map<string, string>([['node-a', 'machine-1']]);
      const clock = createFakeClock();
      const nodeUid = (node: string) => uids.get(node);
      const storage = createPointStorage({ clock, resolutionMs, stalenessMs: 45_000, nodeUid });
      storage.store(batch(100));
      storage.store(batch(110));
      assert.equal(storage.podUsage(web).kind, 'ready');
      return { uids, storage };
    }

    test('drops all numbers with the next scrape, whether or not they could follow', () => {
      const { uids, storage } = setUpWithUids();
      uids.set('node-a', 'machine-2');
      storage.store(batch(120));
      assert.deepEqual(storage.nodeUsage('node-a'), missing('one-sample'));
      assert.deepEqual(storage.podUsage(web), missing('one-sample'));
      storage.store(batch(130));
      assert.equal(storage.nodeUsage('node-a').kind, 'ready');
    });

    test('drops them as soon as the UID is known', () => {
      const { storage } = setUpWithUids();
      storage.keepOnly('node-a', 'machine-1');
      assert.equal(storage.nodeUsage('node-a').kind, 'ready');
      storage.keepOnly('node-a', 'machine-2');
      assert.equal(storage.nodeUsage('node-a').kind, 'missing');
      assert.equal(storage.podUsage(web).kind, 'missing');
      assert.deepEqual(storage.counts(), { nodes: 0, containers: 0 });
    });

    test('drops nothing if a UID is unknown, and keeps the one that was known', () => {
      const { uids, storage } = setUpWithUids();
      uids.delete('node-a');
      storage.store(batch(120));
      storage.keepOnly('node-a', undefined);
      assert.equal(storage.nodeUsage('node-a').kind, 'ready');
      storage.keepOnly('node-a', 'machine-2');
      assert.equal(storage.nodeUsage('node-a').kind, 'missing');
    });
  });

  test('drops a node that left', () => {
    const { storage } = setUp();
    storage.store(batch(100));
    storage.store(batch(110));
    storage.forget('node-a');
    assert.equal(storage.podUsage(web).kind, 'missing');
    assert.equal(storage.nodeUsage('node-a').kind, 'missing');
    assert.equal(storage.isWarm(), true);
  });
});

test('a pod in rows has the time of its oldest container, and its containers by name', () => {
  const { storage } = setUp();
  const containersAt = (atSeconds: number) =>
    ['b', 'a', 'c'].map((name, index) => ({
      ...(pod(atSeconds - [0, 5, 2][index]!).containers[0] ?? assert.fail('it has one')),
      name,
      containerId: name,
    }));
  for (const at of [100, 110, 120]) storage.store(batch(at, [pod(at, { containers: containersAt(at) })]));
  const usage = storage.podUsage(web);
  if (usage.kind !== 'ready') assert.fail(usage.reason);
  assert.equal(usage.value.timestampMs, 115_000);
  assert.deepEqual(
    usage.value.containers.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
});

test('an unreported pod is dropped if its UID is unknown: another one may have its name by now', () => {
  for (const [uid, kind] of [
    ['uid-1', 'ready'],
    [undefined, 'missing'],
  ] as const) {
    const { storage } = setUp();
    for (const at of [100, 110]) storage.store(batch(at, [pod(at, { uid })]));
    assert.equal(storage.podUsage(web).kind, 'ready');
    storage.store(batch(120, []));
    assert.equal(storage.podUsage(web).kind, kind, String(uid));
  }
});

test('an unreported pod is in the snapshot', () => {
  const { storage } = setUp();
  for (const at of [100, 110]) storage.store(batch(at));
  storage.store(batch(120, []));
  assert.deepEqual(
    [...storage.states()].flatMap(([, { pods }]) => pods.map(({ name }) => name)),
    ['shop/web-0'],
  );
});

test('of two pods that may be meant, the one with the newer sample is served, whichever was reported first', () => {
  for (const order of [
    ['uid-1', 'hash-1'],
    ['hash-1', 'uid-1'],
  ]) {
    const { storage } = setUp();
    const pods = (at: number) => order.map((uid) => pod(uid === 'uid-1' ? at : at - 7, { uid }));
    for (const at of [100, 110]) storage.store(batch(at, pods(at)));
    const usage = storage.podUsage({ ...web, configHash: 'hash-1' });
    assert.equal(usage.kind === 'ready' && usage.value.timestampMs, 110_000, order.join());
  }
});

test('a pod is never served without a container that never had a value', async () => {
  const { clock, storage } = setUp();
  const [app] = pod(100).containers;
  assert.ok(app);
  for (let at = 100; at < 300; at += 10) {
    const [now] = pod(at).containers;
    assert.ok(now);
    const odd = { ...now, name: 'odd', containerId: 'odd', memoryBytes: Number.NaN };
    storage.store(batch(at, [pod(at, { containers: [now, odd] })]));
    assert.equal(storage.podUsage(web).kind, 'missing', `at ${at}`);
    await clock.advance(10_000);
  }
});
