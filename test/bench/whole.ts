/** Measures whole processes under the load of a busy cluster, for minutes: the real metrics-server and ours at the same time, each with its own kubelets and clients. */
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../cluster/wait.ts';
import type { Credentials } from '../conformance/credentials.ts';
import type { Server } from '../conformance/servers.ts';
import { administrator, connectAggregator, metricsPath } from './aggregator.ts';
import { askAsClients } from './clients.ts';
import { createCluster } from './cluster.ts';
import type { Kind } from './fleet.ts';
import { forkFleet } from './forkedfleet.ts';
import { openPods } from './inpod.ts';
import { type Figures, figureOf, ratioOf } from './measure.ts';
import { cpuMsOf, residentMiB } from './procfs.ts';

export interface Load {
  readonly nodes: number;
  /** On each node. */
  readonly pods: number;
  readonly minutes: number;
}

export const usualLoad: Load = { nodes: 100, pods: 70, minutes: 10 };

const resolutionMs = 15_000;
/** Two rounds, in which each node is scraped as often. */
const windowMs = 2 * resolutionMs;
/** Warm-up of everything together before the first window, in milliseconds. */
const warmUpMs = 60_000;
const completeTimeoutMs = 3 * 60_000;

export async function benchWhole(figures: Figures, { nodes, pods, minutes }: Load): Promise<void> {
  await using inPods = await openPods();
  await using fleet = await forkFleet({ pods, samples: 'moving', resolutionMs });
  await using disposables = new AsyncDisposableStack();
  const measured: Measured[] = [];
  for (const [name, kind] of contenders) {
    const apiServer = disposables.use(await createCluster({ kind, nodes, pods, port: fleet.port }, inPods.credentials));
    const args = [`--metric-resolution=${resolutionMs / 1000}s`];
    const server = await inPods.start(name, { label: 'whole', apiServer, args });
    measured.push({ server, cpuPerSecondMs: [], residentMiB: [] });
  }
  for (const { server } of measured) await untilComplete(server, inPods.credentials, nodes * pods);
  const stop = new AbortController();
  const clients = measured.map(({ server }) => askAsClients(server, inPods.credentials, pods, stop.signal));
  // What breaks ends the measurement.
  await Promise.race([Promise.all(clients), watchAll(measured, minutes)]);
  stop.abort();
  await Promise.all(clients);
  report(figures, measured);
}

const contenders: readonly (readonly [Server['name'], Kind])[] = [
  ['real', 'real'],
  ['ours', 'filtered'],
];

interface Measured {
  readonly server: Server;
  readonly cpuPerSecondMs: number[];
  readonly residentMiB: number[];
}

async function untilComplete(server: Server, credentials: Credentials, pods: number): Promise<void> {
  const complete = async () => {
    using aggregator = await connectAggregator(server, credentials);
    return (await aggregator.list(`${metricsPath}/pods`, administrator)).length === pods;
  };
  await waitFor(`${server.name} to serve all ${pods} pods`, complete, completeTimeoutMs, 1_000);
}

async function watchAll(measured: readonly Measured[], minutes: number): Promise<void> {
  await sleep(warmUpMs);
  for (let window = 0; window < (minutes * 60_000) / windowMs; window += 1) {
    const before = measured.map(({ server }) => cpuMsOf(server.process.pid));
    await sleep(windowMs);
    for (const [index, { server, cpuPerSecondMs, residentMiB: resident }] of measured.entries()) {
      cpuPerSecondMs.push(((cpuMsOf(server.process.pid) - (before[index] ?? 0)) * 1000) / windowMs);
      resident.push(residentMiB(server.process.pid));
    }
  }
}

function report(figures: Figures, measured: readonly Measured[]): void {
  for (const { server, cpuPerSecondMs, residentMiB: resident } of measured) {
    figures.set(`whole.${server.name}.cpu-per-second`, figureOf(cpuPerSecondMs, 'ms'));
    figures.set(`whole.${server.name}.rss`, figureOf(resident, 'MiB'));
  }
  const [real, ours] = measured;
  if (real === undefined || ours === undefined) return;
  figures.set('whole.cpu.to-metrics-server', ratioOf(ours.cpuPerSecondMs, real.cpuPerSecondMs));
  figures.set('whole.rss.to-metrics-server', ratioOf(ours.residentMiB, real.residentMiB));
}
