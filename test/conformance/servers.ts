/** The two servers side by side: the real metrics-server and ours, started with the same arguments. */
import path from 'node:path';
import { build } from '../cluster/toolchain.ts';
import { readSettings } from '../cluster/settings.ts';
import { freePort } from '../fakes/wholecluster.ts';
import { type Child, startChild } from './children.ts';
import type { Credentials } from './credentials.ts';

export type ServerName = 'real' | 'ours';

export interface Server {
  readonly name: ServerName;
  readonly port: number;
  readonly process: Child;
}

export type Pair = Readonly<Record<ServerName, Server>>;

export interface ServerOptions {
  /** Part of the log's name. */
  readonly label: string;
  readonly kubeconfig: string;
  /** Default: kubeconfig. */
  readonly authorizationKubeconfig?: string;
  /** A later one of the same name counts. */
  readonly args?: readonly string[];
  /** Likewise, of ours only. */
  readonly oursArgs?: readonly string[];
}

/** Starts both without waiting for them. */
export async function startPair(folder: string, credentials: Credentials, options: ServerOptions): Promise<Pair> {
  const real = await startServer(folder, credentials, 'real', options);
  const ours = await startServer(folder, credentials, 'ours', options);
  return { real, ours };
}

/** Starts one of them, likewise. */
export async function startServer(
  folder: string,
  credentials: Credentials,
  name: ServerName,
  options: ServerOptions,
): Promise<Server> {
  const [command, ...before] = await commandOf(name);
  const port = await freePort();
  const program = `${name === 'real' ? 'metrics-server' : 'kubegauge'}${options.label}`;
  const args = [...before, ...commonArgs(credentials, options), `--secure-port=${port}`, ...(options.args ?? [])];
  if (name === 'ours') args.push(...(options.oursArgs ?? []));
  return { name, port, process: startChild(folder, { name: program, command, args }) };
}

export async function commandOf(name: ServerName): Promise<readonly [string, ...string[]]> {
  if (name === 'ours') return [process.execPath, path.resolve(import.meta.dirname, '../../src/main.ts')];
  return [path.join(await build(readSettings(), 'metrics-server'), 'metrics-server')];
}

/** How long both keep serving after SIGTERM, not ready any more. */
export const shutdownDelayMs = 3_000;

function commonArgs(credentials: Credentials, { kubeconfig, authorizationKubeconfig }: ServerOptions): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${authorizationKubeconfig ?? kubeconfig}`,
    ...servingArgs(credentials),
  ];
}

/** Returns the arguments that every server of the Kubernetes API takes. */
export function certificateArgs(credentials: Credentials): string[] {
  return [
    '--bind-address=127.0.0.1',
    `--tls-cert-file=${credentials.file('serving.crt')}`,
    `--tls-private-key-file=${credentials.file('serving.key')}`,
  ];
}

/** The arguments of both, wherever kube-apiserver is. */
export function servingArgs(credentials: Credentials): string[] {
  return [
    ...certificateArgs(credentials),
    '--kubelet-insecure-tls',
    '--kubelet-use-node-status-port',
    '--kubelet-preferred-address-types=InternalIP',
    '--metric-resolution=10s',
    '--kubelet-request-timeout=5s',
    `--shutdown-delay-duration=${shutdownDelayMs / 1000}s`,
  ];
}
