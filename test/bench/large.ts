/** Measures large clusters: memory, CPU per scrape, event loop delay, and whether every scrape is on time. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import type { Server } from '../conformance/servers.ts';
import { createCluster } from './cluster.ts';
import type { Delays } from './delayprobe.ts';
import type { Kind } from './fleet.ts';
import { type ForkedFleet, forkFleet } from './forkedfleet.ts';
import { openPods } from './inpod.ts';
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
const probeTimeoutMs = 10_000;

export async function benchLarge(figures: Figures, { nodes, kinds }: Large): Promise<void> {
  await using inPods = await openPods();
  await using fleet = await forkFleet({ pods, samples: 'moving', resolutionMs });
  await using disposables = new AsyncDisposableStack();
  const measured: Measured[] = [];
  for (const kind of kinds) {
    const apiServer = disposables.use(await createCluster({ kind, nodes, pods, port: fleet.port }, inPods.credentials));
    const name = kind === 'real' ? 'real' : 'ours';
    const args = [`--metric-resolution=${resolutionMs / 1000}s`];
    const delays = path.join(inPods.folder, `delays-${kind}.json`);
    const probe = pathToFileURL(path.join(import.meta.dirname, 'delayprobe.ts'));
    probe.searchParams.set('to', delays);
    const nodeArgs = ['--import', probe.href];
    const server = await inPods.start(name, { label: `${nodes}`, apiServer, args, nodeArgs });
    measured.push({ kind, server, residentMiB: [], delays });
  }
  await untilWarm(fleet, measured, nodes);
  await watch({ figures, fleet, measured, nodes });
  // Of another time than CPU, which the probe takes some of.
  await Promise.all(measured.filter(({ kind }) => kind !== 'real').map((each) => watchDelays(figures, each, nodes)));
}

interface Measured {
  readonly kind: Kind;
  readonly server: Server;
  /** At the end of each round. */
  readonly residentMiB: number[];
  /** Where the probe writes. */
  readonly delays: string;
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
  readonly measured: readonly Measured[];
  readonly nodes: number;
}

async function watch({ figures, fleet, measured, nodes }: Watched): Promise<void> {
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
  }
  const real = measured.find(({ kind }) => kind === 'real');
  const ours = measured.find(({ kind }) => kind !== 'real');
  if (real === undefined || ours === undefined) return;
  figures.set(`large.${nodes}.rss.to-metrics-server`, ratioOf(ours.residentMiB, real.residentMiB));
}

async function watchDelays(figures: Figures, { server, delays }: Measured, nodes: number): Promise<void> {
  server.process.signal('SIGUSR2');
  await sleep(rounds * resolutionMs);
  server.process.signal('SIGUSR2');
  const read = async () => JSON.parse(await readFile(delays, 'utf8')) as Delays;
  const { p99Ms, maxMs } = await waitFor(
    `the delays of ${server.name}`,
    () => read().catch(() => undefined),
    probeTimeoutMs,
  );
  const name = `large.${nodes}.${server.name}`;
  figures.set(`${name}.event-loop-p99`, single(p99Ms, 'ms'));
  figures.set(`${name}.event-loop-max`, single(maxMs, 'ms'));
}
