/** Runs the cluster's own kubectl as its administrator. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import path from 'node:path';
import { type CommandOptions, runInNamespace, spawnInNamespace } from './command.ts';
import { adminKubeconfig, readRecord, type Settings } from './settings.ts';

/** Returns kubectl's output. Throws CommandFailed with its error text, and an Error when there is no cluster. */
export async function kubectl(
  settings: Settings,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  return runInNamespace(settings, ...commandLine(settings, args), options);
}

/** Starts kubectl in the cluster's network. Throws an Error when there is no cluster. */
export function startKubectl(settings: Settings, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawnInNamespace(settings, ...commandLine(settings, args), options);
}

function commandLine(settings: Settings, args: readonly string[]): [command: string, args: string[]] {
  const record = readRecord(settings);
  if (record === undefined) throw new Error(`there is no cluster in ${settings.runFolder}; bring it up first`);
  // Its cache would otherwise stay in the user's home.
  const cache = `--cache-dir=${path.join(settings.runFolder, 'kubectl-cache')}`;
  return [path.join(record.kubernetesBin, 'kubectl'), [`--kubeconfig=${adminKubeconfig(settings)}`, cache, ...args]];
}
