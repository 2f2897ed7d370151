import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { NodePoints, PodBatch } from '../../../src/sample/point.ts';
import { defaultStalenessMs } from '../../../src/storage/lastusage.ts';
import { type Instant, readSnapshot, SnapshotError, writeSnapshot } from '../../../src/storage/snapshot.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createPointStorage, type PointStorage as Storage } from './pointstorage.ts';

const resolutionMs = 15_000;
const stalenessMs = defaultStalenessMs(resolutionMs);

function setUp(wallStartMs?: number) {
  const clock = createFakeClock(wallStartMs);
  const now = (): Instant => ({ wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() });
  return { clock, now, storage: createPointStorage({ clock, resolutionMs, stalenessMs }) };
}

const pod = (at: number, uid: string | undefined, name: string): PodBatch => ({
  namespace: 'shop',
  name,
  uid,
  containers: [
    {
      name: 'app',
      containerId: `id of ${name}`,
      startTimeMs: undefined,
      timestampMs: at * 1000,
      cpuSeconds: at / 10,
      memoryBytes: 5000,
      swapBytes: 7,
    },
  ],
});
const batch = (at: number): NodePoints => ({
  node: 'node-a',
  source: 'cadvisor',
  machine: { timestampMs: at * 1000, cpuSeconds: at, memoryBytes: 9000 },
  hasSwap: true,
  pods: [pod(at, 'uid-1', 'web-0'), pod(at, undefined, 'plain')],
});
const identity = (name: string) => ({ namespace: 'shop', name, uid: 'uid-1', configHash: undefined, node: undefined });
const usages = (storage: Storage) => [
  storage.nodeUsage('node-a'),
  storage.podUsage(identity('web-0')),
  storage.podUsage(identity('plain')),
];

/** A snapshot of a storage with two scrapes, the last one ten seconds ago; and what that storage serves. */
async function snapshot() {
  const { clock, now, storage } = setUp();
  const times = (dateMs: number) => ({ dateMs, sentMs: clock.monotonicMs() - 20, receivedMs: clock.monotonicMs() });
  storage.store(batch(100), times(100_000));
  await clock.advance(resolutionMs);
  const { pods, ...rest } = batch(115);
  // It started before its node's clock was set back.
  const early = pods.map((each) => ({
    ...each,
    containers: each.containers.map((app) => ({ ...app, startTimeMs: 120_000 })),
  }));
  storage.store({ ...rest, pods: early }, times(115_000));
  await clock.advance(10_000);
  return {
    text: [...writeSnapshot(storage.states(), now())].join(''),
    served: usages(storage),
    writtenMs: clock.wallMs(),
  };
}

