/** Sequences of odd scrapes: each alone is harmless. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerPoint, NodePoints } from '../../../src/sample/point.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createPointStorage } from './pointstorage.ts';

const resolutionMs = 15_000;
const stalenessMs = 45_000;
/** Milliseconds since the epoch of the first scrape. */
const startMs = 1_795_377_600_000;
/** Cores that each container and the machine use. */
const cores = 0.5;
const web = { namespace: 'shop', name: 'web-0', uid: 'uid-1', configHash: undefined, node: undefined };

type Odd = Partial<Pick<ContainerPoint, 'cpuSeconds' | 'memoryBytes' | 'timestampMs'>> | 'away';

interface Scrape {
  /** By our clock and the node's, in seconds since the first scrape. */
  readonly at: number;
  readonly app?: Odd;
  readonly side?: Odd;
  readonly machine?: Odd;
  /** By how many seconds the node's clock is ahead. */
  readonly ahead?: number;
  readonly source?: NodePoints['source'];
}

/** A node of one pod with the containers app and side. */
function createNode() {
  const clock = createFakeClock(startMs);
  const storage = createPointStorage({ clock, resolutionMs, stalenessMs, capacityCores: () => 8 });
  let beforeMs = 0;

  async function scrape({ at, app = {}, side = {}, machine = {}, ahead = 0, source = 'cadvisor' }: Scrape) {
    await clock.advance(at * 1000 - beforeMs);
    beforeMs = at * 1000;
    const dateMs = startMs + (at + ahead) * 1000;
    const point = { timestampMs: dateMs, cpuSeconds: 100 + at * cores, memoryBytes: 5000 };
    const containers = Object.entries({ app, side }).flatMap(([name, odd]) =>
      odd === 'away'
        ? []
        : [{ ...point, name, containerId: `${source} id of ${name}`, startTimeMs: undefined, ...odd }],
    );
    const points: NodePoints = {
      node: 'node-a',
      source,
      machine: machine === 'away' ? undefined : { ...point, ...machine },
      hasSwap: undefined,
      pods: containers.length === 0 ? [] : [{ namespace: 'shop', name: 'web-0', uid: 'uid-1', containers }],
    };
    const nowMs = clock.monotonicMs();
    return storage.store(points, { dateMs, sentMs: nowMs - 20, receivedMs: nowMs }).spacingMs;
  }

  function served(): Readonly<Record<string, number>> | string {
    const usage = storage.podUsage(web);
    if (usage.kind === 'missing') return usage.reason;
    return Object.fromEntries(usage.value.containers.map(({ name, cpuNanocores }) => [name, cpuNanocores / 1e9]));
  }

  return { scrape, served };
}

const noValue = { memoryBytes: Number.NaN };
const noCounter = { cpuSeconds: 0 };
const both = { app: cores, side: cores };

describe('the interval between samples is not learned', () => {
  const odd: Readonly<Record<string, Omit<Scrape, 'at'>>> = {
    'lacks the value of a container': { side: noValue },
    'lacks the counter of a container': { side: noCounter },
    'lacks a container': { side: 'away' },
    'lacks all containers': { app: 'away', side: 'away' },
    'lacks the machine': { machine: 'away' },
  };
  for (const [what, rest] of Object.entries(odd)) {
    test(`from an outage whose first scrape ${what}`, async () => {
      const { scrape } = createNode();
      for (const at of [0, 15, 30]) await scrape({ at });
      await scrape({ at: 390, ...rest });
      for (const at of [405, 420, 435]) assert.equal(await scrape({ at }), resolutionMs, `at ${at}`);
    });
  }

  test('from an outage whose first scrape repeats the samples before it, as of a machine that was suspended', async () => {
    const { scrape } = createNode();
    for (const at of [0, 15, 30]) await scrape({ at });
    const repeated = { timestampMs: startMs + 30_000, cpuSeconds: 100 + 30 * cores };
    await scrape({ at: 390, app: repeated, side: repeated, machine: repeated });
    for (const at of [405, 420, 435]) assert.equal(await scrape({ at }), resolutionMs, `at ${at}`);
  });

  for (const [what, rest] of Object.entries(odd)) {
    test(`from minutes in which each scrape ${what}`, async () => {
      const { scrape, served } = createNode();
      for (const at of [0, 15, 30]) await scrape({ at });
      for (let at = 45; at <= 240; at += 15) await scrape({ at, ...rest });
      for (const at of [255, 270, 285]) assert.equal(await scrape({ at }), resolutionMs, `at ${at}`);
      assert.deepEqual(served(), both);
    });
  }
});

describe('a pod is not served without a container', () => {
  test('that waits for its second sample and lacks a value meanwhile', async () => {
    const { scrape, served } = createNode();
    await scrape({ at: 0 });
    for (let at = 15; at <= 150; at += 15) {
      await scrape({ at, side: noCounter });
      assert.equal(typeof served(), 'string', `at ${at}`);
    }
  });

  for (const seconds of [60, 300]) {
    test(`of a kubelet that samples every ${seconds} s, also before that is known`, async () => {
      const { scrape, served } = createNode();
      const sampled = (at: number, phase: number): Odd => {
        const takenAt = at - ((at + phase) % seconds);
        return { timestampMs: startMs + takenAt * 1000, cpuSeconds: 200 + takenAt * cores };
      };
      const seen = new Set<string | number>();
      for (let at = 0; at <= 3 * seconds; at += 15) {
        // One is sampled just before a scrape, the other just after it.
        await scrape({ at, app: sampled(at, seconds - 14), side: sampled(at, seconds - 16), machine: sampled(at, 0) });
        const now = served();
        seen.add(typeof now === 'string' ? now : Object.keys(now).length);
      }
      assert.ok(seen.has(2) && !seen.has(1), [...seen].join());
    });
  }

  /** A sample of every 28 s, the first one after the change being nearly as old as it can be. */
  const slowly = (at: number, ahead: number): Odd => {
    const takenAt = at - ((at + 17) % 28);
    const isAhead = takenAt >= changesAt;
    return { timestampMs: startMs + (takenAt + (isAhead ? ahead : 0)) * 1000, cpuSeconds: 100 + takenAt * cores };
  };
  const changesAt = 96;
  const changes = {
    "after its node's clock was set ahead": { ahead: 60 },
    'after a change of endpoints': { source: 'resource' },
  } as const;
  for (const [when, change] of Object.entries(changes)) {
    test(`that is sampled every 28 s, ${when}`, async () => {
      const { scrape, served } = createNode();
      const { ahead } = { ahead: 0, ...change };
      const seen: (string | number)[] = [];
      for (let at = 0; at <= 240; at += 15) {
        await scrape({ at, side: slowly(at, ahead), ...(at >= changesAt && change) });
        const now = served();
        seen.push(typeof now === 'string' ? now : Object.keys(now).length);
      }
      assert.ok(!seen.includes(1), seen.join());
      assert.deepEqual(seen.slice(-4), [2, 2, 2, 2]);
    });
  }
});

describe('a container is not served with 0 cores', () => {
  for (const at of [29, 31, 40]) {
    test(`whose counter is missing, there and missing again in the first ${at} s`, async () => {
      const { scrape, served } = createNode();
      await scrape({ at: 0, side: noCounter });
      await scrape({ at: 15 });
      await scrape({ at, side: noCounter });
      assert.equal(typeof served(), 'string');
      await scrape({ at: at + 15 });
      assert.deepEqual(served(), both);
    });
  }
});
