/** `npm start` on a terminal: redrawn in place, and the terminal is as before whatever ends it. */
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { until } from '../fakes/until.ts';

const main = path.resolve(import.meta.dirname, '../standin/main.ts');
const escape = '\x1b';
const enter = '\x1b[?1049h\x1b[?25l';
const leave = '\x1b[?25h\x1b[?1049l';

/** util-linux's `script` gives a program a terminal; the one of BSD and macOS has other flags. */
const hasScript =
  process.platform === 'linux' &&
  /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');

describe('npm start on a terminal', { skip: !hasScript && 'this machine has no script of util-linux' }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'terminal-'));
  });
  const children: ChildProcessWithoutNullStreams[] = [];
  after(async () => {
    // After a failed test: without its terminal, the program gets SIGHUP.
    for (const child of children) if (!hasEnded({ child })) child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });

  /** Starts it on a terminal of 80 columns and 24 rows. The process ID is in a file, since `script` starts a shell. */
  function start(env: Readonly<Record<string, string>>) {
    const flags = ['--port=0', '--api-port=0', `--cert-dir=${folder}`, '--nodes=2', '--pods=0'];
    const words = [process.execPath, main, ...flags].map((word) => `'${word}'`).join(' ');
    const command = `stty cols 80 rows 24; echo $$ > '${folder}/pid'; exec ${words}`;
    const { CI: _ci, NO_COLOR: _noColor, FORCE_COLOR: _forceColor, ...inherited } = process.env;
    const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
      env: { ...inherited, SHELL: '/bin/sh', TERM: 'xterm-256color', ...env },
    });
    children.push(child);
    const terminal = { child, shown: '' };
    child.stdout.on('data', (chunk: Buffer) => (terminal.shown += chunk.toString()));
    return terminal;
  }

  function hasEnded({ child }: { readonly child: ChildProcessWithoutNullStreams }): boolean {
    return child.exitCode !== null || child.signalCode !== null;
  }

  async function endOf(child: ChildProcessWithoutNullStreams): Promise<unknown> {
    const [code]: unknown[] = await once(child, 'close');
    return code;
  }

  test('draws a table that says why a pod has no usage, and gives the terminal back on Ctrl-C', async () => {
    const terminal = start({});
    const ended = endOf(terminal.child);
    await until(
      'the table says why',
      () => hasEnded(terminal) || /leaky-0[^]*(?:OneSample|Restarted|NotReported): /.test(terminal.shown),
    );
    terminal.child.stdin.write('\x03');
    assert.equal(await ended, 130, terminal.shown);
    const { shown } = terminal;
    assert.equal(shown.split(enter).length, 2, 'it enters the alternate screen once');
    assert.equal(shown.split(leave).length, 2, 'and leaves it once');
    const [screen = '', rest] = shown.slice(shown.indexOf(enter) + enter.length).split(leave);
    assert.equal(rest?.trim(), 'stopping kubegauge and its cluster');
    assert.match(screen, new RegExp(`${escape}\\[33m {2}(?:OneSample|Restarted|NotReported): `));
    assert.ok(!screen.includes('\n'), 'nothing scrolls');
    // The server's log would spoil the screen.
    assert.match(await readFile(path.join(folder, 'server.log'), 'utf8'), / serving [^]* stopped\n$/);
  });

  test('has no colours with NO_COLOR, and gives the terminal back when it is killed by SIGTERM', async () => {
    const terminal = start({ NO_COLOR: '1' });
    const ended = endOf(terminal.child);
    await until('there is a table', () => hasEnded(terminal) || terminal.shown.includes('NODE'));
    process.kill(Number(await readFile(path.join(folder, 'pid'), 'utf8')), 'SIGTERM');
    assert.equal(await ended, 143, terminal.shown);
    assert.ok(!new RegExp(`${escape}\\[[\\d;]*m`).test(terminal.shown), 'no styles');
    assert.ok(terminal.shown.includes(leave));
    assert.match(stripVTControlCharacters(terminal.shown), /stopping kubegauge and its cluster\s*$/);
  });

  test('prints no escapes on a dumb terminal', async () => {
    const terminal = start({ TERM: 'dumb' });
    const ended = endOf(terminal.child);
    await until('it has begun', () => hasEnded(terminal) || terminal.shown.includes('waiting for the first usage'));
    terminal.child.stdin.write('\x03');
    assert.equal(await ended, 130, terminal.shown);
    assert.ok(!terminal.shown.includes(escape), terminal.shown);
  });
});
