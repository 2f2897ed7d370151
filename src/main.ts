#!/usr/bin/env node
/**
 * The program. Imports its modules dynamically, so that an old Node can still print that it is too old; it can load the codes. Exit codes: 0
 * stopped by a signal, 1 failed, 2 usage error.
 */
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { withPage } from './messagecodes.ts';

const minimumMajor = 24;

/** No full collections when idle: every 100 s they took 10 % of the CPU with 100 nodes. */
setFlagsFromString('--memory-reducer-gc-count=0');

/**
 * A user waits for the screen of `top`, which reads much at once: full collections were a third of its CPU. In a pod it shares the server's
 * memory limit.
 */
const isAwaitedScreen = process.argv[2] === 'top' && !process.env['KUBERNETES_SERVICE_HOST'];

if (!isAwaitedScreen) {
  // Heap growth between full collections. V8 doubles it, but most objects live long: 5,000 nodes take 1,185 MiB instead
  // of 1,271 MiB with 40 percent, for at most 14 % more CPU.
  setFlagsFromString('--heap-growing-percent=25');
  // Compacts half-empty pages in each full collection. 100 nodes with clients that list pods all the time: 39 MB of heap
  // instead of 47 to 53 MB, for 14 % more CPU; no difference without lists.
  setFlagsFromString('--memory-saver-mode');
}

// A closed pipe, as in `kubegauge status | head`, and a full disk must neither print a stack trace nor end a server.
process.stderr.on('error', () => undefined);
let printFailed = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  printFailed = true;
  const text = `cannot write to standard output: ${error.message}`;
  process.stderr.write(`kubegauge: ${withPage({ code: 'OutputNotWritten', text })}\n`);
});

/** Waits until the output is flushed, or cannot be: process.exit would cut off a pipe's rest. */
function printed(): Promise<void> {
  return new Promise((resolve) => {
    if (process.stdout.writableLength === 0) setImmediate(resolve);
    else process.stdout.write('', () => setImmediate(resolve));
  });
}

if (Number(process.versions.node.split('.')[0]) < minimumMajor) {
  const text = `kubegauge needs Node ${minimumMajor} or newer, found ${process.versions.node}`;
  console.error(withPage({ code: 'NodeTooOld', text }));
  process.exitCode = 1;
} else {
  const { main } = await import('./command/main.ts');
  // Not exitCode: after a drain that timed out, a client's connection would keep the process alive.
  const code = await main(process.argv.slice(2), process.env);
  await printed();
  process.exit(printFailed && code === 0 ? 1 : code);
}
