/** Runs the shell blocks of README and docs/ against the stand-in cluster of `npm start`. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { root } from '../docs/documents.ts';
import { expectedExitCodes, notRunReason, shellBlocks } from '../docs/shellblocks.ts';
import { metricsServed } from '../standin/server.ts';

const blockTimeoutMs = 180_000;
/** Two samples of each container take half a minute. */
const startTimeoutMs = 300_000;
const isInstalled = (program: string): boolean => spawnSync(program, ['--help']).error === undefined;
/** Programs that a block may need beside `kubegauge`, and which a machine may lack. */
const missing = ['sh', 'npm', 'kubectl', 'curl'].filter((program) => !isInstalled(program));

let folder: string;
let standin: ChildProcess;
let environment: NodeJS.ProcessEnv;

async function start(): Promise<void> {
  folder = await mkdtemp(path.join(tmpdir(), 'docs-'));
  const certs = path.join(folder, 'certs');
  const flags = ['--port=0', '--api-port=0', '--nodes=2', '--pods=20', '--calm', `--cert-dir=${certs}`];
  standin = spawn(process.execPath, [path.join(root, 'test/standin/main.ts'), ...flags], { cwd: root });
  // As the server itself reports it: what the stand-in prints for its users may change.
  const [, port = ''] = await said(/ serving .*port=(\d+)/);
  const server = `https://127.0.0.1:${port}`;
  const [ca, token] = await Promise.all(
    ['standin-ca.crt', 'reader.token'].map((file) => readFile(path.join(certs, file), 'utf8')),
  );
  await metricsServed(server, ca ?? '', token ?? '', AbortSignal.timeout(startTimeoutMs));
  await mkdir(path.join(folder, 'bin'));
  const program = `#!/bin/sh\nexec '${process.execPath}' '${path.join(root, 'src/main.ts')}' "$@"\n`;
  await writeFile(path.join(folder, 'bin/kubegauge'), program, { mode: 0o700 });
  await cp(path.join(root, 'manifests'), path.join(folder, 'manifests'), { recursive: true });
  // As in a checkout, for `npm run serve`.
  for (const name of ['package.json', 'src', 'test', 'node_modules'])
    await symlink(path.join(root, name), path.join(folder, name));
  environment = {
    PATH: `${path.join(folder, 'bin')}${path.delimiter}${process.env['PATH'] ?? ''}`,
    HOME: folder,
    KUBECONFIG: path.join(certs, 'admin.kubeconfig'),
    IMAGE: 'registry.example.com/kubegauge:0.1.0',
    SERVER: server,
    CA: path.join(certs, 'standin-ca.crt'),
    TOKEN: token?.trim(),
  };
}

async function stop(): Promise<void> {
  if (standin.exitCode === null) {
    standin.kill('SIGTERM');
    await once(standin, 'exit');
  }
  await rm(folder, { recursive: true });
}

/** Waits until the stand-in has printed it, and fails at once if it ends before. */
async function said(pattern: RegExp): Promise<RegExpExecArray> {
  const ended = once(standin, 'exit');
  let output = '';
  for (const stream of [standin.stdout, standin.stderr])
    stream?.on('data', (chunk: Buffer) => (output += String(chunk)));
  for (;;) {
    const found = pattern.exec(output);
    if (found !== null) return found;
    assert.equal(standin.exitCode, null, output);
    await Promise.race([...[standin.stdout, standin.stderr].map((stream) => stream && once(stream, 'data')), ended]);
  }
}

describe('the commands in README and docs/ work as written', () => {
  // Not at the top: without test/all.ts those hooks surround the tests of all files that are run together.
  before(start);
  after(stop);
  for (const block of shellBlocks()) {
    if (notRunReason(block.mark) !== undefined) continue;
    const lacks = missing.filter((program) => program === 'sh' || block.text.includes(program));
    const skip = lacks.length === 0 ? false : `this machine has no ${lacks.join(', no ')}`;
    test(`${block.file}:${block.line}`, { skip }, async () => {
      const { code, output } = await run(block.text);
      assert.ok(expectedExitCodes(block).includes(Number(code)), `it ended with ${code}: ${output}`);
    });
  }
});

/** Runs a block in a folder with a copy of `manifests/`. */
async function run(script: string): Promise<{ code: number | string; output: string }> {
  const options = { cwd: folder, env: environment, timeout: blockTimeoutMs };
  return new Promise((resolve) => {
    execFile('sh', ['-euc', script], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? 'ended by a signal'), output: `${stdout}${stderr}` });
    });
  });
}
