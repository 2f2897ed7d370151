/** `npm start` as a user runs it: the unchanged program serves in the stand-in cluster, and one signal ends all of it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Agent, type Dispatcher, request } from 'undici';
import { field, items, text } from '../../src/client/json.ts';
import { freePort, kubeconfigFor } from '../fakes/wholecluster.ts';

const root = path.resolve(import.meta.dirname, '../..');
let folder: string;
let standin: ChildProcess;
let output = '';
let ca: string;
let readerToken: string;
const agents: Dispatcher[] = [];

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'standin-'));
  standin = start('--port=0', '--api-port=0', `--cert-dir=${folder}`, '--nodes=1', '--pods=20', '--calm');
  await said(/ serving .*port=\d+/);
  [ca, readerToken] = await Promise.all([read('standin-ca.crt'), read('reader.token')]);
});

after(async () => {
  await Promise.all(agents.map((agent) => agent.destroy()));
  if (standin.exitCode === null) {
    standin.kill('SIGTERM');
    await once(standin, 'exit');
  }
  await rm(folder, { recursive: true });
});

function start(...argv: string[]): ChildProcess {
  const child = spawn(process.execPath, [path.join(root, 'test/standin/main.ts'), ...argv], { cwd: root });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return child;
}

/** Waits until the output has it, and fails at once if the program ends before. */
async function said(pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = pattern.exec(output);
    if (found !== null) return found;
    assert.equal(standin.exitCode, null, output);
    await Promise.race([
      ...[standin.stdout, standin.stderr].map((stream) => stream && once(stream, 'data')),
      once(standin, 'exit'),
    ]);
  }
}

function read(file: string): Promise<string> {
  return readFile(path.join(folder, file), 'utf8');
}

/** Asks until there is an answer: before the server has read whom to trust, it is 503. */
async function get(url: string, connect: object, headers: Record<string, string> = {}) {
  const dispatcher = new Agent({ connect: { ca, ...connect } });
  agents.push(dispatcher);
  const signal = AbortSignal.timeout(answerMs);
  for (;;) {
    const { statusCode, body } = await request(url, { dispatcher, headers, signal });
    const content = await body.json();
    if (statusCode !== 503) return { statusCode, content };
  }
}

const answerMs = 60_000;

