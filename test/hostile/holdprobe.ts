/**
 * Loaded into the program by a URL that names a file (`?to=`). From one SIGUSR2 to the next it measures the longest turn of the main thread's event loop and writes it as JSON.
 * When it begins it writes an empty hold: an attack that came earlier would hold the program before the measurement.
 * A timer fires once a turn at most, so what passed between two firings is one turn and the timer's period.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';

export interface Hold {
  /** CPU time of the main thread in its longest turn, in milliseconds. */
  readonly cpuMs: number;
  /** The longest turn by the clock, in milliseconds. */
  readonly wallMs: number;
}

const timerMs = 4;

const file = new URL(import.meta.url).searchParams.get('to');

if (file !== null && isMainThread) {
  let timer: NodeJS.Timeout | undefined;
  let hold: Hold = { cpuMs: 0, wallMs: 0 };
  let last = now();
  const tick = () => {
    const current = now();
    hold = {
      cpuMs: Math.max(hold.cpuMs, current.cpuMs - last.cpuMs),
      wallMs: Math.max(hold.wallMs, current.wallMs - last.wallMs - timerMs),
    };
    last = current;
  };
  process.on('SIGUSR2', () => {
    if (timer === undefined) {
      last = now();
      timer = setInterval(tick, timerMs);
      write({ cpuMs: 0, wallMs: 0 });
      return;
    }
    tick();
    clearInterval(timer);
    timer = undefined;
    write(hold);
    hold = { cpuMs: 0, wallMs: 0 };
  });
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
