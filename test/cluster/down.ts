/** Takes the cluster down, whatever state it is in, and leaves nothing of it behind. */
import { globSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { componentNames } from './components.ts';
import { podProcesses, requireRoot } from './needs.ts';
import { identify, isRunning, type ProcessRecord, readProcesses, signal, stop } from './process.ts';
import { removeResidue } from './residue.ts';
import { readRecord, type Settings } from './settings.ts';

export async function down(settings: Settings): Promise<void> {
  requireRoot();
  const record = readRecord(settings);
  if (record === undefined) {
    console.log(`there is no cluster in ${settings.runFolder}`);
    return;
  }
  const recorded = readProcesses(settings);
  const components = componentNames.toReversed().flatMap((name) => recorded.find((one) => one.name === name) ?? []);
  // The kubelet first: it would start again what is ended behind its back.
  for (const kubelet of components.filter(({ name }) => name === 'kubelet')) await stop(kubelet);
  // Pods are not asked to end: nothing in them is worth a wait. Their shims still run and collect them.
  await endAll(podProcesses);
  await endAll(() => guests(settings, components));
  for (const component of components) await stop(component);
  await removeResidue(settings, record);
  await rm(settings.runFolder, { recursive: true });
  console.log('the cluster is down');
}

/**
 * Returns other processes in the cluster's network: containerd's shims, which outlive it on purpose, and servers that a test
 * has left there. Not this process, which may have been started in there too.
 */
function guests(settings: Settings, components: readonly ProcessRecord[]): number[] {
  const ours = namespaceId(settings.networkNamespace);
  const pids = globSync('/proc/[0-9]*').map((folder) => Number(path.basename(folder)));
  const spared = new Set([process.pid, process.ppid, ...components.map(({ pid }) => pid)]);
  return pids.filter((pid) => ours !== undefined && !spared.has(pid) && namespaceId(`/proc/${pid}/ns/net`) === ours);
}

/** A namespace is known by device and inode; undefined when the process has gone or the namespace was never made. */
function namespaceId(file: string): string | undefined {
  try {
    const { dev, ino } = statSync(file);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/** Until none is left: a process may start another while it is being ended. */
async function endAll(find: () => number[]): Promise<void> {
  for (;;) {
    const running = find()
      .flatMap((pid) => identify(pid) ?? [])
      .filter(isRunning);
    if (running.length === 0) return;
    for (const process of running) signal(process, 'SIGKILL');
    await sleep(50);
  }
}
