/** Runs the end-to-end tests on the real cluster, which it brings up when none runs, and prints the totals. */
import { globSync } from 'node:fs';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { after, run } from 'node:test';
import { spec } from 'node:test/reporters';
import { down } from './down.ts';
import { openCluster } from './cluster.ts';
import { openHarness, useHarness } from './e2e/harness.ts';
import { findCommand, requireRoot, UnmetNeed } from './needs.ts';
import { readRecord, readSettings, type Settings } from './settings.ts';
import { up } from './up.ts';

interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What the tests call beside what the cluster needs. */
const commands = [
  ['ab', 'apt-get install apache2-utils'],
  ['buildah', 'apt-get install buildah'],
  ['curl', 'apt-get install curl'],
] as const;

process.exitCode = await main(process.argv.slice(2));

/** Arguments are parts of the names of the files to run; none runs all. 0 passed, 1 failed, 2 the machine is not as needed. */
async function main(names: readonly string[]): Promise<number> {
  try {
    requireRoot();
    requireCommands();
    const settings = readSettings();
    const wasDown = readRecord(settings) === undefined;
    const totals = await onCluster(settings, wasDown, () => runFiles(settings, testFiles(names)));
    const skipped = totals.skipped === 0 ? '' : `, ${totals.skipped} skipped`;
    console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
    return totals.failed === 0 && totals.passed > 0 ? 0 : 1;
  } catch (error) {
    console.error(error);
    console.log('0 passed, 1 failed');
    return error instanceof UnmetNeed ? 2 : 1;
  }
}

function requireCommands(): void {
  const missing = commands.filter(([command]) => findCommand(command) === undefined);
  if (missing.length === 0) return;
  throw new UnmetNeed(`needs:\n${missing.map(([command, from]) => `  - ${command} (${from})`).join('\n')}`);
}

/** The number in front of a file's name is its place in the order. */
function testFiles(names: readonly string[]): string[] {
  const folder = path.join(import.meta.dirname, 'e2e');
  const all = globSync('*.e2e.ts', { cwd: folder }).sort();
  const chosen = all.filter((file) => names.length === 0 || names.some((name) => file.includes(name)));
  if (chosen.length === 0) throw new Error(`no test file is called like that; there are ${all.join(', ')}`);
  return chosen.map((file) => path.join(folder, file));
}

/** A cluster that was there before is left as it was found. */
async function onCluster<T>(settings: Settings, bringUp: boolean, work: () => Promise<T>): Promise<T> {
  try {
    if (bringUp) await up(settings);
    return await work();
  } finally {
    if (bringUp) await down(settings);
  }
}

async function runFiles(settings: Settings, files: string[]): Promise<Totals> {
  const harness = await openHarness(openCluster(settings));
  useHarness(harness);
  const closed = Promise.withResolvers<void>();
  let totals: Totals | undefined;
  const events = run({
    files,
    // In this process, so that all files share the harness, and one after the other: they share two cores as well.
    isolation: 'none',
    concurrency: 1,
    // The runner does not end before this process has nothing else to do, so the harness has to go first.
    setup: () => after(() => harness[Symbol.asyncDispose]().then(closed.resolve, closed.reject)),
  });
  events.on('test:summary', ({ counts: { tests, passed, skipped }, success }) => {
    const failed = tests - passed - skipped;
    // What fails outside of a test, a hook for example, is a failure as well.
    totals = { passed, failed: success ? failed : Math.max(1, failed), skipped };
  });
  const report = events.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await Promise.all([finished(report), closed.promise]);
  if (totals === undefined) throw new Error('the test runner ended without a summary');
  return totals;
}
