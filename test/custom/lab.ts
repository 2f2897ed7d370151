/** The lab: a control plane with objects, Prometheus, and for each file of rules the servers. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { requireOpenssl } from '../cluster/needs.ts';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import { type Client, createClient } from '../conformance/client.ts';
import { type ControlPlane, startControlPlane } from '../conformance/controlplane.ts';
import { makeCredentials } from '../conformance/credentials.ts';
import { C, X } from './case.ts';
import type { Servers } from './judge.ts';
import { makeObjects } from './objects.ts';
import { requirePrometheus, startPrometheus } from './prometheus.ts';
import { type CustomServer, serverNames, type StartOptions, startServer, stopServer } from './servers.ts';

export interface RunningServers extends AsyncDisposable {
  readonly servers: Servers;
}

export interface Lab extends AsyncDisposable {
  readonly client: Client;
  readonly plane: ControlPlane;
  /** Starts the servers with this file of rules; resolves when each lists its metrics. */
  startServers(config: ConfigName): Promise<RunningServers>;
  /** All that a server needs but its rules. */
  readonly startOptions: Omit<StartOptions, 'config' | 'label'>;
}

export const configNames = [
  'main',
  'odd',
  'former-defaults',
  'chart-defaults',
  'walkthrough',
  'custom-resources',
  'resources',
] as const;
export type ConfigName = (typeof configNames)[number];

/** Two relists, and the start of a busy machine. */
const listTimeoutMs = 180_000;

export async function openLab(): Promise<Lab> {
  requireOpenssl();
  requirePrometheus();
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-custom-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  // For an exit in the middle of all this.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const credentials = makeCredentials(folder);
  const prometheus = opened.use(await startPrometheus(folder));
  const plane = opened.use(await startControlPlane(folder, credentials));
  const kubeconfig = await makeObjects(folder, credentials, plane);
  const client = opened.use(createClient(credentials, { reader: '', stranger: '', fresh: '' }));
  const startOptions = { folder, credentials, kubeconfig, prometheusUrl: prometheus.url };
  const owned = opened.move();
  return {
    client,
    plane,
    startOptions,
    startServers: (config) => startServers(config),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };

  async function startServers(config: ConfigName): Promise<RunningServers> {
    await using started = new AsyncDisposableStack();
    const file = path.resolve(import.meta.dirname, 'configs', `${config}.yaml`);
    const stops: (() => Promise<void>)[] = [];
    started.defer(async () => void (await Promise.all(stops.map((stop) => stop()))));
    const servers = await Promise.all(
      serverNames.map(async (name) => {
        const server = await startServer(name, {
          ...startOptions,
          config: file,
          label: config,
          args: argsOf(name, config),
        });
        stops.push(() => stopServer(server));
        return [name, server] as const;
      }),
    );
    for (const [, server] of servers) await untilListed(client, server);
    const ownedServers = started.move();
    return {
      servers: Object.fromEntries(servers) as Record<(typeof serverNames)[number], CustomServer>,
      [Symbol.asyncDispose]: () => ownedServers.disposeAsync(),
    };
  }
}

/** prometheus-adapter serves metrics.k8s.io by the file alone. */
function argsOf(name: CustomServer['name'], config: ConfigName): readonly string[] {
  return name !== 'real' && config === 'resources' ? ['--resource-metrics=prometheus'] : [];
}

/** Each file has custom metrics; a file without external rules serves no external group. */
async function untilListed(client: Client, server: CustomServer): Promise<void> {
  await waitFor(
    `${server.name} to list its metrics`,
    async () => {
      if (!server.process.running()) throw new GiveUp(server.process.lastLog());
      const { custom, external } = await listedBy(client, server);
      return custom.length > 0 && (external === undefined || external.length > 0);
    },
    listTimeoutMs,
    100,
  );
}

/** Names of what is listed, sorted; undefined where the group is not served. */
export async function listedBy(
  client: Client,
  server: CustomServer,
): Promise<{ readonly custom: readonly string[]; readonly external: readonly string[] | undefined }> {
  return { custom: (await namesAt(C)) ?? [], external: await namesAt(X) };

  async function namesAt(group: string): Promise<readonly string[] | undefined> {
    const { status, body } = await client.ask(server, { path: group });
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`${group}: ${status} ${body.toString()}`);
    const { resources }: { readonly resources: readonly { readonly name: string }[] } = JSON.parse(body.toString());
    return resources.map(({ name }) => name).sort();
  }
}