describe('npm start', () => {
  test('serves discovery straight and through the aggregator', async () => {
    const config: unknown = JSON.parse(await read('admin.kubeconfig'));
    const user = field(items(field(config, 'users'))[0], 'user');
    const pem = (name: string) => Buffer.from(text(field(user, name)) ?? '', 'base64').toString();
    const [, apiUrl = ''] = await said(/ API server (\S+)/);
    const [, port = ''] = await said(/ serving .*port=(\d+)/);
    const admin = { cert: pem('client-certificate-data'), key: pem('client-key-data') };
    const through = await get(`${apiUrl}/apis/metrics.k8s.io/v1`, admin);
    const straight = await get(
      `https://127.0.0.1:${port}/apis/metrics.k8s.io/v1`,
      {},
      { authorization: `Bearer ${readerToken}` },
    );
    assert.equal(through.statusCode, 200);
    assert.equal(field(through.content, 'groupVersion'), 'metrics.k8s.io/v1');
    assert.deepEqual(straight, through);
  });

  test('starts a cluster in which the doctor finds nothing but the autoscaler that cannot work', async () => {
    await said(/A line for each change follows/);
    const argv = ['doctor', '-o', 'json', `--kubeconfig=${path.join(folder, 'admin.kubeconfig')}`];
    const doctor = spawn(process.execPath, [path.join(root, 'src/main.ts'), ...argv], { cwd: root });
    let printed = '';
    doctor.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const [code] = await once(doctor, 'close');
    const examination: unknown = JSON.parse(printed);
    const findings = items(field(examination, 'findings')).map((finding) => text(field(finding, 'code')));
    const notes = ['served-by', 'metric-rules'];
    // The second samples come within half a minute.
    const early = ['node-one-sample', 'pods-one-sample', 'pods-node-unscraped', 'autoscaler-other-api'];
    const others = new Set(findings).difference(new Set([...notes, ...early]));
    assert.deepEqual(others, new Set(['autoscaler-no-request']), printed);
    assert.equal(code, 1);
  });

  test('prints commands and what they print', { skip: process.platform === 'win32' && 'runs them by sh' }, async () => {
    await said(/A line for each change follows/);
    const printed = [...output.matchAll(/^\$ (.*)\n((?: {2}.*\n)+)/gm)];
    assert.ok(printed.length >= 1, output);
    for (const [, typed = '', excerpt = ''] of printed) {
      const again = spawnSync('sh', ['-c', typed], { cwd: root, encoding: 'utf8' });
      // The doctor finds the autoscaler that cannot work.
      assert.equal(again.status, typed.includes(' doctor ') ? 1 : 0, `${typed}: ${again.stderr}`);
      const lines = excerpt.split('\n').map((each) => each.trim());
      const shape = (text: string): string =>
        text
          .replaceAll(/\d+/g, '#')
          .replace(/(": )".*"/, '$1"..."')
          .replaceAll(/\s+/g, ' ')
          .trim();
      const shapes = new Set(`${again.stdout}${again.stderr}`.split('\n').map(shape));
      // Usage moves on, and with it the order of pods and the reason without it: titles, names of fields and findings stay.
      assert.ok(shapes.has(shape(lines[0] ?? '')), `${typed}: ${excerpt}`);
    }
  });

  test('a second start with the same files says where the first is, and how to start beside it', async () => {
    const [, apiUrl = ''] = await said(/ API server (\S+)/);
    const second = start('--port=0', '--api-port=0', `--cert-dir=${folder}`);
    const [code] = await once(second, 'exit');
    assert.equal(code, 1);
    await said(
      new RegExp(`already running at ${apiUrl}, .*\\n  npm.* start -- --cert-dir=\\S*second --api-port=0 --port=0`),
    );
  });

  test('says which port is taken and which flag changes it', async () => {
    const [, port] = await said(/ serving .*port=(\d+)/);
    const second = start(`--port=${port}`, '--api-port=0', `--cert-dir=${path.join(folder, 'other')}`);
    const [code] = await once(second, 'exit');
    assert.equal(code, 1);
    await said(new RegExp(`another program listens on 127.0.0.1:${port}\\. .*\\n  npm.* start -- --port=0\\n`));
  });

  test('stops everything on Ctrl-C, with the code of a shell', async () => {
    standin.kill('SIGINT');
    const [code] = await once(standin, 'exit');
    assert.equal(code, 130, output);
    assert.match(output, /stopping signal=SIGTERM/);
  });
});

describe('npm leaves no process behind', { skip: process.platform === 'win32' }, () => {
  const endMs = 120_000;
  let starts = 0;
  /** Each start has files of its own. */
  const standinFlags = () => {
    starts += 1;
    return [
      '--port=0',
      '--api-port=0',
      `--cert-dir=${path.join(folder, String(starts))}`,
      '--nodes=1',
      '--pods=0',
      '--calm',
    ];
  };

  /** Starts a process group, ends it once the server serves, and returns all output after every process has closed it. */
  async function outputUntilAllEnded(command: string, argv: readonly string[], end: (pid: number) => void) {
    const child = spawn(command, argv, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        const served = printed.includes(' serving ');
        printed += chunk.toString();
        if (!served && printed.includes(' serving ') && child.pid !== undefined) end(child.pid);
      });
    }
    // Each process below holds the output open; the last one to end closes it.
    const late = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), endMs);
    await once(child, 'close');
    clearTimeout(late);
    return printed;
  }

  const kill = (signal: NodeJS.Signals) => (pid: number) => void process.kill(pid, signal);

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`the server ends in good order when npm start alone gets ${signal}`, async () => {
      assert.match(await outputUntilAllEnded('npm', ['start', '--', ...standinFlags()], kill(signal)), / stopped\n/);
    });
  }

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`the server ends in good order when npm run serve alone gets ${signal}`, async () => {
      const kubeconfig = path.join(folder, 'away.kubeconfig');
      await writeFile(kubeconfig, kubeconfigFor(`https://127.0.0.1:${await freePort()}`, ca));
      const flags = [`--kubeconfig=${kubeconfig}`, `--secure-port=${await freePort()}`, '--cert-dir='];
      const argv = ['run', 'serve', '--', ...flags, '--shutdown-delay-duration=0s'];
      assert.match(await outputUntilAllEnded('npm', argv, kill(signal)), / stopped\n/);
    });
  }

  test('nothing is left when the reader of a pipe has gone', async () => {
    const argv = [path.join(root, 'test/standin/main.ts'), ...standinFlags()];
    const child = spawn(process.execPath, argv, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.once('data', () => child.stdout.destroy());
    // The server holds the other output open.
    child.stderr.resume();
    const [code] = await once(child, 'close');
    assert.equal(code, 141);
  });

  test('the server ends in good order on Ctrl-C, which all of the group get', async () => {
    const argv = ['start', '--', ...standinFlags()];
    const printed = await outputUntilAllEnded('npm', argv, (pid) => void process.kill(-pid, 'SIGINT'));
    assert.match(printed, / stopped\n/);
  });

  test('the server ends in good order when the stand-in is killed', async () => {
    const standinAlone = [path.join(root, 'test/standin/main.ts'), ...standinFlags()];
    assert.match(await outputUntilAllEnded(process.execPath, standinAlone, kill('SIGKILL')), / stopped\n/);
  });
});
