/** How long a start takes by the clock: until discovery is served, until the first pod is, and both again with the snapshot that the process before has left. */
import path from 'node:path';
import { waitFor } from '../cluster/wait.ts';
import type { Server, ServerName } from '../conformance/servers.ts';
import { type Aggregator, administrator, connectAggregator, metricsPath } from './aggregator.ts';
import { createCluster } from './cluster.ts';
import { forkFleet } from './forkedfleet.ts';
import { openPods } from './inpod.ts';
import { type Figures, figureOf, ratioOf } from './measure.ts';
import { namespaceOf } from './nodemodel.ts';

const nodes = 20;
const pods = 30;
const resolutionMs = 15_000;
const starts = 7;
/** A cold start waits for a second sample of each container. */
const coldStarts = 2;
const pollMs = 5;
const timeoutMs = 60_000;

export async function benchStart(figures: Figures): Promise<void> {
  await using inPods = await openPods();
  await using fleet = await forkFleet({ pods, samples: 'moving', resolutionMs });
  const { credentials } = inPods;
  await using theirs = await createCluster({ kind: 'real', nodes, pods, port: fleet.port }, credentials);
  await using own = await createCluster({ kind: 'filtered', nodes, pods, port: fleet.port }, credentials);
  const snapshot = [`--snapshot-path=${path.join(inPods.folder, 'snapshot')}`];

  await timesOf('ours', isDiscovered, 1); // Everything is in the page cache after it.
  const real: number[] = [];
  const ours: number[] = [];
  for (let turn = 0; turn < starts; turn += 1) {
    real.push(...(await timesOf('real', isDiscovered, 1)));
    ours.push(...(await timesOf('ours', isDiscovered, 1)));
  }
  figures.set('start.real.discovery', figureOf(real, 'ms'));
  figures.set('start.ours.discovery', figureOf(ours, 'ms'));
  figures.set('start.discovery.to-metrics-server', ratioOf(ours, real));
  figures.set('start.ours.first-metrics-cold', figureOf(await timesOf('ours', hasPods, coldStarts), 'ms'));
  // A process that is stopped leaves a snapshot.
  await timesOf('ours', hasPods, 1, snapshot);
  figures.set('start.ours.first-metrics-warm', figureOf(await timesOf('ours', hasPods, starts, snapshot), 'ms'));

  async function timesOf(
    name: ServerName,
    isThere: (aggregator: Aggregator) => Promise<boolean>,
    times: number,
    args: readonly string[] = [],
  ): Promise<readonly number[]> {
    const tookMs: number[] = [];
    for (let time = 0; time < times; time += 1) {
      const startedMs = performance.now();
      const apiServer = name === 'real' ? theirs : own;
      const resolution = `--metric-resolution=${resolutionMs / 1000}s`;
      const server = await inPods.start(name, { label: 'start', apiServer, args: [resolution, ...args] });
      tookMs.push((await firstTime(server, isThere)) - startedMs);
      await server.process.stop();
    }
    return tookMs;
  }

  async function firstTime(server: Server, isThere: (aggregator: Aggregator) => Promise<boolean>): Promise<number> {
    const look = async () => {
      using aggregator = await connectAggregator(server, credentials);
      return await isThere(aggregator);
    };
    await waitFor(`${server.name} to have started`, look, timeoutMs, pollMs);
    return performance.now();
  }
}

async function isDiscovered(aggregator: Aggregator): Promise<boolean> {
  const { status } = await aggregator.ask(metricsPath, administrator);
  return status === 200;
}

async function hasPods(aggregator: Aggregator): Promise<boolean> {
  return (await aggregator.list(`${metricsPath}/namespaces/${namespaceOf(0)}/pods`, administrator)).length > 0;
}
