/** Logs and output that cannot be written, by processes of their own. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';

import { Agent, request } from 'undici';
import { waitFor } from '../cluster/wait.ts';
import { createFakeApiServer } from '../fakes/apiserver.ts';
import { until } from '../fakes/until.ts';
import { freePort, kubeconfigFor } from '../fakes/wholecluster.ts';

const source = path.join(import.meta.dirname, '../../src');
const lineCount = 5_000;

/** Logs, waits for a line on its standard input, logs again and again, and ends after another one. */
const program = `
import { createLogger } from ${JSON.stringify(path.join(source, 'logging.ts'))};
import { once } from 'node:events';
const log = createLogger('json', 0);
process.stdout.write('ready\\n');
await once(process.stdin, 'data');
for (let line = 0; line < ${lineCount}; line += 1) {
  log.info({ line, filler: 'x'.repeat(1000) }, 'a line');
  if (line % 100 === 0) await new Promise(setImmediate);
}
process.stdout.write('alive\\n');
await once(process.stdin, 'data');
log.info({}, 'the last line');
process.exit(0);
`;

function startProgram(stderr: 'pipe' | number): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', stderr] });
}

/** Waits until the child prints a word on its standard output. */
async function prints(child: ChildProcess, word: string): Promise<void> {
  let said = '';
  for (;;) {
    if (said.includes(word)) return;
    const [chunk] = (await once(child.stdout!, 'data')) as [Buffer];
    said += chunk.toString();
  }
}

let folder: string;
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
});
after(() => {
  rmSync(folder, { recursive: true });
});

/** A FIFO that nothing reads but `read`, which returns what waits in it. */
function makeFifo(name: string) {
  const file = path.join(folder, name);
  execFileSync('mkfifo', [file]);
  const fd = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
  const read = (): string => {
    const chunk = Buffer.alloc(65_536);
    try {
      return chunk.toString('utf8', 0, readSync(fd, chunk));
    } catch {
      return '';
    }
  };
  const fill = () => {
    try {
      for (;;) writeSync(fd, 'x'.repeat(1_024));
    } catch {
      // It is full.
    }
  };
  return { file, read, fill, close: () => closeSync(fd) };
}

/** The numbers of the lines that were written in order, and how many were dropped behind them. */
function assertComplete(log: string): void {
  const lines = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; line?: number; lines?: number; code?: string; reason?: string });
  const written = lines.filter(({ msg }) => msg === 'a line').map(({ line }) => line);
  assert.deepEqual(
    written,
    Array.from({ length: written.length }, (_, at) => at),
  );
  const dropped = lines.filter(({ msg }) => msg === 'lines were dropped: the log could not be written');
  assert.equal(dropped.length, 1);
  assert.equal(written.length + (dropped[0]?.lines ?? 0), lineCount);
  assert.equal(dropped[0]?.code, 'LogLinesDropped');
  assert.equal(dropped[0].reason, 'EAGAIN');
  assert.ok(written.length > 900, `${written.length} lines were kept, a backlog of 1 MiB holds more`);
}

describe('a process whose log is not read', () => {
  test('goes on; what waited is written once the pipe is read, with the number of lines that were dropped', async () => {
    const child = startProgram('pipe');
    await prints(child, 'ready');
    child.stdin!.write('go\n');
    await prints(child, 'alive');
    let log = '';
    child.stderr!.on('data', (chunk: Buffer) => (log += chunk.toString()));
    await until('the backlog is written', () => log.includes('lines were dropped'));
    assertComplete(log);
    child.stdin!.write('end\n');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    await until('the last line is written', () => log.includes('the last line'));
  });

  test('goes on where the log is a FIFO', async () => {
    const fifo = makeFifo('log');
    const fd = openSync(fifo.file, 'w');
    const child = startProgram(fd);
    closeSync(fd);
    await prints(child, 'ready');
    child.stdin!.write('go\n');
    await prints(child, 'alive');
    let log = '';
    await until('the backlog is written', () => (log += fifo.read()).includes('lines were dropped'));
    assertComplete(log);
    child.stdin!.write('end\n');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    fifo.close();
  });

  test('ends although the log is never read', async () => {
    const child = startProgram('pipe');
    await prints(child, 'ready');
    child.stdin!.write('go\n');
    await prints(child, 'alive');
    child.stdin!.write('end\n');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    child.stderr!.destroy();
  });

  test('serves, and stops by SIGTERM, where not even its first line can be written', async () => {
    await using api = await createFakeApiServer();
    const kubeconfig = path.join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, kubeconfigFor(api.url, api.ca));
    const fifo = makeFifo('full');
    fifo.fill();
    const fd = openSync(fifo.file, 'w');
    const port = await freePort();
    const flags = [`--kubeconfig=${kubeconfig}`, `--secure-port=${port}`, '--bind-address=127.0.0.1', '--cert-dir='];
    const child = spawn(process.execPath, [path.join(source, 'main.ts'), ...flags, '--shutdown-delay-duration=0s'], {
      stdio: ['ignore', 'ignore', fd],
    });
    closeSync(fd);
    const agent = new Agent({ connect: { rejectUnauthorized: false } });
    try {
      const serves = async () => {
        const answer = await request(`https://127.0.0.1:${port}/livez`, { dispatcher: agent });
        await answer.body.dump();
        return answer.statusCode === 200;
      };
      await waitFor('the program to serve', serves, 60_000, 20);
      child.kill('SIGTERM');
      assert.deepEqual(await once(child, 'exit'), [0, null]);
    } finally {
      child.kill('SIGKILL');
      await agent.destroy();
      fifo.close();
    }
  });
});

describe('a process whose log cannot be written', () => {
  test('outlives the reader of its log', async () => {
    const child = startProgram('pipe');
    await prints(child, 'ready');
    child.stderr!.destroy();
    await once(child.stderr!, 'close');
    child.stdin!.write('go\n');
    await prints(child, 'alive');
    child.stdin!.write('end\n');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  test('outlives a full disk', async () => {
    const full = openSync('/dev/full', 'w');
    const child = startProgram(full);
    closeSync(full);
    await prints(child, 'ready');
    child.stdin!.write('go\n');
    await prints(child, 'alive');
    child.stdin!.write('end\n');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
});

describe('what the program prints', () => {
  const main = path.join(source, 'main.ts');

  test('is of no consequence where nothing reads it', async () => {
    const child = spawn(process.execPath, [main, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const errors = text(child.stderr);
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.equal(await errors, '');
  });

  test('is complete where the pipe is full at first', async () => {
    const fifo = makeFifo('output');
    fifo.fill();
    const fd = openSync(fifo.file, 'w');
    const child = spawn(process.execPath, [main, '--help'], { stdio: ['ignore', fd, 'pipe'] });
    closeSync(fd);
    let exited = false;
    const exit = once(child, 'exit').then((how) => {
      exited = true;
      return how;
    });
    let output = '';
    await until('all is printed', () => {
      output += fifo.read();
      return exited;
    });
    output += fifo.read();
    assert.deepEqual(await exit, [0, null]);
    const whole = execFileSync(process.execPath, [main, '--help'], { encoding: 'utf8' });
    assert.equal(output.replace(/^x+/, ''), whole);
    fifo.close();
  });

  test('is an error where the disk is full', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [main, '--help'], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    const errors = text(child.stderr!);
    assert.deepEqual(await once(child, 'exit'), [1, null]);
    assert.match(await errors, /cannot write to standard output: .*ENOSPC/);
  });
});
