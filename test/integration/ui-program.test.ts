/** `kubegauge ui` as a program: its link, its arguments, a cluster without some rights, its end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { ErrorAnswer, NodesAnswer, PodsAnswer, SummaryAnswer } from '../../src/ui/routes.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { node, pod } from '../fakes/kubeobjects.ts';
import { runProgram } from '../fakes/program.ts';
import { until } from '../fakes/until.ts';
import { kubeconfigFor } from '../fakes/wholecluster.ts';
import { send } from './uiclient.ts';

const main = path.resolve(import.meta.dirname, '../../src/main.ts');
const markup = '<img src=x onerror=alert(1)>';

let folder: string;
let apiServer: FakeApiServer;
let kubeconfig: string;
before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
  apiServer = await createFakeApiServer();
  kubeconfig = path.join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(apiServer.url, apiServer.ca));
  apiServer.objects.set(node('node-1'));
  apiServer.objects.set(pod('default', markup, { nodeName: 'node-1' }));
});
after(async () => {
  await apiServer.close();
  rmSync(folder, { recursive: true });
});

interface Running {
  readonly link: URL;
  get(path: string): Promise<{ readonly status: number; readonly text: string }>;
  /** Both outputs so far. */
  output(): string;
  /** Returns the exit code. */
  stop(): Promise<number>;
}

async function withProgram(look: (program: Running) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [main, 'ui', `--kubeconfig=${kubeconfig}`, '--no-open'], {
    env: { PATH: process.env['PATH'] },
  });
  const ended = once(child, 'close');
  try {
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    await until('the link is printed', () => /^kubegauge ui: \S+$/m.test(output) || child.exitCode !== null);
    const link = new URL(/^kubegauge ui: (\S+)$/m.exec(output)?.[1] ?? output);
    const port = Number(link.port);
    const { headers } = await send(port, link.pathname + link.search);
    const cookie = (headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
    await look({
      link,
      get: (target) => send(port, link.pathname + target, { cookie }),
      output: () => output,
      stop: async () => {
        child.kill('SIGTERM');
        const [code] = (await ended) as [number];
        return code;
      },
    });
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

describe('kubegauge ui', () => {
  test('shows the page and the cluster by the printed link, and ends with 0 by SIGTERM', async () => {
    await withProgram(async ({ get, link, output, stop }) => {
      const index = await get('');
      assert.match(index.text, /<script type="module" src="main\.js">/);
      for (const [, file = ''] of index.text.matchAll(/(?:src|href)="([^"]+)"/g))
        assert.equal((await get(file)).status, 200, file);
      const { items } = JSON.parse((await get('api/nodes')).text) as NodesAnswer;
      assert.deepEqual(
        items.map(({ name }) => name),
        ['node-1'],
      );
      const pods = JSON.parse((await get('api/pods')).text) as PodsAnswer;
      assert.equal(pods.items[0]?.name, markup);
      const { context } = JSON.parse((await get('api/summary')).text) as SummaryAnswer;
      assert.equal(context, 'fake');
      assert.equal((await send(Number(link.port), link.pathname + link.search)).status, 401);
      assert.equal((await get('api/nodes')).status, 401, 'the second use ended the session');
      assert.equal(output().split(link.search).length, 2, 'the token is printed once');
      assert.match(output(), /A link was used twice/);
      assert.doesNotMatch(output(), /fake-token|Bearer/);
      assert.equal(await stop(), 0);
    });
  });

  test('of a user who may not list nodes shows the rest, and which right is missing', async () => {
    apiServer.faults.answer = ({ path: asked }) => (asked.startsWith('/api/v1/nodes') ? 403 : undefined);
    try {
      await withProgram(async ({ get }) => {
        const { summary } = JSON.parse((await get('api/summary')).text) as SummaryAnswer;
        assert.match(summary.degraded.join('\n'), /lacks the right to list nodes/);
        const nodes = await get('api/nodes');
        assert.equal(nodes.status, 502);
        assert.match((JSON.parse(nodes.text) as ErrorAnswer).error, /lacks the right to list nodes/);
        assert.equal((JSON.parse((await get('api/pods')).text) as PodsAnswer).items.length, 1);
      });
    } finally {
      apiServer.faults.answer = () => undefined;
    }
  });

  test('does not blame the port where a package of the page is missing', async () => {
    const missing =
      'import fs from "node:fs"; const { statSync } = fs; import { syncBuiltinESMExports } from "node:module";' +
      'fs.statSync = (file, ...rest) => (String(file).includes("preact") ? undefined : statSync(file, ...rest)); syncBuiltinESMExports();';
    const argv = [`--import=data:text/javascript,${encodeURIComponent(missing)}`, main, 'ui', '--no-open'];
    const child = spawn(process.execPath, [...argv, `--kubeconfig=${kubeconfig}`], {
      env: { PATH: process.env['PATH'] },
    });
    const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    assert.equal(code, 1);
    assert.match(err, /preact.* is not installed; run npm ci \(Failed: /);
  });

  test('refuses wrong arguments, and a port that is in use, with what to do', async () => {
    const run = (...argv: readonly string[]) => runProgram(['ui', '--no-open', ...argv]);
    const unknown = await run('--bind-address=0.0.0.0');
    assert.deepEqual([unknown.code, unknown.out], [2, '']);
    assert.match(unknown.err, /bind-address.*see kubegauge ui --help/);
    assert.match((await run('--port=70000')).err, /--port=70000: must be a port between 1 and 65535, or 0/);
    const taken = await run(`--kubeconfig=${kubeconfig}`, `--port=${new URL(apiServer.url).port}`);
    assert.equal(taken.code, 1);
    assert.match(taken.err, /cannot listen on 127\.0\.0\.1:\d+: choose another with --port/);
    assert.match((await run(`--kubeconfig=${kubeconfig}`, '--context=nowhere')).err, /has no context nowhere/);
  });
});
