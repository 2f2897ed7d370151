/** Says what the machine lacks, all at once and with what to install, before anything is changed. */
import { accessSync, constants, existsSync, globSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import type { Settings } from './settings.ts';

/** The machine cannot run the cluster as it is; the message says what to do. Exit code 2. */
export class UnmetNeed extends Error {}

/** Command and where it comes from. */
const commands: readonly (readonly [command: string, from: string])[] = [
  ['runc', 'apt-get install runc'],
  ['ip', 'apt-get install iproute2'],
  ['nsenter', 'apt-get install util-linux'],
  ['unshare', 'apt-get install util-linux'],
  ['mount', 'apt-get install mount'],
  ['umount', 'apt-get install mount'],
  ['busybox', 'apt-get install busybox-static'],
  ['tar', 'apt-get install tar'],
];

/** Throws UnmetNeed with those of the commands that are not there and where they come from. */
export function requireCommands(wanted: readonly (readonly [command: string, from: string])[]): void {
  const missing = wanted.filter(([command]) => findCommand(command) === undefined);
  if (missing.length === 0) return;
  throw new UnmetNeed(`needs:\n${missing.map(([command, from]) => `  - ${command} (${from})`).join('\n')}`);
}

/** Throws UnmetNeed unless Go is there. */
export function requireGo(): void {
  if (findCommand('go') === undefined) throw new UnmetNeed('needs: go on the PATH (https://go.dev/dl, 1.26 or newer)');
}

/** Throws UnmetNeed unless openssl is there. */
export function requireOpenssl(): void {
  if (findCommand('openssl') === undefined) throw new UnmetNeed('needs: openssl (apt-get install openssl)');
}

/** Throws UnmetNeed unless run by root. */
export function requireRoot(): void {
  if (process.getuid?.() !== 0) throw new UnmetNeed('needs: root (it makes namespaces, mounts and cgroups)');
}

/** Throws UnmetNeed with everything that keeps the cluster from starting on this machine. */
export async function requireMachine(settings: Settings): Promise<void> {
  if (process.platform !== 'linux') throw new UnmetNeed('needs: Linux');
  requireRoot();
  const problems = commands
    .filter(([command]) => findCommand(command) === undefined)
    .map(([command, from]) => `${command} (${from})`);
  if (await answers(settings.containerdSocket)) {
    problems.push(`no other containerd: one is listening at ${settings.containerdSocket}; stop it first`);
  }
  const pods = podProcesses();
  if (pods.length > 0) {
    problems.push(
      `no other kubelet: processes ${pods.slice(0, 5).join(', ')} are in the cgroup kubepods; stop it first`,
    );
  }
  if (problems.length > 0) throw new UnmetNeed(`needs:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
}

/** The full path of a command on the PATH (and in the system folders that a root shell may lack). */
export function findCommand(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => path.join(folder, name)).find(isExecutable);
}

/** The kubelet's cgroup in every hierarchy (version 1) or in the one (version 2). */
export function podCgroups(): string[] {
  return globSync(['/sys/fs/cgroup/kubepods', '/sys/fs/cgroup/*/kubepods']);
}

/** Every process that runs in a pod on this machine. */
export function podProcesses(): number[] {
  return processesBelow('**/cgroup.procs');
}

/** Every process of one container. */
export function containerProcesses(id: string): number[] {
  return processesBelow(`**/${id}/cgroup.procs`);
}

function processesBelow(pattern: string): number[] {
  const files = podCgroups().flatMap((folder) =>
    globSync(pattern, { cwd: folder }).map((file) => path.join(folder, file)),
  );
  const pids = files.flatMap((file) => readIfThere(file).split('\n').filter(Boolean).map(Number));
  return [...new Set(pids)];
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function answers(socketPath: string): Promise<boolean> {
  if (!existsSync(socketPath)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** A cgroup may go while it is being read. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
