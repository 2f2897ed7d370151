/** `npm start` as a process of its own, on ports and with files of its own, and its API server as an administrator sees it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { kubeconfigApiServer } from '../../src/client/kubeconfig.ts';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';

const root = path.resolve(import.meta.dirname, '../..');
/** npm, the cluster and the server on a busy machine. */
const startMs = 60_000;

export interface SimulatedCluster extends AsyncDisposable {
  /** Returns the link that is printed first, once it is. @throws Error with the output if the program ends or is late. */
  link(): Promise<string>;
  /** Connects once the link is printed. */
  api(): Promise<RestClient>;
}

/** @param flags beside those of ports and files. */
export async function startSimulatedCluster(flags: readonly string[] = []): Promise<SimulatedCluster> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-'));
  const argv = ['start', '--', '--port=0', '--api-port=0', `--cert-dir=${folder}`, ...flags];
  const child = spawn('npm', argv, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  // Each process below holds the output open; the last one to end closes it.
  const ended = once(child, 'close');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  let client: Promise<RestClient> | undefined;
  const link = async () => {
    const [, url = ''] = await printed(
      child,
      () => /^page (http:\S+)/m.exec(output),
      () => output,
    );
    return url;
  };
  const connect = async () => {
    await link();
    return createRestClient(await kubeconfigApiServer(path.join(folder, 'admin.kubeconfig')));
  };
  return {
    link,
    api: () => (client ??= connect()),
    async [Symbol.asyncDispose]() {
      await (await client?.catch(() => undefined))?.[Symbol.asyncDispose]();
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

async function printed<T>(child: ChildProcess, find: () => T | null, output: () => string): Promise<T> {
  const late = AbortSignal.timeout(startMs);
  for (;;) {
    const found = find();
    if (found !== null) return found;
    assert.equal(child.exitCode, null, output());
    const streams = [child.stdout, child.stderr].flatMap((stream) => stream ?? []);
    const events = [...streams.map((stream) => once(stream, 'data', { signal: late })), once(child, 'exit')];
    await Promise.race(events).catch(() => assert.fail(`npm start printed no link within ${startMs} ms: ${output()}`));
  }
}
