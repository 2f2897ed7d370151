import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createScheduler, waveMs } from '../../../../src/scrape/schedule/scheduler.ts';
import { concurrencyLimit, inFlightLimit, slowAfterMs } from '../../../../src/scrape/schedule/scrapequeue.ts';
import { waveSize } from '../../../../src/scrape/schedule/waves.ts';
import { createFakeClock } from '../../../fakes/clock.ts';

const resolutionMs = 15_000;

/** A scheduler whose scrapes are recorded; with `hold` each lasts until the test ends it, otherwise no time. */
function setUp(options: { readonly hold?: boolean; readonly wallStartMs?: number } = {}) {
  const clock = createFakeClock(options.wallStartMs);
  const stop = new AbortController();
  const scrapes: { node: string; atMs: number }[] = [];
  const ends: (() => void)[] = [];
  const cycles: number[] = [];
  const scheduler = createScheduler({
    clock,
    onCycle: (longestMs) => cycles.push(longestMs),
    resolutionMs,
    scrape: (node) => {
      scrapes.push({ node, atMs: clock.monotonicMs() });
      return options.hold ? new Promise((resolve) => ends.push(resolve)) : Promise.resolve();
    },
  });
  const times = (node: string) => scrapes.filter((scrape) => scrape.node === node).map(({ atMs }) => atMs);
  return { clock, stop, scheduler, scrapes, ends, times, cycles };
}

