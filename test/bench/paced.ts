/**
 * Measures the cost of scraping for whole processes at their own pace: the real metrics-server and ours, over fleets of the same nodes, those that are compared at the same time,
 * so that whatever disturbs the machine disturbs each of them, but each in turn. Fleets and kube-apiservers are in this process, whose time is not counted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import type { Server } from '../conformance/servers.ts';
import { createCluster } from './cluster.ts';
import { wantedMetrics } from './customfamilies.ts';
import { type Fleet, isFull, isReal, type Kind, startFleet } from './fleet.ts';
import { openPods } from './inpod.ts';
import { type Figures, figureOf, ratioOf, single } from './measure.ts';
import type { PodCount } from './nodemodel.ts';
import { cpuMsOf, residentMiB } from './procfs.ts';

/** The larger nodes are, the fewer there are, or the fleet would take the machine for itself. */
const nodeCounts: Readonly<Record<PodCount, number>> = { 10: 100, 30: 100, 110: 30 };

/** Full bodies cost the fleet most: an older kubelet's is made and compressed for every scrape. So metrics-server reads as few nodes for comparison. */
const fullNodes = 30;
const fullPodLimit = 30;

/** Full bodies by themselves, since to make them keeps the fleet, and so all caches, busy. */
const groups: readonly (readonly Kind[])[] = [
  ['real', 'filtered', 'resource'],
  ['real-fewer', 'full', 'uncompressed'],
];

/** The shortest that metrics-server takes. */
const resolutionMs = 10_000;
/** Each window sees every node once. */
const windowMs = resolutionMs;
const windows = 5;
/** A server runs for weeks: until it has scraped some thousand times, V8 is still compiling what it scrapes with. */
const warmUpRounds = 20;
const warmUpTimeoutMs = 8 * 60_000;

/** Custom metrics from kubelets: off, and on with as many wanted. */
const customKinds: readonly Kind[] = ['real', 'filtered', 'custom-none', 'custom-two', 'custom-ten'];
const customPods = 30;
/** Four servers of ours ask all of their nodes at one moment, and the fleet has one thread: with 100 of each, answers on a busy machine come too late. */
const customNodes = 50;

export async function benchPacedCustom(figures: Figures): Promise<void> {
  const fleet = { pods: customPods, nodes: customNodes, kinds: customKinds } as const;
  await benchFleet(figures, { ...fleet, name: `paced-custom.${customPods}` });
}

export async function benchPaced(figures: Figures, pods: PodCount): Promise<void> {
  for (const kinds of groups) {
    const nodes = kinds.some(isFull) ? fullNodes : nodeCounts[pods];
    const isFew = pods <= fullPodLimit || !kinds.some(isFull);
    if (isFew) await benchFleet(figures, { pods, nodes, kinds, name: `paced.${pods}` });
  }
}

interface PacedFleet {
  readonly pods: PodCount;
  /** Of each kind. */
  readonly nodes: number;
  readonly kinds: readonly Kind[];
  /** First part of the figures' names. */
  readonly name: string;
}

async function benchFleet(figures: Figures, { pods, nodes, kinds, name: first }: PacedFleet): Promise<void> {
  await using disposables = new AsyncDisposableStack();
  const inPods = disposables.use(await openPods());
  const fleet = disposables.use(await startFleet({ pods, samples: 'moving', resolutionMs }));
  const measured: Measured[] = [];
  for (const kind of kinds) {
    const apiServer = disposables.use(await createCluster({ kind, nodes, pods, port: fleet.port }, inPods.credentials));
    fleet.prepare(kind);
    if (isReal(kind)) await untilBetweenScrapes();
    const args = argsOf[kind] ?? [];
    const server = await inPods.start(isReal(kind) ? 'real' : 'ours', { label: kind, apiServer, args });
    const started = { kind, nodes, server, perScrapeMs: [] };
    measured.push(started);
    // First answers are compressed: those to several servers at once would take the fleet longer than they wait.
    await untilScraped(fleet, [started], 1);
  }
  await untilScraped(fleet, measured, warmUpRounds);
  for (let window = 0; window < windows; window += 1) await watch(fleet, measured);
  const peer = measured.find(({ kind }) => isReal(kind));
  for (const { kind, nodes, server, perScrapeMs } of measured) {
    const name = `${first}.${kind}`;
    figures.set(name, figureOf(perScrapeMs, 'ms'));
    if (!isReal(kind)) figures.set(`${name}.to-metrics-server`, ratioOf(perScrapeMs, peer?.perScrapeMs ?? []));
    const plain = measured.find((each) => each.kind === 'filtered');
    if (customKinds.includes(kind) && kind !== 'filtered' && !isReal(kind) && plain !== undefined) {
      figures.set(`${name}.to-filtered`, ratioOf(perScrapeMs, plain.perScrapeMs));
    }
    figures.set(`${name}.rss-at-${nodes}-nodes`, single(residentMiB(server.process.pid), 'MiB'));
  }
}

/**
 * Resolves when metrics-server can be started, which scrapes at intervals since its start; ours scrape at multiples of the interval since the epoch. They
 * would take caches and the fleet from each other.
 */
async function untilBetweenScrapes(): Promise<void> {
  await sleep((1.5 * resolutionMs - (Date.now() % resolutionMs)) % resolutionMs);
}

const argsOf: Partial<Record<Kind, readonly string[]>> = {
  resource: ['--metrics-source=resource'],
  uncompressed: ['--kubelet-compression=false'],
  'custom-none': customArgs([]),
  'custom-two': customArgs(wantedMetrics.two),
  'custom-ten': customArgs(wantedMetrics.ten),
};

function customArgs(metrics: readonly string[]): readonly string[] {
  const always = metrics.length === 0 ? [] : [`--custom-metrics-always=${metrics.join(',')}`];
  return ['--custom-metrics=kubelet', ...always];
}

interface Measured {
  readonly kind: Kind;
  readonly nodes: number;
  readonly server: Server;
  readonly perScrapeMs: number[];
}

/** Resolves when each server has so many scrapes of every node behind it. */
async function untilScraped(fleet: Fleet, measured: readonly Measured[], rounds: number): Promise<void> {
  const areScraped = () => {
    for (const { server } of measured) if (!server.process.running()) throw new GiveUp(server.process.lastLog());
    return measured.every(({ kind, nodes }) => fleet.asked(kind) > rounds * nodes);
  };
  await waitFor(`${rounds} scrapes of every node by each server`, areScraped, warmUpTimeoutMs);
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
