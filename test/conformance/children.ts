/** The lab's processes: started here, logged to a file each, and ended again by their pid, whatever happens to us. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Program {
  /** Also its log's name. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export interface Child {
  readonly pid: number;
  /** The exit code once it is gone; undefined when a signal ended it. */
  readonly ended: Promise<number | undefined>;
  readonly running: () => boolean;
  /** The end of what it printed. */
  lastLog(): string;
  /** All that it printed. */
  wholeLog(): string;
  signal(name: NodeJS.Signals): void;
  /** Sends SIGTERM and waits for the end; after 15 s it insists. */
  stop(): Promise<void>;
}

const insistAfterMs = 15_000;
const lastLines = 15;

/** Children that still run, for an exit without time for SIGTERM. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts it in the folder, with nothing of this shell's environment but what is needed to run. */
export function startChild(folder: string, { name, command, args }: Program): Child {
  const logFile = path.join(folder, `${name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, {
    cwd: folder,
    stdio: ['ignore', log, log],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: folder },
    // A group of its own: Ctrl-C is for us, and we end it in order.
    detached: true,
  });
  closeSync(log);
  running.add(child);
  const ended = once(child, 'exit').then(([code]: unknown[]) => {
    running.delete(child);
    return typeof code === 'number' ? code : undefined;
  });
  // An error is for those that await it; not all do.
  ended.catch(() => running.delete(child));
  return {
    // 0 where it could not be started; then it has ended, too.
    pid: child.pid ?? 0,
    ended,
    running: () => running.has(child),
    wholeLog: () => readFileSync(logFile, 'utf8'),
    lastLog: () => readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lastLines).join('\n'),
    signal: (signal) => child.kill(signal),
    stop,
  };

  async function stop(): Promise<void> {
    if (!running.has(child)) return;
    child.kill('SIGTERM');
    const insist = setTimeout(() => child.kill('SIGKILL'), insistAfterMs);
    await ended;
    clearTimeout(insist);
  }
}