describe('scheduler', () => {
  test('reports the longest time from a scrape being due to its end, per scrape interval', async () => {
    const { clock, stop, scheduler, ends, cycles } = setUp({ hold: true });
    const loop = scheduler.run(stop.signal);
    scheduler.add('node-a');
    scheduler.add('node-b');
    await clock.advance(1000);
    ends[0]?.();
    await clock.advance(2000);
    ends[1]?.();
    await clock.advance(resolutionMs - 3000 - 1);
    assert.deepEqual(cycles, []);
    await clock.advance(1);
    assert.deepEqual(cycles, [3000]);
    stop.abort();
    ends.forEach((end) => end());
    await loop;
  });

  test('scrapes a new node at once, and then once per interval at a fixed phase', async () => {
    const { clock, stop, scheduler, times } = setUp();
    const loop = scheduler.run(stop.signal);
    scheduler.add('node-a');
    await clock.advance(10 * resolutionMs);
    const [first, ...rest] = times('node-a');
    assert.equal(first, 0);
    const phases = new Set(rest.map((atMs) => atMs % resolutionMs));
    assert.equal(phases.size, 1);
    assert.ok(rest.length === 10 || rest.length === 11, `${rest.length} scrapes`);
    stop.abort();
    await loop;
  });

  test('scrapes many nodes in few waves of about the same size', async () => {
    const { clock, stop, scheduler, scrapes } = setUp();
    for (let node = 0; node < 10 * waveSize; node += 1) scheduler.add(`node-${node}`);
    const loop = scheduler.run(stop.signal);
    await clock.advance(resolutionMs - 1);
    const first = scrapes.length;
    await clock.advance(resolutionMs);
    const perWave = Map.groupBy(scrapes.slice(first), ({ atMs }) => atMs);
    assert.equal(perWave.size, 10);
    for (const [atMs, wave] of perWave) assert.ok(Math.abs(wave.length - waveSize) < waveSize / 2, `at ${atMs}`);
    stop.abort();
    await loop;
  });

  test('does not sleep past the first scheduled scrape of a node that joins', async () => {
    const { clock, stop, scheduler, times } = setUp();
    for (let node = 0; node < waveSize; node += 1) scheduler.add(`node-${node}`);
    const loop = scheduler.run(stop.signal);
    await clock.advance(1_000);
    // About half of all names belong to the second wave.
    const more = Array.from({ length: 10 }, (_, node) => `one-more-${node}`);
    for (const node of more) scheduler.add(node);
    await clock.advance(resolutionMs);
    const seen = more.map((node) => times(node));
    for (const [firstMs, secondMs] of seen) {
      assert.equal(firstMs, 1_000);
      assert.ok(secondMs === resolutionMs / 2 || secondMs === resolutionMs, `${secondMs}`);
    }
    assert.ok(seen.some(([, secondMs]) => secondMs === resolutionMs / 2));
    stop.abort();
    await loop;
  });

  test('scrapes a node at the same wall time on replicas that start at different moments', async () => {
    const starts = [0, 3_141, 14_999].map((ms) => Date.parse('2026-11-22T20:00:00Z') + ms);
    const phases = await Promise.all(
      starts.map(async (wallStartMs, replica) => {
        const { clock, stop, scheduler, times } = setUp({ wallStartMs });
        const loop = scheduler.run(stop.signal);
        const nodes = Array.from({ length: 3 * waveSize }, (_, node) => `node-${node}`);
        for (const node of replica === 1 ? nodes.toReversed() : nodes) scheduler.add(node);
        await clock.advance(5 * resolutionMs);
        stop.abort();
        await loop;
        return nodes.map((node) => [
          ...new Set(
            times(node)
              .slice(1)
              .map((ms) => (wallStartMs + ms) % resolutionMs),
          ),
        ]);
      }),
    );
    assert.equal(new Set(phases[0]?.flat()).size, 3);
    assert.deepEqual(phases[1], phases[0]);
    assert.deepEqual(phases[2], phases[0]);
  });

  for (const stepMs of [400, -400, 7_000, -7_000, 3_600_000 + 5_000, -86_400_000]) {
    test(`neither skips nor bunches scrapes when the wall clock steps by ${stepMs} ms`, async () => {
      const { clock, stop, scheduler, times } = setUp();
      const loop = scheduler.run(stop.signal);
      const nodes = Array.from({ length: 2 * waveSize }, (_, node) => `node-${node}`);
      for (const node of nodes) scheduler.add(node);
      await clock.advance(3 * resolutionMs + 6_000);
      clock.stepWall(stepMs);
      await clock.advance(20 * resolutionMs);
      const wallMs = clock.wallMs() - clock.monotonicMs();
      stop.abort();
      await loop;
      for (const node of nodes) {
        const [, ...scheduled] = times(node);
        const intervals = scheduled.slice(1).map((ms, at) => ms - (scheduled[at] ?? 0));
        for (const ms of intervals) assert.ok(Math.abs(ms - resolutionMs) <= waveMs, `${ms} ms between two scrapes`);
        assert.equal((wallMs + (scheduled.at(-1) ?? 0)) % (resolutionMs / 2), 0);
      }
    });
  }

  test('never scrapes a node twice at once', async () => {
    const { clock, stop, scheduler, ends, times } = setUp({ hold: true });
    const loop = scheduler.run(stop.signal);
    scheduler.add('hung');
    await clock.advance(5 * resolutionMs);
    assert.equal(times('hung').length, 1);
    ends.pop()?.();
    await clock.advance(resolutionMs);
    assert.equal(times('hung').length, 2);
    ends.pop()?.();
    stop.abort();
    await loop;
  });

  test('has no more scrapes in flight than the limit, and starts the next when one ends', async () => {
    const { clock, stop, scheduler, scrapes, ends } = setUp({ hold: true });
    const loop = scheduler.run(stop.signal);
    for (let node = 0; node < concurrencyLimit + 10; node += 1) scheduler.add(`node-${node}`);
    assert.equal(scrapes.length, concurrencyLimit);
    ends.shift()?.();
    await clock.advance(0);
    assert.equal(scrapes.length, concurrencyLimit + 1);
    stop.abort();
    for (const end of ends) end();
    await loop;
  });

  test('does not count slow scrapes for the limit, up to a limit of all in flight', async () => {
    const { clock, stop, scheduler, scrapes, ends } = setUp({ hold: true });
    const loop = scheduler.run(stop.signal);
    for (let node = 0; node < inFlightLimit + concurrencyLimit; node += 1) scheduler.add(`node-${node}`);
    assert.equal(scrapes.length, concurrencyLimit);
    await clock.advance(slowAfterMs + waveMs);
    assert.equal(scrapes.length, 2 * concurrencyLimit);
    await clock.advance(10 * slowAfterMs);
    assert.equal(scrapes.length, inFlightLimit);
    stop.abort();
    for (const end of ends) end();
    await loop;
  });

  test('makes an extra scrape that falls into a scrape after that one', async () => {
    const { clock, stop, scheduler, ends, times } = setUp({ hold: true });
    const loop = scheduler.run(stop.signal);
    scheduler.add('node-a');
    await clock.advance(0);
    scheduler.skip('node-a', 100);
    scheduler.scheduleExtra('node-a', 0);
    await clock.advance(5_000);
    assert.equal(times('node-a').length, 1);
    ends.shift()?.();
    await clock.advance(waveMs);
    assert.equal(times('node-a').length, 2);
    stop.abort();
    for (const end of ends) end();
    await loop;
  });

  test('makes one scrape per node after a pause, not all that were missed', async () => {
    const { clock, stop, scheduler, times } = setUp();
    scheduler.add('node-a');
    const loop = scheduler.run(stop.signal);
    await clock.advance(0);
    // A suspended machine: time jumps by ten cycles in one sleep.
    clock.jump(10 * resolutionMs);
    await clock.advance(waveMs);
    assert.equal(times('node-a').filter((atMs) => atMs > 0).length, 1);
    stop.abort();
    await loop;
  });

  test('does not scrape a removed node', async () => {
    const { clock, stop, scheduler, times } = setUp();
    const loop = scheduler.run(stop.signal);
    scheduler.add('node-a');
    await clock.advance(0);
    scheduler.remove('node-a');
    await clock.advance(3 * resolutionMs);
    assert.equal(times('node-a').length, 1);
    stop.abort();
    await loop;
  });

  test('ends only when the scrapes in flight have ended', async () => {
    const { clock, stop, scheduler, ends } = setUp({ hold: true });
    let ended = false;
    const loop = scheduler.run(stop.signal).then(() => (ended = true));
    scheduler.add('node-a');
    await clock.advance(0);
    stop.abort();
    await clock.advance(0);
    assert.equal(ended, false);
    ends.pop()?.();
    await loop;
  });

  test('makes extra scrapes when they are scheduled, and keeps the phase', async () => {
    const { clock, stop, scheduler, times } = setUp();
    const loop = scheduler.run(stop.signal);
    scheduler.add('node-a');
    await clock.advance(2 * resolutionMs);
    const before = times('node-a');
    const phaseMs = (before.at(-1) ?? 0) % resolutionMs;
    scheduler.scheduleExtra('node-a', 9_000);
    scheduler.scheduleExtra('node-a', 4_000);
    scheduler.scheduleExtra('node-a', 5_000);
    await clock.advance(2 * resolutionMs);
    const added = times('node-a').slice(before.length);
    const between = added.filter((atMs) => atMs % resolutionMs !== phaseMs);
    assert.deepEqual(between, [2 * resolutionMs + 4_000]);
    assert.equal(added.length, 3);
    stop.abort();
    await loop;
  });

  test('skips scheduled scrapes of a node, but no extra ones', async () => {
    const { clock, stop, scheduler, times } = setUp();
    const loop = scheduler.run(stop.signal);
    scheduler.add('node-a');
    await clock.advance(resolutionMs);
    const before = times('node-a').length;
    scheduler.skip('node-a', 3);
    await clock.advance(3 * resolutionMs);
    assert.equal(times('node-a').length, before);
    scheduler.skip('node-a', 3);
    scheduler.scheduleExtra('node-a', 0);
    await clock.advance(waveMs);
    assert.equal(times('node-a').length, before + 1);
    scheduler.skip('node-a', 0);
    await clock.advance(resolutionMs);
    assert.equal(times('node-a').length, before + 2);
    stop.abort();
    await loop;
  });
});
