/** prometheus-adapter and ours over one file of rules: ours as it is by default, and with the adapter's own queries. */
import path from 'node:path';
import { readSettings } from '../cluster/settings.ts';
import { build } from '../cluster/toolchain.ts';
import { type Child, startChild } from '../conformance/children.ts';
import type { Credentials } from '../conformance/credentials.ts';
import { freePort } from '../fakes/wholecluster.ts';
import { type Recorder, startRecorder } from './recorder.ts';

export const serverNames = ['real', 'ours', 'as-adapter'] as const;
export type CustomServerName = (typeof serverNames)[number];

export interface CustomServer {
  readonly name: CustomServerName;
  readonly port: number;
  readonly process: Child;
  readonly recorder: Recorder;
}

export interface StartOptions {
  readonly folder: string;
  readonly credentials: Credentials;
  readonly kubeconfig: string;
  readonly prometheusUrl: string;
  /** The file of rules. */
  readonly config: string;
  /** Part of the log's name. */
  readonly label: string;
  /** Further ones; a later one of the same name counts. */
  readonly args?: readonly string[];
}

/** So short that a new list is there soon; at least two relists happen while the cases of a file run. */
const relistSeconds = 5;
/** How far back series are listed. */
export const maxAgeSeconds = 60;

/** Starts one without waiting for it. */
export async function startServer(name: CustomServerName, options: StartOptions): Promise<CustomServer> {
  const { folder, credentials, kubeconfig, config, label } = options;
  const recorder = await startRecorder(options.prometheusUrl);
  const port = await freePort();
  const [command, ...before] = await commandOf(name);
  const args = [
    ...before,
    `--lister-kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${credentials.file('serving.crt')}`,
    `--tls-private-key-file=${credentials.file('serving.key')}`,
    `--config=${config}`,
    `--prometheus-url=${recorder.url}/`,
    `--metrics-relist-interval=${relistSeconds}s`,
    `--metrics-max-age=${maxAgeSeconds}s`,
    // Without them the adapter lists objects five times a second at most.
    '--client-qps=1000',
    '--client-burst=1000',
    // No client is left when it is stopped. The adapter does not wait, and has no such flag.
    ...(name === 'real' ? [] : ['--shutdown-delay-duration=0s']),
    ...(name === 'as-adapter' ? ['--prometheus-queries=as-adapter'] : []),
    ...(options.args ?? []),
  ];
  return { name, port, recorder, process: startChild(folder, { name: `${label}-${name}`, command, args }) };
}

/** Resolves when it and its recorder are gone. */
export async function stopServer({ process: { stop }, recorder }: CustomServer): Promise<void> {
  await stop();
  await recorder[Symbol.asyncDispose]();
}

async function commandOf(name: CustomServerName): Promise<readonly [string, ...string[]]> {
  if (name !== 'real') return [process.execPath, path.resolve(import.meta.dirname, '../../src/main.ts')];
  return [path.join(await build(readSettings(), 'prometheus-adapter'), 'adapter')];
}
