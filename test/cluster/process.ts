/** Starts the cluster's processes detached, remembers them on disk, and ends exactly those again. */
import { closeSync, globSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnInNamespace } from './command.ts';
import type { Settings } from './settings.ts';

/** A process as recorded when it started. A pid is used again one day; with its start time and boot it is unique. */
export interface ProcessRecord {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly path: string;
  readonly pid: number;
  /** Clock ticks after boot; undefined when it was gone before we could look. */
  readonly startTicks: number | undefined;
  readonly bootId: string;
}

export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Its PATH: where it finds its helpers (containerd its shim and runc, the kubelet mount). */
  readonly path: string;
}

/** Starts a program in the cluster's network; its output goes to <run folder>/logs/<name>.log. It outlives this process. */
export async function start(settings: Settings, program: Program): Promise<void> {
  for (const folder of ['logs', 'processes']) mkdirSync(path.join(settings.runFolder, folder), { recursive: true });
  const log = openSync(logFile(settings, program.name), 'a');
  const child = spawnInNamespace(settings, program.command, program.args, {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: settings.runFolder,
    // Nothing of the caller's: proxies, Go settings or certificates of the shell must not decide what a test sees.
    env: { PATH: program.path, HOME: settings.runFolder },
  });
  closeSync(log);
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
  child.unref();
  const { name, command, args } = program;
  const startTicks = readStat(pid)?.startTicks;
  const record: ProcessRecord = { name, command, args, path: program.path, pid, startTicks, bootId: bootId() };
  writeFileSync(recordFile(settings, name), JSON.stringify(record, undefined, 2));
}

/** Starts a recorded program again, with the same command line. */
export async function startAgain(settings: Settings, name: string): Promise<void> {
  await start(settings, readProcess(settings, name));
}

/** Asks a recorded process to end and insists after graceMs. Resolves when it is gone; at once if it already was. */
export async function stop(record: ProcessRecord, graceMs = 10_000): Promise<void> {
  const insistAtMs = performance.now() + graceMs;
  signal(record, 'SIGTERM');
  while (isRunning(record)) {
    if (performance.now() > insistAtMs) signal(record, 'SIGKILL');
    await sleep(50);
  }
}

export function isRunning(record: Pick<ProcessRecord, 'pid' | 'startTicks' | 'bootId'>): boolean {
  if (record.startTicks === undefined || record.bootId !== bootId()) return false;
  const stat = readStat(record.pid);
  // A zombie has ended; its parent has not collected it yet.
  return stat?.startTicks === record.startTicks && stat.state !== 'Z';
}

/** Every component that was ever started, by the order of their names. */
export function readProcesses(settings: Settings): ProcessRecord[] {
  const names = globSync('*.json', { cwd: path.join(settings.runFolder, 'processes') }).sort();
  return names.map((name) => readProcess(settings, path.basename(name, '.json')));
}

export function readProcess(settings: Settings, name: string): ProcessRecord {
  const record: unknown = JSON.parse(readFileSync(recordFile(settings, name), 'utf8'));
  if (!isProcessRecord(record)) throw new Error(`${recordFile(settings, name)} is damaged`);
  return record;
}

/** Written by start() only, so that it has all when it has the first and the last. */
function isProcessRecord(value: unknown): value is ProcessRecord {
  return typeof value === 'object' && value !== null && 'name' in value && 'bootId' in value;
}

/** A process that was not started through here (a pod's, a shim), as something that can be stopped. Undefined if it is gone. */
export function identify(pid: number): Pick<ProcessRecord, 'pid' | 'startTicks' | 'bootId'> | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : { pid, startTicks: stat.startTicks, bootId: bootId() };
}

export function signal(record: Pick<ProcessRecord, 'pid' | 'startTicks' | 'bootId'>, name: NodeJS.Signals): void {
  if (!isRunning(record)) return;
  try {
    process.kill(record.pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

export const logFile = (settings: Settings, name: string): string =>
  path.join(settings.runFolder, 'logs', `${name}.log`);

/** The end of a process's log, for messages. */
export function lastLog(settings: Settings, name: string, lines = 12): string {
  const text = readFileSync(logFile(settings, name), 'utf8').trimEnd();
  return text.split('\n').slice(-lines).join('\n');
}

const recordFile = (settings: Settings, name: string): string =>
  path.join(settings.runFolder, 'processes', `${name}.json`);

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function readStat(pid: number): { state: string; startTicks: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in brackets may hold anything; what follows the last bracket are fields 3 and on (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTicks: Number(fields[19]) };
  } catch {
    return undefined;
  }
}
