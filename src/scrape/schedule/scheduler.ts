/** Scrapes each node once per scrape interval at a phase that replicas share, plus extra scrapes. */
import type { Clock } from '../../clock.ts';
import { createScrapeQueue, type ScrapeQueueOptions } from './scrapequeue.ts';
import { createWallPhase } from './wallphase.ts';
import { createWaves } from './waves.ts';

export interface SchedulerOptions extends Pick<ScrapeQueueOptions, 'clock' | 'scrape'> {
  readonly resolutionMs: number;
  /** Called after each interval with the longest time from due to end. */
  readonly onCycle: (longestMs: number) => void;
}

export interface Scheduler {
  add(node: string): void;
  remove(node: string): void;
  setWeight(node: string, weight: number): void;
  /** The earliest of several counts. */
  scheduleExtra(node: string, delayMs: number): void;
  /** 0 takes it back. */
  skip(node: string, count: number): void;
  /** Resolves when the signal has aborted and scrapes in flight have ended. */
  run(signal: AbortSignal): Promise<void>;
  /** Finds a stuck loop; 0 before the start. */
  sinceLastTickMs(): number;
}

/** Between two waves; only large clusters use all of an interval. */
export const waveMs = 500;

export function createScheduler({ clock, resolutionMs, scrape, onCycle }: SchedulerOptions): Scheduler {
  const waveCount = Math.max(1, Math.round(resolutionMs / waveMs));
  const waves = createWaves(waveCount);
  const cycle = createCycle(onCycle);
  const queue = createScrapeQueue({ clock, scrape, onEnd: cycle.scraped });
  const extra = createExtraScrapes(clock);
  const skipped = new Map<string, number>();
  let wake = new AbortController();
  let lastTickMs: number | undefined;

  return {
    add(node) {
      if (!waves.add(node)) return;
      queue.add(node);
      queue.start();
      // Its wave may come before the one that the loop sleeps for.
      wake.abort();
    },
    remove(node) {
      waves.remove(node);
      queue.remove(node);
      extra.remove(node);
      skipped.delete(node);
    },
    setWeight: waves.setWeight,
    scheduleExtra(node, delayMs) {
      extra.add(node, delayMs);
      wake.abort();
    },
    skip,
    run,
    sinceLastTickMs: () => (lastTickMs === undefined ? 0 : clock.monotonicMs() - lastTickMs),
  };

  function skip(node: string, count: number): void {
    if (count > 0) skipped.set(node, count);
    else skipped.delete(node);
  }

  async function run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => wake.abort(), { once: true });
    const phase = createWallPhase(clock, waveCount * waveMs, waveMs);
    for (let wave = Math.ceil((clock.monotonicMs() - phase.originMs()) / waveMs); !signal.aborted; ) {
      // Before the tick, so that nothing that happens in it is slept through.
      wake = new AbortController();
      lastTickMs = clock.monotonicMs();
      // After a pause of the whole process several waves are due, but each node only once.
      const dueWave = Math.floor((lastTickMs - phase.originMs()) / waveMs);
      if (Math.floor(dueWave / waveCount) > Math.floor((wave - 1) / waveCount)) {
        cycle.end();
        phase.follow();
      }
      for (wave = Math.max(wave, dueWave - waveCount + 1); wave <= dueWave; wave += 1) enqueueWave(wave);
      for (const node of extra.takeDue(lastTickMs, queue.isRunning)) queue.add(node);
      queue.start(signal);
      // Extra scrapes are rounded up to waves, so that several come together.
      const originMs = phase.originMs();
      const extraWave = Math.ceil((extra.earliestMs() - originMs) / waveMs);
      const next = Math.min(waves.next(wave - 1), Math.max(wave, extraWave));
      await clock.sleep(originMs + next * waveMs - clock.monotonicMs(), wake.signal).catch(ignoreAbort);
    }
    await queue.drained();
  }

  function enqueueWave(wave: number): void {
    for (const node of waves.at(wave)) {
      const count = skipped.get(node) ?? 0;
      skip(node, count - 1);
      // Skipped while still in flight: overlapping scrapes multiply the kubelet's cost.
      if (count === 0 && !queue.isRunning(node)) queue.add(node);
    }
  }
}

function createCycle(onEnd: (longestMs: number) => void) {
  let longestMs: number | undefined;
  return {
    scraped: (sinceDueMs: number) => void (longestMs = Math.max(longestMs ?? 0, sinceDueMs)),
    end() {
      if (longestMs !== undefined) onEnd(longestMs);
      longestMs = undefined;
    },
  };
}

interface ExtraScrapes {
  add(node: string, delayMs: number): void;
  remove(node: string): void;
  takeDue(nowMs: number, isRunning: (node: string) => boolean): string[];
  earliestMs(): number;
}

function createExtraScrapes(clock: Clock): ExtraScrapes {
  const dueMs = new Map<string, number>();
  return {
    add(node, delayMs) {
      dueMs.set(node, Math.min(clock.monotonicMs() + delayMs, dueMs.get(node) ?? Infinity));
    },
    remove: (node) => void dueMs.delete(node),
    takeDue(nowMs, isRunning) {
      const due = [...dueMs.keys()].filter((node) => dueMs.get(node)! <= nowMs && !isRunning(node));
      for (const node of due) dueMs.delete(node);
      return due;
    },
    earliestMs: () => dueMs.values().reduce((a, b) => Math.min(a, b), Infinity),
  };
}

function ignoreAbort(): void {
  // The loop looks at what has changed.
}
