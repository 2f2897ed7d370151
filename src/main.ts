#!/usr/bin/env node
/**
 * The program: arguments in, exit code out. It imports nothing by itself, so that a Node that is too old gets as far as saying so.
 * Exit codes: 0 stopped by a signal, 1 broken, 2 used wrongly.
 */
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';

const minimumMajor = 24;

/**
 * By how much the heap may grow before V8 collects all garbage. It would double: most of what we hold lives long, and with thousands of nodes that is
 * hundreds of megabytes for nothing. 5,000 nodes: 1,185 MiB instead of 1,271 with 40 percent, for a seventh more CPU at most.
 */
setFlagsFromString('--heap-growing-percent=25');

/** V8 would collect all garbage each 100 s for want of anything else to do, which was a tenth of the CPU of a process that scrapes 100 nodes. */
setFlagsFromString('--memory-reducer-gc-count=0');

/**
 * Pages that are half empty are emptied whenever all garbage is collected. 100 nodes and clients that list their pods all the time: 39 MB of heap instead of
 * 47 to 53, for a seventh more CPU; without lists, none that could be measured.
 */
setFlagsFromString('--memory-saver-mode');

// A reader that has gone, as in `kubegauge status | head`, and a full disk are no reason to end with a stack trace, nor to end a server.
process.stderr.on('error', () => undefined);
let printFailed = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  printFailed = true;
  process.stderr.write(`kubegauge: cannot write to standard output: ${error.message}\n`);
});

/** Resolves when all that was printed has left, or cannot: process.exit would cut off what a pipe has not taken yet. */
function printed(): Promise<void> {
  return new Promise((resolve) => {
    if (process.stdout.writableLength === 0) setImmediate(resolve);
    else process.stdout.write('', () => setImmediate(resolve));
  });
}

if (Number(process.versions.node.split('.')[0]) < minimumMajor) {
  console.error(`kubegauge needs Node ${minimumMajor} or newer, found ${process.versions.node}`);
  process.exitCode = 1;
} else {
  const { main } = await import('./command/main.ts');
  // Not exitCode: after a drain that took too long, a client's connection would keep the process.
  const code = await main(process.argv.slice(2), process.env);
  await printed();
  process.exit(printFailed && code === 0 ? 1 : code);
}
