/** Exec plugins are real programs. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createExecPlugin, outputLimitBytes } from '../../../src/client/execplugin.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { until } from '../../fakes/until.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kubegauge-exec-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const signal = new AbortController().signal;

/** A plugin that runs this JavaScript. */
const plugin = (source: string, clock = createFakeClock()) =>
  createExecPlugin({ command: process.execPath, args: ['-e', source], env: [{ name: 'WHO', value: 'ann' }] }, clock);

const printing = (status: string) => `process.stdout.write(JSON.stringify({ status: ${status} }))`;

describe('an exec plugin', () => {
  test('runs with its environment, and again when its credentials have expired', async () => {
    const clock = createFakeClock();
    const expires = new Date(clock.wallMs() + 60_000).toISOString();
    const credentials = plugin(
      printing(`{ token: process.env.WHO + process.pid, expirationTimestamp: ${JSON.stringify(expires)} }`),
      clock,
    );
    const first = await credentials(signal);
    assert.match(first.authorization ?? '', /^Bearer ann\d+$/);
    assert.equal(await credentials(signal), first);
    await clock.advance(60_000);
    assert.notDeepEqual(await credentials(signal), first);
  });

  test('that returns no credentials, or no JSON, is an error that does not repeat it', async () => {
    await assert.rejects(plugin(printing('{}'))(signal), /returned no credentials/);
    await assert.rejects(plugin('process.stdout.write("secret")')(signal), /^Error: the exec plugin returned 6 char/);
  });

  test('that fails is an error with the beginning of its standard error, escaped', async () => {
    const failing = 'process.stderr.write("\\x1b[2J log in" + "!".repeat(1e6), () => process.exit(3))';
    await assert.rejects(plugin(failing)(signal), (error: Error) => {
      assert.match(error.message, /^\\x1b\[2J log in!/);
      return error.message.length < 2_000;
    });
    await assert.rejects(plugin('process.exit(3)')(signal), /ended with code 3/);
    await assert.rejects(createExecPlugin({ command: path.join(folder, 'none') }, createFakeClock())(signal), /ENOENT/);
    await assert.rejects(createExecPlugin({}, createFakeClock())(signal), /has no command/);
  });

  test('that writes without an end is ended', async () => {
    const endless =
      'const write = () => { while (process.stdout.write("x".repeat(65536))); process.stdout.once("drain", write); }; write()';
    await assert.rejects(plugin(endless)(signal), new RegExp(`wrote more than ${outputLimitBytes} bytes`));
  });

  test('that hangs is ended when the signal aborts, also if a child of its own keeps its output open', async () => {
    const pidFile = path.join(folder, 'pid');
    const script = `
      const child = require('node:child_process').spawn('sleep', ['600'], { stdio: 'inherit' });
      require('node:fs').writeFileSync(${JSON.stringify(pidFile)}, process.pid + ' ' + child.pid + ' ');
      setInterval(() => undefined, 1000);
    `;
    const stop = new AbortController();
    const pending = plugin(script)(stop.signal);
    const read = () => {
      try {
        return readFileSync(pidFile, 'utf8').split(' ');
      } catch {
        return [];
      }
    };
    await until('it runs', () => read().length === 3);
    stop.abort(new Error('too late'));
    await assert.rejects(pending);
    const [own, child] = read().map(Number);
    assert.ok(own !== undefined && child !== undefined);
    const isThere = (pid: number) => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    await until('it has ended', () => !isThere(own));
    process.kill(child, 'SIGKILL');
  });
});
