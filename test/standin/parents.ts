/** Reports the end of the package manager that started the stand-in: a signal to npm ends npm or its shell, and reaches neither the stand-in nor the server. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const pollMs = 250;

interface Parents {
  /** Process IDs that all have to be there: npm's shell, and npm. */
  readonly watched: readonly number[];
  [Symbol.dispose](): void;
}

/** Calls back once when npm, or the shell between npm and us, has ended. Watches nothing unless a package manager started us. */
export function watchParents(ended: () => void, env: NodeJS.ProcessEnv = process.env): Parents {
  const parent = process.ppid;
  const startedByScript = env['npm_lifecycle_event'] !== undefined;
  const shell = startedByScript ? processOf(parent) : undefined;
  // A shell that runs one command may have become that command; then our parent is npm, and its parent is the user's.
  const above = shell !== undefined && shell.name.endsWith('sh') ? [shell.parent] : [];
  const watched = startedByScript ? [parent, ...above] : [];
  const timer = setInterval(() => {
    if (process.ppid === parent && above.every(isAlive)) return;
    clearInterval(timer);
    ended();
  }, pollMs);
  timer.unref();
  if (watched.length === 0) clearInterval(timer);
  return { watched, [Symbol.dispose]: () => clearInterval(timer) };
}

/** Returns a process's name and parent; undefined where the system does not say. */
function processOf(pid: number): { readonly name: string; readonly parent: number } | undefined {
  try {
    const [, name = '', parent = ''] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return { name, parent: Number(parent) };
  } catch {
    // Not Linux.
  }
  try {
    const printed = execFileSync('ps', ['-o', 'ppid=', '-o', 'comm=', '-p', String(pid)], { encoding: 'utf8' });
    const [, parent = '', name = ''] = /^\s*(\d+)\s+(.*?)\s*$/.exec(printed) ?? [];
    return { name, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
