/** A metrics server as a process in the cluster's network: the one under test, or the real metrics-server as its peer. */
import { once } from 'node:events';
import path from 'node:path';
import type { Cluster } from '../cluster.ts';
import { GiveUp, waitFor } from '../wait.ts';
import { ask } from './ask.ts';

/** Something that is started with metrics-server's arguments. */
export interface Program {
  readonly name: 'kubegauge' | 'metrics-server';
  readonly command: string;
  readonly args: readonly string[];
  /** The versions of metrics.k8s.io that it serves, the preferred one first. */
  readonly versions: readonly ['v1', 'v1beta1'] | readonly ['v1beta1'];
}

export interface ServerOptions {
  readonly port: number;
  readonly kubeconfig: string;
  /** Serving certificates are written below it. */
  readonly folder: string;
  /** Beside those that every server here gets; a later one of the same name counts. */
  readonly args?: readonly string[];
}

export interface ServerProcess {
  /** Without a slash at the end. */
  readonly url: string;
  /** Everything that it has printed. */
  log(): string;
  /** Resolves with the exit code (undefined when a signal ended it) once it is gone. */
  readonly ended: Promise<number | undefined>;
  /** Sends SIGTERM and waits for the end; after 20 s it insists. */
  stop(): Promise<number | undefined>;
  /** Ends it as a machine does that has no memory left: it cannot do anything about it. Resolves when it is gone. */
  kill(): Promise<void>;
}

export const resolutionMs = 15_000;
/** The least that the server accepts, in milliseconds: a new pod, which waits for second samples, is Ready 10 s earlier. */
export const shortResolutionMs = 10_000;
export const shortResolution = `--metric-resolution=${shortResolutionMs / 1000}s`;
/**
 * For how many seconds a pod may be missing while something goes and comes back. metrics-server forgets what it cannot measure right now;
 * two cycles and a bit beside the time that it was away, so that the tests can be tried on it.
 */
export const toleratedSeconds = ({ name }: Program, awaySeconds = 0): number =>
  name === 'kubegauge' ? 0 : awaySeconds + (2 * resolutionMs) / 1000 + 10;
const insistAfterMs = 20_000;
/** A second on a quiet machine. */
const startTimeoutMs = 90_000;

/** @throws Error when there is no such program. */
export async function programNamed(cluster: Cluster, name: string): Promise<Program> {
  if (name === 'kubegauge') {
    const main = path.resolve(import.meta.dirname, '../../../src/main.ts');
    return { name, command: process.execPath, args: [main], versions: ['v1', 'v1beta1'] };
  }
  if (name === 'metrics-server') {
    return { name, command: await cluster.metricsServer(), args: [], versions: ['v1beta1'] };
  }
  throw new Error(`KUBEGAUGE_E2E_SERVER must be kubegauge or metrics-server, not ${name}`);
}

/** Resolves when it answers /livez. */
export async function startServer(cluster: Cluster, program: Program, options: ServerOptions): Promise<ServerProcess> {
  const server = spawnServer(cluster, program, options);
  let endedWith: number | undefined | 'running' = 'running';
  void server.ended.then((code) => {
    endedWith = code;
  });
  const answers = async () => {
    if (endedWith !== 'running') throw new GiveUp(`${program.name} ended with ${endedWith}:\n${server.log()}`);
    return (await ask(cluster, `${server.url}/livez`)).status === 200;
  };
  try {
    await waitFor(`${program.name} to answer /livez`, answers, startTimeoutMs);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** Starts it without waiting for anything; for servers that are expected to fail. */
export function spawnServer(cluster: Cluster, program: Program, options: ServerOptions): ServerProcess {
  const args = [
    ...program.args,
    ...commonArgs(cluster, program, options),
    ...ownArgs(program, options),
    ...(options.args ?? []),
  ];
  const child = cluster.inNamespace(program.command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.folder,
    // Nothing of the caller's shell decides what a test sees.
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: options.folder },
  });
  const printed: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => printed.push(chunk));
  const ended = once(child, 'close').then(([code]: unknown[]) => (typeof code === 'number' ? code : undefined));
  return {
    url: `https://${cluster.nodeIp}:${options.port}`,
    log: () => Buffer.concat(printed).toString(),
    ended,
    stop,
    kill,
  };

  async function stop(): Promise<number | undefined> {
    child.kill('SIGTERM');
    const insist = setTimeout(() => child.kill('SIGKILL'), insistAfterMs);
    const code = await ended;
    clearTimeout(insist);
    return code;
  }

  async function kill(): Promise<void> {
    child.kill('SIGKILL');
    await ended;
  }
}

/** Returns flags that only one of the programs has. */
function ownArgs(program: Program, { port, folder }: ServerOptions): string[] {
  if (program.name !== 'kubegauge') return [];
  return [
    `--snapshot-path=${path.join(folder, `snapshot-${port}`)}`,
    '--kubelet-service-account=kube-system/kubegauge-kubelets',
  ];
}

/** The same for both programs: one can be put in the other's place. */
function commonArgs(cluster: Cluster, program: Program, { port, kubeconfig, folder }: ServerOptions): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    `--bind-address=${cluster.nodeIp}`,
    `--secure-port=${port}`,
    `--cert-dir=${path.join(folder, `certs-${program.name}-${port}`)}`,
    `--kubelet-certificate-authority=${cluster.caFile}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--kubelet-use-node-status-port',
    `--metric-resolution=${resolutionMs / 1000}s`,
  ];
}
