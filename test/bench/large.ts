/** What large clusters cost: memory, CPU per scrape, how long the event loop is held up, and whether every turn is kept. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import type { Credentials } from '../conformance/credentials.ts';
import type { Server } from '../conformance/servers.ts';
import { administrator, connectAggregator } from './aggregator.ts';
import { createCluster } from './cluster.ts';
import type { Kind } from './fleet.ts';
import { type ForkedFleet, forkFleet } from './forkedfleet.ts';
import { openPods, type Pods } from './inpod.ts';
import { type Figures, figureOf, ratioOf, single } from './measure.ts';
import { cpuMsOf, peakResidentMiB, residentMiB } from './procfs.ts';

export interface Large {
  readonly nodes: number;
  readonly kinds: readonly Kind[];
}

/** Ours alone at the size that metrics-server is not asked to reach. */
export const largeClusters: readonly Large[] = [
  { nodes: 1_000, kinds: ['real', 'filtered'] },
  { nodes: 5_000, kinds: ['filtered'] },
];

const pods = 30;
const resolutionMs = 15_000;
const warmUpRounds = 3;
const rounds = 4;
/** Nodes get their first scrape as soon as they are known, so the rounds begin early; but thousands of handshakes take their time. */
const warmUpTimeoutMs = 10 * 60_000;
/** A server that cannot keep up may fail to answer. */
const metricsTimeoutMs = 60_000;

export async function benchLarge(figures: Figures, { nodes, kinds }: Large): Promise<void> {
  await using inPods = await openPods();
  await using fleet = await forkFleet({ pods, samples: 'moving', resolutionMs });
  await using rooms = new AsyncDisposableStack();
  const measured: Measured[] = [];
  for (const kind of kinds) {
    const apiServer = rooms.use(await createCluster({ kind, nodes, pods, port: fleet.port }, inPods.credentials));
    const name = kind === 'real' ? 'real' : 'ours';
    const args = [`--metric-resolution=${resolutionMs / 1000}s`];
    const server = await inPods.start(name, { label: `${nodes}`, apiServer, args });
    measured.push({ kind, server, residentMiB: [] });
  }
  await untilWarm(fleet, measured, nodes);
  await watch({ figures, fleet, inPods, measured, nodes });
}

interface Measured {
  readonly kind: Kind;
  readonly server: Server;
  /** At the end of each round. */
  readonly residentMiB: number[];
}

async function untilWarm(fleet: ForkedFleet, measured: readonly Measured[], nodes: number): Promise<void> {
  const isWarm = async () => {
    for (const { server } of measured) if (!server.process.running()) throw new GiveUp(server.process.lastLog());
    const report = await fleet.report();
    return measured.every(({ kind }) => report[kind].asked >= warmUpRounds * nodes);
  };
  await waitFor(`${warmUpRounds} scrapes of every node by each server`, isWarm, warmUpTimeoutMs, 1_000);
}

interface Watched {
  readonly figures: Figures;
  readonly fleet: ForkedFleet;
  readonly inPods: Pods;
  readonly measured: readonly Measured[];
  readonly nodes: number;
}

async function watch({ figures, fleet, inPods, measured, nodes }: Watched): Promise<void> {
  // Being asked empties the histogram.
  for (const { server } of measured) {
    const read = () => readDelays(server, inPods.credentials).then(() => true);
    await waitFor(`the metrics of ${server.name}`, read, metricsTimeoutMs);
  }
  fleet.watchTurns();
  const before = await fleet.report();
  const cpuBeforeMs = measured.map(({ server }) => cpuMsOf(server.process.pid));
  for (let round = 0; round < rounds; round += 1) {
    await sleep(resolutionMs);
    for (const { server, residentMiB: resident } of measured) resident.push(residentMiB(server.process.pid));
  }
  const report = await fleet.report();
  for (const [index, { kind, server, residentMiB: resident }] of measured.entries()) {
    const { pid } = server.process;
    const name = `large.${nodes}.${server.name}`;
    const scrapes = report[kind].asked - before[kind].asked;
    figures.set(`${name}.cpu-per-scrape`, single((cpuMsOf(pid) - (cpuBeforeMs[index] ?? 0)) / scrapes, 'ms'));
    figures.set(`${name}.rss`, figureOf(resident, 'MiB'));
    figures.set(`${name}.rss-peak`, single(peakResidentMiB(pid), 'MiB'));
    figures.set(`${name}.missed-scrapes`, single(report[kind].missed, 'count'));
    // Not again when it fails: that would be of a moment only. The other figures are worth as much without it.
    const delays = await readDelays(server, inPods.credentials).catch((error: unknown) => {
      console.error(`${name}: the delays of its event loop are not known:`, error);
    });
    if (delays === undefined) continue;
    figures.set(`${name}.event-loop-p99`, single(delays.p99Ms, 'ms'));
    figures.set(`${name}.event-loop-max`, single(delays.maxMs, 'ms'));
  }
  const real = measured.find(({ kind }) => kind === 'real');
  const ours = measured.find(({ kind }) => kind !== 'real');
  if (real === undefined || ours === undefined) return;
  figures.set(`large.${nodes}.rss.to-metrics-server`, ratioOf(ours.residentMiB, real.residentMiB));
}

/** Node measures how far apart the turns of a timer of so many milliseconds are, not how late they are. */
const timerMs = 10;

/** Of the time since they were last asked for; undefined of a server without an event loop. */
async function readDelays(server: Server, credentials: Credentials) {
  using aggregator = await connectAggregator(server, credentials);
  const metrics = await aggregator.get('/metrics', administrator);
  const p99 = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(metrics)?.[1];
  const max = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(metrics)?.[1];
  if (p99 === undefined || max === undefined) return undefined;
  return { p99Ms: lateMs(Number(p99)), maxMs: lateMs(Number(max)) };
}

const lateMs = (seconds: number): number => Math.max(0, seconds * 1000 - timerMs);
