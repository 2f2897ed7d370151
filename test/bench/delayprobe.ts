/**
 * Loaded into a server, by a URL that names a file (?to=): how late its event loop turns from a SIGUSR2 to the next, in milliseconds, as JSON. Not always, since
 * it wakes the process a hundred times a second, which costs more than scraping a hundred nodes.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';

export interface Delays {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Node measures how far apart the turns of a timer of so many milliseconds are, not how late they are. */
const timerMs = 10;

const file = new URL(import.meta.url).searchParams.get('to');

if (file !== null && isMainThread) {
  const monitor = monitorEventLoopDelay({ resolution: timerMs });
  let watching = false;
  process.on('SIGUSR2', () => {
    if (watching) {
      monitor.disable();
      const delays: Delays = { p99Ms: lateMs(monitor.percentile(99)), maxMs: lateMs(monitor.max) };
      writeFileSync(`${file}.part`, JSON.stringify(delays));
      renameSync(`${file}.part`, file);
    } else monitor.enable();
    watching = !watching;
  });
}

function lateMs(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - timerMs);
}
