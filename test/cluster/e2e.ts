/** Runs the end-to-end tests on the real cluster, which it brings up when none runs, and prints the totals. */
import { globSync } from 'node:fs';
import path from 'node:path';
import { down } from './down.ts';
import { openCluster } from './cluster.ts';
import { openHarness, useHarness } from './e2e/harness.ts';
import { requireCommands, requireRoot, UnmetNeed } from './needs.ts';
import { readRecord, readSettings, type Settings } from './settings.ts';
import { printTotals, runTestFiles, succeeded, type Totals } from './testrun.ts';
import { up } from './up.ts';

/** What the tests call beside what the cluster needs. */
const commands = [
  ['ab', 'apt-get install apache2-utils'],
  ['buildah', 'apt-get install buildah'],
  ['curl', 'apt-get install curl'],
  ['python3', 'apt-get install python3-venv'],
] as const;

process.exitCode = await main(process.argv.slice(2));

/** Arguments are parts of the names of the files to run; none runs all. 0 passed, 1 failed, 2 the machine is not as needed. */
async function main(names: readonly string[]): Promise<number> {
  try {
    requireRoot();
    requireCommands(commands);
    const settings = readSettings();
    const wasDown = readRecord(settings) === undefined;
    const totals = await onCluster(settings, wasDown, () => runFiles(settings, testFiles(names)));
    printTotals(totals);
    return succeeded(totals) ? 0 : 1;
  } catch (error) {
    console.error(error);
    console.log('0 passed, 1 failed');
    return error instanceof UnmetNeed ? 2 : 1;
  }
}

/** The number in front of a file's name is its place in the order. */
function testFiles(names: readonly string[]): string[] {
  const folder = path.join(import.meta.dirname, 'e2e');
  const all = globSync('*.e2e.ts', { cwd: folder }).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
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

async function runFiles(settings: Settings, files: readonly string[]): Promise<Totals> {
  const harness = await openHarness(openCluster(settings));
  useHarness(harness);
  return runTestFiles(files, () => harness[Symbol.asyncDispose]());
}
