/** Runs the cluster's own kubectl as its administrator. */
import path from 'node:path';
import { type CommandOptions, runInNamespace } from './command.ts';
import { adminKubeconfig, readRecord, type Settings } from './settings.ts';

/** What kubectl prints. Throws CommandFailed with its error text, and an Error when there is no cluster. */
export async function kubectl(
  settings: Settings,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const record = readRecord(settings);
  if (record === undefined) throw new Error(`there is no cluster in ${settings.runFolder}; bring it up first`);
  return runInNamespace(
    settings,
    path.join(record.kubernetesBin, 'kubectl'),
    // Its cache would otherwise stay in the user's home.
    [
      `--kubeconfig=${adminKubeconfig(settings)}`,
      `--cache-dir=${path.join(settings.runFolder, 'kubectl-cache')}`,
      ...args,
    ],
    options,
  );
}
