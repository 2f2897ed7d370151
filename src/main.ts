#!/usr/bin/env node
/**
 * The program: arguments in, exit code out. It imports nothing by itself, so that a Node that is too old gets as far as saying so.
 * Exit codes: 0 stopped by a signal, 1 broken, 2 used wrongly.
 */
import process from 'node:process';

const minimumMajor = 24;

if (Number(process.versions.node.split('.')[0]) < minimumMajor) {
  console.error(`kubegauge needs Node ${minimumMajor} or newer, found ${process.versions.node}`);
  process.exitCode = 1;
} else {
  const { main } = await import('./command/main.ts');
  // Not exitCode: after a drain that took too long, a client's connection would keep the process.
  process.exit(await main(process.argv.slice(2), process.env));
}
