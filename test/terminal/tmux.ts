/** A program in a real terminal: tmux, with a server of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../fakes/until.ts';

export interface TmuxTerminal extends Disposable {
  /** Types keys by their names in tmux, such as `Tab`, `Enter`, `q`. */
  press(...keys: readonly string[]): void;
  /** Types a text as it is. */
  type(text: string): void;
  resize(columns: number, rows: number): void;
  /** Returns the lines on the screen. @param withColours with the sequences that style them. */
  screen(withColours?: boolean): string;
  /** Returns the screen as soon as it matches. */
  shows(pattern: RegExp): Promise<string>;
}

export interface TmuxOptions {
  readonly columns: number;
  readonly rows: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Milliseconds between looks: each runs tmux, and the fake API server waits for it. */
const pauseMs = 40;
/** Compiled once: most of a start is compiling. Gone with the process. */
const compiled = mkdtempSync(path.join(tmpdir(), 'kubegauge-compiled-'));
process.once('exit', () => rmSync(compiled, { recursive: true, force: true }));

/** @param command for a shell; the terminal stays when it has ended, and shows `ended with <code>`. */
export function openTmux(command: string, { columns, rows, env = {} }: TmuxOptions): TmuxTerminal {
  const folder = mkdtempSync(path.join(tmpdir(), 'kubegauge-tmux-'));
  const socket = path.join(folder, 'socket');
  const tmux = (...args: readonly string[]): string =>
    execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], { encoding: 'utf8' });
  const variables = Object.entries({ LANG: 'C.UTF-8', NODE_COMPILE_CACHE: compiled, ...env }).flatMap(
    ([name, value]) => ['-e', `${name}=${value}`],
  );
  const whole = `${command}; echo "ended with $?"; exec cat`;
  tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), ...variables, whole);
  const screen = (withColours = false): string => tmux('capture-pane', '-p', ...(withColours ? ['-e'] : []));
  return {
    press: (...keys) => void tmux('send-keys', ...keys),
    type: (text) => void tmux('send-keys', '-l', text),
    resize: (width, height) => void tmux('resize-window', '-x', String(width), '-y', String(height)),
    screen,
    async shows(pattern) {
      let shown = '';
      let nextMs = 0;
      await until(`the terminal shows ${pattern}`, () => {
        if (performance.now() < nextMs) return false;
        shown = screen();
        nextMs = performance.now() + pauseMs;
        return pattern.test(shown);
      });
      return shown;
    },
    [Symbol.dispose]() {
      tmux('kill-server');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
