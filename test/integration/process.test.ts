/** The program as a process: exit codes, what it says, and that it lives through an API server that is away. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Agent, request } from 'undici';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { until } from '../fakes/until.ts';
import { freePort, kubeconfigFor } from '../fakes/wholecluster.ts';

const main = path.resolve(import.meta.dirname, '../../src/main.ts');
let folder: string;
let apiServer: FakeApiServer;
let kubeconfig: string;
const anyCertificate = new Agent({ connect: { rejectUnauthorized: false } });

before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
  apiServer = await createFakeApiServer();
  kubeconfig = path.join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(apiServer.url, apiServer.ca));
});

after(async () => {
  await anyCertificate.close();
  await apiServer.close();
  rmSync(folder, { recursive: true });
});

interface Program extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Its output so far, both streams. */
  output(): string;
  exited(): Promise<number | null>;
}

function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  const child = spawn(process.execPath, [main, ...argv], { env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' });
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
  return {
    child,
    output: () => text,
    exited: () => exit,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

const server = (port: number) => [
  '--secure-port',
  String(port),
  '--bind-address=127.0.0.1',
  '--cert-dir=',
  '--shutdown-delay-duration=0s',
];

async function get(port: number, target: string): Promise<{ status: number; text: string; retryAfter: unknown }> {
  const answer = await request(`https://127.0.0.1:${port}${target}`, { dispatcher: anyCertificate });
  return { status: answer.statusCode, text: await answer.body.text(), retryAfter: answer.headers['retry-after'] };
}

describe('used wrongly', () => {
  const check = (name: string, argv: readonly string[], code: number, expected: RegExp) =>
    test(name, async () => {
      await using program = start(argv);
      assert.equal(await program.exited(), code);
      assert.match(program.output(), expected);
      assert.doesNotMatch(program.output(), /^\s+at /m);
    });
  check('without a cluster it says what to do', [], 2, /outside of a pod, pass --kubeconfig=<file>/);
  check(
    'an unknown flag gets one line',
    ['--metric-resolutoin=15s'],
    2,
    /^kubegauge: unknown flag --metric-resolutoin; did you mean --metric-resolution\? \(UnknownFlag: docs\/troubleshooting\.md#unknownflag\)\n$/,
  );
  check('a kubeconfig that is not there is named', ['--kubeconfig=/nowhere/config'], 1, /\/nowhere\/config/);
  check('--version prints it', ['--version'], 0, /^kubegauge v\d+\.\d+\.\d+\n$/);
  check(
    'a command with a typing error does not start a server',
    ['docter', '--cert-dir='],
    2,
    /^kubegauge: no command is named docter; did you mean doctor\? \(UnknownCommand: docs\/troubleshooting\.md#unknowncommand\)\n$/,
  );
  check(
    'version, which is a flag, does not start a server',
    ['version'],
    2,
    /^kubegauge: no command is named version; write kubegauge --version \(UnknownCommand/,
  );
  check(
    'a command behind a flag does not start a server',
    ['--kubeconfig=/nowhere/config', 'trust', 'node-1'],
    2,
    /^kubegauge: trust has to be the first argument/,
  );
  check('trust without a node says what it needs before it looks for a cluster', ['trust'], 2, /^kubegauge: usage: /);
  check(
    'a flag like no other gets no suggestion',
    ['--nonsense'],
    2,
    /^kubegauge: unknown flag --nonsense; see --help \(UnknownFlag: docs\/troubleshooting\.md#unknownflag\)\n$/,
  );
  check(
    '--help of a command explains the command only',
    ['doctor', '--help'],
    0,
    /^(?!.*--secure-port)Usage: kubegauge doctor /s,
  );
  check('doctor --help names the checks', ['doctor', '--help'], 0, /^ +apiservices +the APIServices of metrics/m);
  check('trust --help names its flags', ['trust', '-h'], 0, /--kubelet-use-node-status-port/);
  check('--help prints the flags', ['--help'], 0, /--metric-resolution duration \(default 15s\)/);
});

describe('a command for laptops without a kubeconfig names what it looked for', () => {
  for (const argv of [['doctor'], ['trust', 'node-1']]) {
    test(argv[0], async () => {
      await using listed = start(argv, { HOME: folder, KUBECONFIG: '/nowhere/config' });
      assert.equal(await listed.exited(), 2);
      assert.match(
        listed.output(),
        /KUBECONFIG names no file that exists: \/nowhere\/config; pass --kubeconfig=<file>/,
      );
      await using usual = start(argv, { HOME: folder });
      assert.equal(await usual.exited(), 2);
      assert.match(usual.output(), /there is no \S+\/\.kube\/config; pass --kubeconfig=<file>, or set KUBECONFIG/);
    });
  }

  test('and takes the first file of KUBECONFIG that exists', async () => {
    const env = { HOME: folder, KUBECONFIG: `/nowhere/config${path.delimiter}${kubeconfig}` };
    await using program = start(['trust', 'node-1'], env);
    assert.equal(await program.exited(), 1);
    assert.match(program.output(), /there is no node node-1; kubectl get nodes lists them/);
  });
});

test('the error of a port in use names the flag that helps', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const address = holder.address();
  assert.ok(address !== null && typeof address === 'object');
  await using program = start([`--kubeconfig=${kubeconfig}`, ...server(address.port)]);
  assert.equal(await program.exited(), 1);
  assert.match(
    program.output(),
    new RegExp(`127\\.0\\.0\\.1:${address.port}: the port is in use; choose another with --secure-port`),
  );
  holder.close();
});

test('an API server that is away at start: health is answered, the rest is 503 until it is back; SIGTERM ends it with 0', async () => {
  const port = await freePort();
  await apiServer.faults.down();
  await using program = start([`--kubeconfig=${kubeconfig}`, ...server(port)]);
  await until('it serves', () => / serving version=/.test(program.output()));

  assert.equal((await get(port, '/livez')).status, 200);
  const ready = await get(port, '/readyz');
  assert.equal(ready.status, 500);
  assert.match(ready.text, /\[-\]metric-informer-sync failed: reason withheld/);
  const early = await get(port, '/apis');
  assert.equal(early.status, 503);
  assert.equal(early.retryAfter, '1');

  await apiServer.faults.up();
  let status = 503;
  const deadlineMs = performance.now() + 120_000;
  while (status === 503 && performance.now() < deadlineMs) status = (await get(port, '/apis')).status;
  // The trusted CAs are known by now: none, so this caller is anonymous and has no right.
  assert.equal(status, 403);

  program.child.kill('SIGTERM');
  assert.equal(await program.exited(), 0);
  assert.match(program.output(), /stopped/);
});
