/**
 * Loaded into the program by a URL that names a file (`?to=`). From one SIGUSR2 to the next it measures the longest turn of the main thread's event loop and writes it as JSON.
 * When it begins it writes an empty hold: an attack that came earlier would hold the program before the measurement.
 * A timer fires once a turn at most, so what passed between two firings is one turn and the timer's period. A full collection of garbage, which may fall into any turn, is not counted.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { constants, performance, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';

export interface Hold {
  /** CPU time of the main thread in its longest turn without full collections, in milliseconds. */
  readonly cpuMs: number;
  /** The longest turn by the clock, in milliseconds. */
  readonly wallMs: number;
}

const timerMs = 4;
/** Milliseconds of collections that do not count in one turn. 27 to 31 ms were measured; longer ones are a cost of the attack. */
const collectionLimitMs = 40;
/** Shorter turns are not looked at. */
const leastTurnMs = 1;
/** Milliseconds after which the collections of the last turn are known. */
const observedAfterMs = 20;

interface Turn extends Pick<Hold, 'cpuMs'> {
  readonly fromMs: number;
  readonly toMs: number;
}

const file = new URL(import.meta.url).searchParams.get('to');

if (file !== null && isMainThread) {
  let timer: NodeJS.Timeout | undefined;
  let turns: Turn[] = [];
  let wallMs = 0;
  let last = now();
  const collections: PerformanceEntry[] = [];
  new PerformanceObserver((list) => collections.push(...list.getEntries().filter(isFull))).observe({
    entryTypes: ['gc'],
  });
  const tick = () => {
    const current = now();
    const cpuMs = current.cpuMs - last.cpuMs;
    wallMs = Math.max(wallMs, current.wallMs - last.wallMs - timerMs);
    if (cpuMs >= leastTurnMs) turns.push({ cpuMs, fromMs: last.wallMs, toMs: current.wallMs });
    last = current;
  };
  const end = async () => {
    tick();
    clearInterval(timer);
    timer = undefined;
    await sleep(observedAfterMs);
    const cpuMs = turns.reduce((longest, turn) => Math.max(longest, turn.cpuMs - collectedMs(turn, collections)), 0);
    write({ cpuMs, wallMs });
    turns = [];
    wallMs = 0;
    collections.length = 0;
  };
  process.on('SIGUSR2', () => {
    if (timer !== undefined) {
      void end();
      return;
    }
    last = now();
    timer = setInterval(tick, timerMs);
    write({ cpuMs: 0, wallMs: 0 });
  });
}

function isFull(entry: PerformanceEntry & { readonly detail?: { readonly kind?: number } }): boolean {
  return entry.detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}

function collectedMs({ fromMs, toMs }: Turn, collections: readonly PerformanceEntry[]): number {
  const inside = collections.filter(({ startTime, duration }) => startTime >= fromMs && startTime + duration <= toMs);
  const sumMs = inside.reduce((sum, { duration }) => sum + duration, 0);
  return Math.min(sumMs, collectionLimitMs);
}

function write(hold: Hold): void {
  if (file === null) return;
  writeFileSync(`${file}.part`, JSON.stringify(hold));
  renameSync(`${file}.part`, file);
}

function now(): Hold {
  const { user, system } = process.threadCpuUsage();
  return { cpuMs: (user + system) / 1000, wallMs: performance.now() };
}
