/**
 * What scraping costs whole processes at their own pace: the real metrics-server and ours, over fleets of the same nodes, all at the same time, so that whatever
 * disturbs the machine disturbs each of them. Fleets and kube-apiservers are in this process, whose time is not counted.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import { type Credentials, makeCredentials } from '../conformance/credentials.ts';
import { type Server, type ServerName, startServer } from '../conformance/servers.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { authenticationConfigMap, node, pod } from '../fakes/kubeobjects.ts';
import { kubeconfigFor } from '../fakes/wholecluster.ts';
import { addressOf, type Fleet, type Kind, kinds, nodeName, startFleet } from './fleet.ts';
import { type Figures, figureOf, ratioOf, single } from './measure.ts';
import { nodeModel, type PodCount, podCounts } from './nodemodel.ts';

/** The larger nodes are, the fewer there are, or the fleet would take the machine for itself. */
const nodeCounts: Readonly<Record<PodCount, number>> = { 10: 100, 30: 100, 110: 30 };

/** Full bodies cost the fleet most: an older kubelet's is made and compressed for every scrape. */
const fullNodes = 12;
const fullPodLimit = 30;

/** The shortest that metrics-server takes. */
const resolutionMs = 10_000;
/** Each window sees every node once. */
const windowMs = resolutionMs;
const windows = 5;
const warmUpRounds = 8;
const warmUpTimeoutMs = 4 * 60_000;

export async function benchPaced(figures: Figures, counts: readonly PodCount[] = podCounts): Promise<void> {
  for (const pods of counts) await benchFleet(figures, pods);
}

async function benchFleet(figures: Figures, pods: PodCount): Promise<void> {
  await using rooms = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-bench-'));
  rooms.defer(() => rm(folder, { recursive: true }));
  const credentials = makeCredentials(folder);
  const fleet = rooms.use(await startFleet({ pods, samples: 'moving', resolutionMs }));
  const measured: Measured[] = [];
  for (const kind of Object.keys(kinds) as Kind[]) {
    if (kind === 'full' && pods > fullPodLimit) continue;
    const nodes = kind === 'full' ? fullNodes : nodeCounts[pods];
    const apiServer = rooms.use(await createCluster({ kind, nodes, pods, port: fleet.port }, credentials));
    fleet.prepare(kind);
    const server = await start(folder, credentials, kind, apiServer);
    rooms.defer(() => server.process.stop());
    measured.push({ kind, nodes, server, perScrapeMs: [] });
  }
  await untilWarm(fleet, measured);
  for (let window = 0; window < windows; window += 1) await watch(fleet, measured);
  const real = measured.find(({ kind }) => kind === 'real')?.perScrapeMs ?? [];
  for (const { kind, nodes, server, perScrapeMs } of measured) {
    const name = `paced.${pods}.${kind}`;
    figures.set(name, figureOf(perScrapeMs, 'ms'));
    if (kind !== 'real') figures.set(`${name}.to-metrics-server`, ratioOf(perScrapeMs, real));
    figures.set(`${name}.rss-at-${nodes}-nodes`, single(residentMiB(server.process.pid), 'MiB'));
  }
}

interface Measured {
  readonly kind: Kind;
  readonly nodes: number;
  readonly server: Server;
  readonly perScrapeMs: number[];
}

interface Shape {
  readonly kind: Kind;
  readonly nodes: number;
  readonly pods: number;
  /** The fleet's. */
  readonly port: number;
}

/** A kube-apiserver that knows the fleet's nodes by their addresses, and the pods that run there. */
async function createCluster(
  { kind, nodes, pods, port }: Shape,
  { clients, frontProxies }: Credentials,
): Promise<FakeApiServer> {
  const apiServer = await createFakeApiServer();
  // As of a kube-apiserver without WatchList: client-go then lists.
  apiServer.faults.answer = ({ query }) => (query.get('sendInitialEvents') === 'true' ? 422 : undefined);
  apiServer.objects.set(authenticationConfigMap({ clientCa: clients.cert, requestHeaderCa: frontProxies.cert }));
  for (let index = 0; index < nodes; index += 1) {
    const name = nodeName(index);
    const addresses = [{ type: 'InternalIP', address: addressOf(kind, index) }];
    apiServer.objects.set(node(name, { addresses, kubeletPort: port }));
    for (const { namespace, name: podName, uid } of nodeModel(name, pods, Date.now()).pods) {
      apiServer.objects.set(pod(namespace, podName, { uid, labels: podLabels(podName), nodeName: name }));
    }
  }
  return apiServer;
}

function podLabels(name: string): Readonly<Record<string, string>> {
  return { app: 'web', 'app.kubernetes.io/part-of': 'shop', 'pod-template-hash': name.split('-')[1] ?? '' };
}

async function start(folder: string, credentials: Credentials, kind: Kind, { url, ca }: FakeApiServer) {
  const kubeconfig = path.join(folder, `${kind}.kubeconfig`);
  await writeFile(kubeconfig, kubeconfigFor(url, ca));
  const name: ServerName = kind === 'real' ? 'real' : 'ours';
  const source = kind === 'resource' ? ['--metrics-source=resource'] : [];
  return startServer(folder, credentials, name, { label: `-${kind}`, kubeconfig, args: source });
}

async function untilWarm(fleet: Fleet, measured: readonly Measured[]): Promise<void> {
  const warm = () => {
    for (const { server } of measured) if (!server.process.running()) throw new GiveUp(server.process.lastLog());
    return measured.every(({ kind, nodes }) => fleet.asked(kind) >= warmUpRounds * nodes);
  };
  await waitFor(`${warmUpRounds} scrapes of every node by each server`, async () => warm(), warmUpTimeoutMs);
}

async function watch(fleet: Fleet, measured: readonly Measured[]): Promise<void> {
  const before = measured.map(({ kind, server }) => readOf(fleet, kind, server));
  await sleep(windowMs);
  for (const [index, { kind, server, perScrapeMs }] of measured.entries()) {
    const now = readOf(fleet, kind, server);
    const then = before[index];
    if (then === undefined || now.scrapes === then.scrapes) throw new Error(`${kind}: ${server.process.lastLog()}`);
    perScrapeMs.push((now.cpuMs - then.cpuMs) / (now.scrapes - then.scrapes));
  }
}

function readOf(fleet: Fleet, kind: Kind, { process: { pid } }: Server) {
  return { scrapes: fleet.asked(kind), cpuMs: cpuMsOf(pid) };
}

/** User and system, of all threads that there are; /proc/PID/stat has the same in steps of 10 ms, which is too coarse for a window. */
function cpuMsOf(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

function residentMiB(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) / 1024;
}
