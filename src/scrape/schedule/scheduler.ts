/** Decides when each node is scraped: at a fixed phase of its own, never twice at once, so many at a time and no more. */
import type { Clock } from '../../clock.ts';
import { createWaves } from './waves.ts';

export interface SchedulerOptions {
  readonly clock: Clock;
  /** Distance of two scrapes of one node in milliseconds. */
  readonly resolutionMs: number;
  /** Scrapes one node; never rejects. */
  readonly scrape: (node: string, signal: AbortSignal) => Promise<void>;
  /** Called after each resolution with the longest time from a node's turn to the end of its scrape, in milliseconds. */
  readonly onRound: (longestMs: number) => void;
}

export interface Scheduler {
  /** Scrapes the node as soon as there is room, then at its phase. Adding it again changes nothing. */
  add(node: string): void;
  remove(node: string): void;
  /** Says that the node takes so much longer than most, which takes as many places in a wave. */
  weigh(node: string, weight: number): void;
  /** Scrapes the node once more in between, after so many milliseconds; with several calls, at the earliest time of them. */
  soon(node: string, delayMs: number): void;
  /** Lets the node miss so many of its turns; 0 takes that back. */
  rest(node: string, turns: number): void;
  /** The loop itself; ends when the signal aborts and every scrape under way has ended. */
  run(signal: AbortSignal): Promise<void>;
  /** Milliseconds since the loop last turned, to tell a stuck one; 0 before its start. */
  sinceLastTickMs(): number;
}

/** Distance of two waves: all of a resolution's are in use only in large fleets. */
export const waveMs = 500;
/** How many scrapes that began a moment ago may be under way; healthy kubelets answer within that. */
export const concurrencyLimit = 512;
/** A scrape that takes longer leaves its place to others: a zone that hangs must not keep everybody else waiting for its timeouts. */
export const slowAfterMs = 2_000;
/** How many scrapes may be under way in all: 5,000 nodes of which a third hangs stay below. */
export const hungLimit = 2_048;

export function createScheduler({ clock, resolutionMs, scrape, onRound }: SchedulerOptions): Scheduler {
  const waveCount = Math.max(1, Math.round(resolutionMs / waveMs));
  const waves = createWaves(waveCount);
  /** Since when, in milliseconds. */
  const waiting = new Map<string, number>();
  const running = new Map<string, { readonly ended: Promise<void>; readonly sinceMs: number }>();
  /** When nodes are scraped in between, monotonic. */
  const extra = new Map<string, number>();
  /** How many turns nodes still miss. */
  const resting = new Map<string, number>();
  let current: AbortSignal | undefined;
  /** Ends the sleep between two turns. */
  let nap = new AbortController();
  let lastTurnMs: number | undefined;
  /** Of the round that goes on; undefined while no scrape has ended in it. */
  let longestMs: number | undefined;

  return {
    add,
    remove,
    weigh: (node, weight) => waves.weigh(node, weight),
    soon,
    rest,
    run,
    sinceLastTickMs: () => (lastTurnMs === undefined ? 0 : clock.monotonicMs() - lastTurnMs),
  };

  function add(node: string): void {
    if (!waves.add(node)) return;
    waiting.set(node, clock.monotonicMs());
    startWaiting();
    // Its wave may be before the one that is slept for.
    nap.abort();
  }

  function remove(node: string): void {
    waves.remove(node);
    waiting.delete(node);
    extra.delete(node);
    resting.delete(node);
  }

  function soon(node: string, delayMs: number): void {
    const atMs = clock.monotonicMs() + delayMs;
    extra.set(node, Math.min(atMs, extra.get(node) ?? atMs));
    nap.abort();
  }

  function rest(node: string, turns: number): void {
    if (turns > 0) resting.set(node, turns);
    else resting.delete(node);
  }

  async function run(signal: AbortSignal): Promise<void> {
    current = signal;
    signal.addEventListener('abort', () => nap.abort(), { once: true });
    const startMs = clock.monotonicMs();
    for (let wave = 0; !signal.aborted; ) {
      // Before the turn, so that nothing that happens in it is slept through.
      nap = new AbortController();
      lastTurnMs = clock.monotonicMs();
      // After a pause of the whole process several waves are due; each node still only once.
      const due = Math.floor((lastTurnMs - startMs) / waveMs);
      if (Math.floor(due / waveCount) > Math.floor((wave - 1) / waveCount)) endRound();
      for (wave = Math.max(wave, due - waveCount + 1); wave <= due; wave += 1) enqueue(wave);
      enqueueExtra(lastTurnMs);
      startWaiting();
      const next = Math.min(waves.next(wave - 1), waveOfExtra(startMs, wave));
      await clock.sleep(startMs + next * waveMs - clock.monotonicMs(), nap.signal).catch(ignoreAbort);
    }
    await Promise.all(running.values().map(({ ended }) => ended));
    current = undefined;
  }

  function end(node: string, sinceMs: number): void {
    running.delete(node);
    longestMs = Math.max(longestMs ?? 0, clock.monotonicMs() - sinceMs);
    startWaiting();
  }

  /** When there is one to scrape in between, in waves: so several come together. @param next the first wave that is not over. */
  function waveOfExtra(startMs: number, next: number): number {
    const earliestMs = extra.values().reduce((a, b) => Math.min(a, b), Infinity);
    return Math.max(next, Math.ceil((earliestMs - startMs) / waveMs));
  }

  function endRound(): void {
    if (longestMs !== undefined) onRound(longestMs);
    longestMs = undefined;
  }

  function enqueue(wave: number): void {
    // A node whose scrape is still under way misses its turn: overlapping scrapes multiply the kubelet's cost.
    for (const node of waves.at(wave)) {
      if (!isRested(node) || running.has(node) || waiting.has(node)) continue;
      waiting.set(node, clock.monotonicMs());
    }
  }

  function isRested(node: string): boolean {
    const turns = resting.get(node) ?? 0;
    rest(node, turns - 1);
    return turns === 0;
  }

  function enqueueExtra(nowMs: number): void {
    for (const [node, atMs] of extra) {
      // A wish for a node that is just being scraped is for after that.
      if (atMs > nowMs || running.has(node)) continue;
      extra.delete(node);
      if (!waiting.has(node)) waiting.set(node, nowMs);
    }
  }

  function startWaiting(): void {
    if (waiting.size === 0 || current === undefined || current.aborted) return;
    let places = Math.min(hungLimit - running.size, concurrencyLimit - countQuick());
    for (const [node, sinceMs] of waiting) {
      if (places <= 0) return;
      // A node that left and came back during its scrape waits for the end of that.
      if (running.has(node)) continue;
      waiting.delete(node);
      start(node, sinceMs, current);
      places -= 1;
    }
  }

  /** How many of the scrapes under way are not slow yet. Those that began last come last. */
  function countQuick(): number {
    const slowMs = clock.monotonicMs() - slowAfterMs;
    let slow = 0;
    for (const { sinceMs } of running.values()) {
      if (sinceMs > slowMs) break;
      slow += 1;
    }
    return running.size - slow;
  }

  function start(node: string, sinceMs: number, signal: AbortSignal): void {
    const ended = scrape(node, signal).then(() => end(node, sinceMs));
    running.set(node, { ended, sinceMs: clock.monotonicMs() });
  }
}

function ignoreAbort(): void {
  // Whoever ends the sleep has changed what the loop looks at.
}
