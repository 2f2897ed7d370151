/** Residue of a cluster on a machine outside its processes: mounts, cgroups, folders, kernel settings; and its removal. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { readdir, readlink, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from './command.ts';
import { podCgroups } from './needs.ts';
import type { ClusterRecord, Settings } from './settings.ts';
import { waitFor } from './wait.ts';

/** Folders whose place the components do not let us choose. */
const fixedFolders = [
  '/run/containerd', // containerd's socket and those of its shims, runc's state
  '/var/lib/cni', // results of the network plugins
  '/var/lib/kubelet', // the device plugins' socket
  '/var/log/containers', // links to the containers' logs
];

/** Made by mount; others' mounts may be noted there by now, so it goes only when it is empty. */
const mountTable = '/run/mount';

/** Kernel settings that the kubelet writes at start (setupKernelTunables in pkg/kubelet/cm). */
const sysctlFiles = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
];

/** Looks at the machine before anything is started. */
export function surveyMachine(): Pick<ClusterRecord, 'absentBefore' | 'sysctls'> {
  return {
    absentBefore: [...fixedFolders, mountTable].filter((folder) => !existsSync(folder)),
    sysctls: sysctlFiles.map((file) => [file, readFileSync(path.join('/proc/sys', file), 'utf8').trim()] as const),
  };
}

/** Needs all processes to have ended. Says in the thrown error what could not be removed. */
export async function removeResidue(settings: Settings, record: ClusterRecord): Promise<void> {
  const ourFolders = record.absentBefore.filter((folder) => folder !== mountTable);
  await unmountBelow([settings.runFolder, ...ourFolders]);
  await removePodCgroups();
  if (record.absentBefore.includes(mountTable)) await rmdir(mountTable).catch(() => undefined);
  for (const folder of ourFolders) await rm(folder, { recursive: true, force: true });
  await removeLogLinks(settings);
  for (const [file, value] of record.sysctls) await restoreSysctl(file, value);
}

async function restoreSysctl(file: string, value: string): Promise<void> {
  const full = path.join('/proc/sys', file);
  if (readFileSync(full, 'utf8').trim() !== value) await writeFile(full, value);
}

/** Deepest first; a mount may sit on another at the same place, so until none is left. */
async function unmountBelow(folders: readonly string[]): Promise<void> {
  await waitFor(
    `the mounts below ${folders.join(', ')} to go`,
    async () => {
      const mounts = mountPoints().filter((mount) => folders.some((folder) => isAtOrBelow(mount, folder)));
      for (const mount of mounts.toReversed()) await run('umount', [mount]);
      return mounts.length === 0;
    },
    10_000,
  );
}

/** In the order in which they were mounted. */
function mountPoints(): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
  return lines.map((line) => unescape(line.split(' ')[4] ?? ''));
}

/** Blanks and backslashes in a mount point are octal, proc(5). */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function isAtOrBelow(file: string, folder: string): boolean {
  return file === folder || file.startsWith(`${folder}/`);
}

/** A cgroup goes by rmdir, its children first; one whose last process has just ended may be busy for a moment. */
async function removePodCgroups(): Promise<void> {
  await waitFor(
    'the pods cgroups to go',
    async () => {
      for (const top of podCgroups()) {
        const below = globSync('**/', { cwd: top }).map((folder) => path.join(top, folder));
        const deepestFirst = [...new Set([top, ...below])].sort((a, b) => b.length - a.length);
        for (const folder of deepestFirst) await rmdir(folder);
      }
      return true;
    },
    10_000,
  );
}

/** Where /var/log/containers is not ours, the links to this cluster's logs still are. */
async function removeLogLinks(settings: Settings): Promise<void> {
  const folder = '/var/log/containers';
  if (!existsSync(folder)) return;
  for (const name of await readdir(folder)) {
    const target = await readlink(path.join(folder, name)).catch(() => '');
    if (isAtOrBelow(target, settings.runFolder)) await rm(path.join(folder, name));
  }
}