describe('a snapshot', () => {
  test('gives the next process the usages that the previous one served, and no more time to serve them', async () => {
    const { text, served, writtenMs } = await snapshot();
    const { clock, now, storage } = setUp(writtenMs + 5_000);
    storage.restore(readSnapshot(text, now(), stalenessMs).nodes);
    assert.deepEqual(JSON.stringify(usages(storage)), JSON.stringify(served));
    assert.ok(served.every(({ kind }) => kind === 'ready'));
    assert.equal(storage.isWarm(), true);
    await clock.advance(stalenessMs - 15_000);
    assert.ok(usages(storage).every(({ kind }) => kind === 'ready'));
    await clock.advance(1);
    assert.ok(usages(storage).every(({ kind }) => kind === 'missing'));
  });

  test('gives the next sample the one before it', async () => {
    const { text, writtenMs } = await snapshot();
    const { now, storage } = setUp(writtenMs);
    storage.restore(readSnapshot(text, now(), stalenessMs).nodes);
    storage.store(batch(130));
    for (const usage of usages(storage)) {
      assert.ok(usage.kind === 'ready');
      assert.equal(usage.value.timestampMs, 130_000);
      assert.equal(usage.value.windowMs, 15_000);
    }
  });

  test("gives the next process the time of each node's last scrape", () => {
    const { clock, now, storage } = setUp();
    for (const at of [100, 115]) storage.store(batch(at));
    const written = { ...now(), monotonicMs: now().monotonicMs + 4_000 };
    const text = [...writeSnapshot(storage.states(), written)].join('');
    const later = { wallMs: written.wallMs + 5_000, monotonicMs: 1_000_000 };
    const [, state] = readSnapshot(text, later, stalenessMs).nodes[0] ?? assert.fail('there is a node');
    assert.equal(state.storedMs, 1_000_000 - 5_000 - 4_000);
    assert.equal(clock.monotonicMs(), written.monotonicMs - 4_000);
  });

  test('is read whose writing took so long that nodes were scraped meanwhile', async () => {
    const { clock, now, storage } = setUp();
    const written = now();
    await clock.advance(4_000);
    for (const at of [100, 115]) storage.store(batch(at));
    const text = [...writeSnapshot(storage.states(), written)].join('');
    const [, state] =
      readSnapshot(text, { wallMs: written.wallMs + 5_000, monotonicMs: 1_000_000 }, stalenessMs).nodes[0] ??
      assert.fail();
    assert.equal(state.storedMs, 1_000_000 - 5_000);
  });

  test('is read with a node whose kubelet has not responded for months', async () => {
    const { clock, now, storage } = setUp();
    for (const at of [100, 115]) storage.store(batch(at));
    await clock.advance(100 * 86_400_000);
    storage.store({ ...batch(200), node: 'node-b' });
    const text = [...writeSnapshot(storage.states(), now())].join('');
    assert.deepEqual(
      readSnapshot(text, now(), stalenessMs).nodes.map(([name]) => name),
      ['node-a', 'node-b'],
    );
  });

  test('does not replace a node that was scraped already', async () => {
    const { text, writtenMs } = await snapshot();
    const { now, storage } = setUp(writtenMs);
    storage.store(batch(200));
    storage.restore(readSnapshot(text, now(), stalenessMs).nodes);
    assert.equal(storage.nodeUsage('node-a').kind, 'missing');
  });

  for (const [when, nodeUid] of [
    ['known', () => 'machine-2'],
    ['known later', undefined],
  ] as const) {
    test(`is not used of another node of that name, whose UID is ${when}`, () => {
      const { clock, now } = setUp();
      const options = { clock, resolutionMs, stalenessMs };
      const storage = createPointStorage({ ...options, nodeUid: () => 'machine-1' });
      for (const at of [100, 115]) storage.store(batch(at));
      const text = [...writeSnapshot(storage.states(), now())].join('');
      const restore = (of: string | undefined) => {
        const restored = createPointStorage(nodeUid === undefined ? options : { ...options, nodeUid: () => of });
        restored.restore(readSnapshot(text, now(), stalenessMs).nodes);
        if (nodeUid === undefined) restored.keepOnly('node-a', of);
        return usages(restored).map(({ kind }) => kind);
      };
      assert.deepEqual(restore('machine-1'), ['ready', 'ready', 'ready']);
      assert.deepEqual(restore(nodeUid?.() ?? 'machine-2'), ['missing', 'missing', 'missing']);
    });
  }

  test('holds a sample whose own time was not believed, though its answer is older than the sample before', () => {
    const { now, storage } = setUp();
    const at = (seconds: number, toldSeconds?: number): NodePoints => ({
      ...batch(seconds),
      machine: {
        timestampMs: seconds * 1000,
        ...(toldSeconds === undefined ? {} : { rawTimestampMs: toldSeconds * 1000 }),
        cpuSeconds: toldSeconds ?? seconds,
        memoryBytes: 9000,
      },
    });
    storage.store(at(100));
    storage.store(at(95, 110));
    const text = [...writeSnapshot(storage.states(), now())].join('');
    const restored = setUp();
    restored.storage.restore(readSnapshot(text, restored.now(), stalenessMs).nodes);
    const usage = restored.storage.nodeUsage('node-a');
    assert.deepEqual(usage.kind === 'ready' && usage.value.windowMs, 10_000);
  });

  test('is a base for the next rates, but no usage, once its usages are stale', async () => {
    const { text, writtenMs } = await snapshot();
    const { now, storage } = setUp(writtenMs + 60_000);
    storage.restore(readSnapshot(text, now(), 300_000).nodes);
    assert.equal(storage.isWarm(), false);
    assert.ok(usages(storage).every(({ kind }) => kind === 'missing'));
    storage.store(batch(190));
    assert.equal(storage.isWarm(), true);
    const usage = storage.nodeUsage('node-a');
    assert.equal(usage.kind === 'ready' && usage.value.windowMs, 75_000);
  });

  test('of nothing is nothing', () => {
    const { now, storage } = setUp();
    const text = [...writeSnapshot(storage.states(), now())].join('');
    assert.deepEqual(readSnapshot(text, now(), 0).nodes, []);
  });

  test('holds the clock of a node whose response came while it was written, with or without a Date header', () => {
    for (const dateMs of [100_000, undefined]) {
      const { clock, now, storage } = setUp();
      const written = now();
      clock.jump(4_000);
      storage.store(batch(100), { dateMs, sentMs: clock.monotonicMs() - 20, receivedMs: clock.monotonicMs() });
      const text = [...writeSnapshot(storage.states(), written)].join('');
      const later = { wallMs: written.wallMs + 5_000, monotonicMs: written.monotonicMs + 5_000 };
      const [[, before], [, after]] = [[...storage.states()][0]!, readSnapshot(text, later, stalenessMs).nodes[0]!];
      assert.deepEqual(after.clock?.reading, before.clock?.reading);
      assert.equal(after.clock?.reading?.latestMs, dateMs === undefined ? Infinity : 101_000);
    }
  });

  test('is refused when it is too old, or from the future', async () => {
    const { text, writtenMs } = await snapshot();
    for (const [wallMs, expected] of [
      [writtenMs + stalenessMs + 1, /45 s old/],
      [writtenMs - 1, /-?0 s old/],
    ] as const) {
      assert.throws(() => readSnapshot(text, { wallMs, monotonicMs: 0 }, stalenessMs), expected);
    }
  });

  test('is refused when it is of another version', async () => {
    const { text, writtenMs } = await snapshot();
    const { createHash } = await import('node:crypto');
    const body = text.slice(0, text.lastIndexOf('{"sha256')).replace(/"version":"[^"]*"/, '"version":"0"');
    const sum = createHash('sha256').update(body).digest('hex');
    const other = `${body}{"sha256":"${sum}"}\n`;
    assert.throws(
      () => readSnapshot(other, { wallMs: writtenMs, monotonicMs: 0 }, stalenessMs),
      /version 0; this is version 8 /,
    );
  });

  test('is refused wherever it is cut off or changed', async () => {
    const { text, writtenMs } = await snapshot();
    const refused = (bad: string) =>
      assert.throws(
        () => readSnapshot(bad, { wallMs: writtenMs, monotonicMs: 0 }, stalenessMs),
        (error) => error instanceof SnapshotError,
      );
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom('', '0', '}', '\n'), (at, instead) => {
        refused(text.slice(0, at));
        if (text[at] !== instead) refused(text.slice(0, at) + instead + text.slice(at + 1));
      }),
    );
  });

  test('is refused with samples of which no rate can be served', async () => {
    const { text, writtenMs } = await snapshot();
    const { createHash } = await import('node:crypto');
    const refuses = (from: string | RegExp, to: string, reason: RegExp) => {
      const body = text.slice(0, text.lastIndexOf('{"sha256')).replace(from, to);
      const sealed = `${body}{"sha256":"${createHash('sha256').update(body).digest('hex')}"}\n`;
      assert.throws(
        () => readSnapshot(sealed, { wallMs: writtenMs, monotonicMs: 0 }, stalenessMs),
        (error) => error instanceof SnapshotError && reason.test(String(error.cause)),
      );
    };
    refuses('"startsAfterMs":120000', '"startsAfterMs":"soon"', /startsAfterMs/);
    refuses(/"sentAgeMs":[^,]*/, '"sentAgeMs":1e300', /sentAgeMs/);
    // Two samples of one container: 1,300 days apart, and with more CPU seconds between them than any machine has.
    refuses('"last":{"timestampMs":115000', '"last":{"timestampMs":115050505000', /window/);
    refuses('"cpuSeconds":115', '"cpuSeconds":115000000', /rate/);
  });

  test('is refused whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        assert.throws(
          () => readSnapshot(text, { wallMs: 0, monotonicMs: 0 }, stalenessMs),
          (error) => error instanceof SnapshotError,
        );
      }),
    );
  });
});
