/** Runs the end-to-end tests on the real cluster, which it brings up when none runs, and prints the totals. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openCluster } from './cluster.ts';
import { down } from './down.ts';
import { openHarness, type RunOptions, useHarness } from './e2e/harness.ts';
import { chooseStages } from './e2e/stages.ts';
import { requireCommands, requireRoot, UnmetNeed } from './needs.ts';
import { readRecord, readSettings, type Settings } from './settings.ts';
import { printTotals, runTestFiles, succeeded, type Totals } from './testrun.ts';
import { up } from './up.ts';

/** Programs that the tests call, beside those of the cluster. */
const commands = [
  ['ab', 'apt-get install apache2-utils'],
  ['buildah', 'apt-get install buildah'],
  ['curl', 'apt-get install curl'],
  ['iptables', 'apt-get install iptables'],
  ['prometheus', 'apt-get install --no-install-recommends prometheus'],
  ['python3', 'apt-get install python3-venv'],
] as const;

process.exitCode = await main(process.argv.slice(2));

/**
 * Arguments are parts of the names of the files to run; none runs all. `--ci` gives less time to tests that only report figures, `--disable-fast-path` starts
 * the server under test with that flag. Returns 0 when all passed, 1 when some failed, 2 when the machine is not as needed.
 */
async function main(args: readonly string[]): Promise<number> {
  try {
    const options = readOptions(args);
    requireRoot();
    requireCommands(commands);
    const settings = readSettings();
    const bringUp = readRecord(settings) === undefined;
    const totals = await onCluster(settings, bringUp, () => runFiles(settings, options));
    printTotals(totals);
    return succeeded(totals) ? 0 : 1;
  } catch (error) {
    console.error(error);
    console.log('0 passed, 1 failed');
    return error instanceof UnmetNeed ? 2 : 1;
  }
}

function readOptions(args: readonly string[]): RunOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { ci: { type: 'boolean' }, 'disable-fast-path': { type: 'boolean' } },
  });
  return {
    stages: chooseStages(positionals),
    brief: values.ci ?? false,
    serverArgs: values['disable-fast-path'] ? ['--disable-fast-path'] : [],
  };
}

/** Takes the cluster down again where it was brought up, also when a signal ends the run; one that was there before stays. */
async function onCluster<T>(settings: Settings, bringUp: boolean, work: () => Promise<T>): Promise<T> {
  if (!bringUp) return work();
  const interrupted = () => void down(settings).finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    await up(settings);
    return await work();
  } finally {
    process.removeListener('SIGINT', interrupted);
    process.removeListener('SIGTERM', interrupted);
    await down(settings);
  }
}

async function runFiles(settings: Settings, options: RunOptions): Promise<Totals> {
  const harness = await openHarness(openCluster(settings), options);
  useHarness(harness);
  const file = path.join(import.meta.dirname, 'e2e/run.ts');
  return runTestFiles([file], () => harness[Symbol.asyncDispose]());
}
