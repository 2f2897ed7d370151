/** The lab: a control plane, kubelets, the two servers, and a client. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireOpenssl } from '../cluster/needs.ts';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import { listen } from '../fakes/listen.ts';
import { freePort } from '../fakes/wholecluster.ts';
import { whileAggregated } from './aggregation.ts';
import { reviewsWhile } from './audit.ts';
import type { Watch } from './case.ts';
import { type Client, createClient } from './client.ts';
import { type ControlPlane, startControlPlane } from './controlplane.ts';
import { type Credentials, makeCredentials } from './credentials.ts';
import { type Fixture, kubeconfig, makeFixture } from './objects.ts';
import { type Pair, type Server, type ServerName, startPair } from './servers.ts';
import { type Silence, startSilence } from './silence.ts';

export interface Lab extends AsyncDisposable {
  readonly pair: Pair;
  readonly client: Client;
  /** Resolves when both servers serve all the usage that there is. */
  complete(): Promise<void>;
  watch(name: ServerName): Watch;
}

const startTimeoutMs = 120_000;
/** Two scrapes and the start of a busy machine. */
const usageTimeoutMs = 180_000;

/** Resolves when both servers answer /livez. @param oursArgs further arguments of ours. */
export async function openLab(oursArgs: readonly string[] = []): Promise<Lab> {
  requireOpenssl();
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-conformance-'));
  opened.defer(() => rm(folder, { recursive: true }));
  // For an exit in the middle of all this.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const credentials = makeCredentials(folder);
  const controlPlane = opened.use(await startControlPlane(folder, credentials));
  const fixture = opened.use(await makeFixture(folder, credentials, controlPlane));
  const client = opened.use(createClient(credentials, fixture.tokens));
  const reviewerPort = await freePort();
  const unreviewed = path.join(folder, 'unreviewed.json');
  await writeFile(unreviewed, kubeconfig(`https://127.0.0.1:${reviewerPort}`, credentials.clients.cert, 'none'));
  const kubeconfigFile = fixture.serverKubeconfig;
  const pair = await start({ label: '', kubeconfig: kubeconfigFile });
  const unauthorising = await start({
    label: '-unreviewed',
    kubeconfig: kubeconfigFile,
    authorizationKubeconfig: unreviewed,
    // A request that waits for its review is all that they take.
    args: ['--max-requests-inflight=1'],
  });
  const hang = createHang(opened, reviewerPort);
  for (const server of [...Object.values(pair), ...Object.values(unauthorising)]) await untilAlive(client, server);
  const frontProxy = credentials.certificates['front-proxy'];
  const silence = {
    real: opened.use(await startSilence(pair.real.port, frontProxy)),
    ours: opened.use(await startSilence(pair.ours.port, frontProxy)),
  };
  const owned = opened.move();
  return {
    pair,
    client,
    complete: () => untilComplete(client, pair),
    watch: (name) =>
      watchOf(pair[name], unauthorising[name], {
        client,
        controlPlane,
        credentials,
        fixture,
        hang,
        silence: silence[name],
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };

  async function start(options: Parameters<typeof startPair>[2]): Promise<Pair> {
    const started = await startPair(folder, credentials, { ...options, oursArgs });
    opened.defer(async () => {
      await Promise.all([started.real.process.stop(), started.ours.process.stop()]);
    });
    return started;
  }
}

interface Parts {
  readonly client: Client;
  readonly controlPlane: ControlPlane;
  readonly credentials: Credentials;
  readonly fixture: Fixture;
  readonly hang: () => Promise<void>;
  readonly silence: Silence;
}

function watchOf(
  server: Server,
  unauthorising: Server,
  { client, controlPlane, credentials, fixture, hang, silence }: Parts,
): Watch {
  return {
    server,
    unauthorising,
    fixture,
    ask: (question, other = server) => client.ask(other, question),
    reviews: (during) => reviewsWhile(controlPlane.auditLog, during),
    administrate: controlPlane.call,
    statusThroughKubeApiserver: (user, groups, target) =>
      whileAggregated(controlPlane, server.port, () => controlPlane.statusAs(user, groups, target)),
    renewServingCertificate: credentials.renewServing,
    afterSilence: silence.outcome,
    newFrontProxyCa: credentials.newFrontProxies.cert,
    hangAuthorization: hang,
  };
}

/** Longer than ours waits before it tries again. */
const quietAfterMs = 1_000;
const cutIntervalMs = 100;

/** Returns a function from whose call on connections to the port are accepted and never answered; earlier ones are closed. */
function createHang(opened: AsyncDisposableStack, port: number): () => Promise<void> {
  let listening: Promise<unknown> | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  opened.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return async () => {
    await (listening ??= listen(server, port));
    // Ours tries again, up to 0.8 s later, when a connection breaks; only when it has given up does the earlier case's request leave its place.
    for (let quietMs = 0; quietMs < quietAfterMs; quietMs += cutIntervalMs) {
      if (sockets.size > 0) quietMs = 0;
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      await sleep(cutIntervalMs);
    }
  };
}

async function untilAlive(client: Client, server: Server): Promise<void> {
  const alive = async () => {
    if (!server.process.running()) throw new GiveUp(server.process.lastLog());
    return (await client.ask(server, { path: '/livez', as: 'anonymous' })).status === 200;
  };
  await waitFor(`${server.name} to answer /livez`, alive, startTimeoutMs, 50);
}

async function untilComplete(client: Client, pair: Pair): Promise<void> {
  for (const server of Object.values(pair)) {
    await waitFor(
      `${server.name} to have all usage`,
      async () => {
        const nodes = (await client.ask(server, { path: '/apis/metrics.k8s.io/v1beta1/nodes' })).body.toString();
        const pods = (await client.ask(server, { path: '/apis/metrics.k8s.io/v1beta1/pods' })).body.toString();
        return (
          ['node-a', 'node-b', 'node-c'].every((name) => nodes.includes(`"${name}"`)) &&
          ['web-0', 'web-1', 'dns-1', 'db-0', 'back-0'].every((name) => pods.includes(`"${name}"`))
        );
      },
      usageTimeoutMs,
    );
  }
}
