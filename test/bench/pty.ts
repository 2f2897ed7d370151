/** A program in a terminal whose bytes are timed as they are written: util-linux's `script` is the terminal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { requireCommands } from '../cluster/needs.ts';
import { monotonicMs } from './screencluster.ts';

export interface Pty extends AsyncDisposable {
  /** When the shell in it was started. */
  readonly startMs: number;
  /** Resolves with the time at which what was written, without styles, has matched. */
  whenWritten(pattern: RegExp): Promise<number>;
  /** Types a key that ends the program, and waits for its end. */
  quit(key: string): Promise<void>;
}

const size = 'stty columns 160 rows 50';
// oxlint-disable-next-line no-control-regex
const styles = /\u001b\[[0-9;]*m/g;
/** What one program writes until it is measured is far less. */
const keptCharacters = 4 * 1024 * 1024;

/** @param command for a shell, which it replaces. Ends with its scope. */
export function openPty(command: string, env: Readonly<Record<string, string>> = {}): Pty {
  requireCommands([['script', 'apt-get install bsdutils']]);
  const startMs = monotonicMs();
  const child = spawn('script', ['--quiet', '--flush', '--command', `${size}; exec ${command}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm-256color', LANG: 'C.UTF-8', SHELL: '/bin/sh', ...env },
  });
  const ended = once(child, 'exit');
  let written = '';
  let lastMs = startMs;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    lastMs = monotonicMs();
    written = (written + chunk).slice(-keptCharacters);
  });
  return {
    startMs,
    async whenWritten(pattern) {
      while (!pattern.test(written.replaceAll(styles, ''))) {
        const [event] = await Promise.race([once(child.stdout, 'data'), ended]);
        if (typeof event !== 'string') throw new Error(`ended before it wrote ${pattern}: ${written}`);
      }
      return lastMs;
    },
    async quit(key) {
      child.stdin.write(key);
      await ended;
    },
    async [Symbol.asyncDispose]() {
      // Ends the program, too.
      child.kill('SIGTERM');
      await ended;
    },
  };
}
