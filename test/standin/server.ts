/** The program itself, unchanged, as a child process that believes to be in a cluster. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { field, items } from '../../src/client/json.ts';
import { listen } from '../fakes/listen.ts';
import type { CredentialFiles } from './credentials.ts';

export interface ServerProcess extends AsyncDisposable {
  /** Resolves with a sentence when the process has ended, for whatever reason. */
  readonly ended: Promise<string>;
}

const root = path.resolve(import.meta.dirname, '../..');
/** After SIGTERM it has nothing to wait for. */
const stopMs = 5_000;

/** Those of the server's flags that its Deployment shows; the others name files. */
export function serverFlags(port: number): readonly string[] {
  return [
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--kubelet-use-node-status-port',
    '--kubelet-preferred-address-types=InternalIP',
    '--metric-resolution=15s',
    '--custom-metrics=kubelet',
    '--shutdown-delay-duration=0s',
  ];
}

/** @param log a file descriptor for the server's log; absent: our own standard error. */
export function startServer(port: number, certDir: string, files: CredentialFiles, log?: number): ServerProcess {
  const argv = [
    `--import=${pathToFileURL(path.join(import.meta.dirname, 'endwithparent.ts')).href}`,
    path.join(root, 'src/main.ts'),
    `--kubeconfig=${files.serverKubeconfig}`,
    ...serverFlags(port),
    `--cert-dir=${certDir}`,
    `--tls-cert-file=${files.servingCert}`,
    `--tls-private-key-file=${files.servingKey}`,
    `--kubelet-certificate-authority=${files.ca}`,
  ];
  // In a group of its own: Ctrl-C is ours, and it is we who stop the server. The channel breaks when we end without doing so.
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', log ?? 'inherit', log ?? 'inherit', 'ipc'],
    detached: true,
    // On Windows, a detached process has a console of its own.
    windowsHide: true,
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', ({ message }) => resolve(`the metrics server could not be started: ${message}`));
    child.once('exit', (code, signal) => resolve(`the metrics server ended with ${signal ?? `exit code ${code}`}`));
  });
  return { ended, [Symbol.asyncDispose]: stop };

  async function stop(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), stopMs);
    await exit;
    clearTimeout(killer);
  }
}

/** A port that is free now. @throws Error with the code EADDRINUSE when the wanted one is not. */
export async function reservePort(port: number): Promise<number> {
  const server = createServer();
  const reserved = await listen(server, port);
  server.close();
  await once(server, 'close');
  return reserved;
}

/** Waits until the server at the URL serves metrics of nodes and of pods. */
export async function metricsServed(url: string, ca: string, token: string, signal: AbortSignal): Promise<void> {
  const dispatcher = new Agent({ connect: { ca } });
  try {
    while ((await countItems('nodes')) === 0 || (await countItems('pods')) === 0)
      await sleep(pollMs, undefined, { signal });
  } finally {
    await dispatcher.destroy();
  }

  async function countItems(resource: string): Promise<number> {
    try {
      const answer = await request(`${url}/apis/metrics.k8s.io/v1/${resource}`, {
        dispatcher,
        signal,
        headers: { authorization: `Bearer ${token}` },
      });
      return items(field(await answer.body.json(), 'items')).length;
    } catch {
      return 0;
    }
  }
}

const pollMs = 500;
