/** Measures one GET of one pod, by the clock and in CPU time of the server: the real metrics-server and ours in turns, on connections that stay. */
import { field, text } from '../../src/client/json.ts';
import { waitFor } from '../cluster/wait.ts';
import type { Credentials } from '../conformance/credentials.ts';
import type { Server } from '../conformance/servers.ts';
import { autoscaler, connectAggregator, headersOf, metricsPath } from './aggregator.ts';
import { createCluster } from './cluster.ts';
import { startFleet } from './fleet.ts';
import { openPods } from './inpod.ts';
import { type LeanClient, openLeanClient, requestOf } from './leanclient.ts';
import { type Figures, figureOf, ratioOf } from './measure.ts';
import { namespaceOf } from './nodemodel.ts';
import { cpuMsOf } from './procfs.ts';

const nodes = 20;
const pods = 10;
const resolutionMs = 10_000;
const rounds = 15;
const warmUpRounds = 5;
const requestsPerRound = 400;
const servedTimeoutMs = 60_000;

export async function benchGet(figures: Figures): Promise<void> {
  await using inPods = await openPods();
  await using fleet = await startFleet({ pods, samples: 'moving', resolutionMs });
  await using disposables = new AsyncDisposableStack();
  const measured: Measured[] = [];
  for (const [name, kind] of [
    ['real', 'real'],
    ['ours', 'filtered'],
  ] as const) {
    const apiServer = disposables.use(await createCluster({ kind, nodes, pods, port: fleet.port }, inPods.credentials));
    const server = await inPods.start(name, { label: 'get', apiServer });
    const request = requestOf(await anyPod(server, inPods.credentials), headersOf(autoscaler));
    const client = disposables.use(await openLeanClient(server.port, inPods.credentials.certificates['front-proxy']));
    measured.push({ name, pid: server.process.pid, client, request, wallUs: [], cpuUs: [] });
  }
  for (let round = 0; round < warmUpRounds + rounds; round += 1) {
    for (const each of measured) {
      const took = await ask(each);
      if (round < warmUpRounds) continue;
      each.wallUs.push(took.wallUs);
      each.cpuUs.push(took.cpuUs);
    }
  }
  for (const { name, wallUs, cpuUs } of measured) {
    figures.set(`get.${name}.p50`, figureOf(wallUs, 'us'));
    figures.set(`get.${name}.cpu`, figureOf(cpuUs, 'us'));
  }
  const [real, ours] = measured;
  if (real === undefined || ours === undefined) return;
  figures.set('get.p50.to-metrics-server', ratioOf(ours.wallUs, real.wallUs));
  figures.set('get.cpu.to-metrics-server', ratioOf(ours.cpuUs, real.cpuUs));
}

interface Measured {
  readonly name: string;
  readonly pid: number;
  readonly client: LeanClient;
  readonly request: Buffer;
  /** By round: the median of a request. */
  readonly wallUs: number[];
  /** By round: the mean of a request. */
  readonly cpuUs: number[];
}

/** The path of a pod that is served, once there is one. */
function anyPod(server: Server, credentials: Credentials): Promise<string> {
  const path = `${metricsPath}/namespaces/${namespaceOf(0)}/pods`;
  const find = async () => {
    using aggregator = await connectAggregator(server, credentials);
    const [first] = await aggregator.list(path, autoscaler);
    const name = text(field(field(first, 'metadata'), 'name'));
    return name === undefined ? undefined : `${path}/${name}`;
  };
  return waitFor(`${server.name} to serve a pod`, find, servedTimeoutMs);
}

async function ask({ client, request, pid }: Measured) {
  const wallUs: number[] = [];
  const beforeMs = cpuMsOf(pid);
  for (let count = 0; count < requestsPerRound; count += 1) {
    const startedMs = performance.now();
    await client.get(request);
    wallUs.push((performance.now() - startedMs) * 1000);
  }
  const cpuUs = ((cpuMsOf(pid) - beforeMs) * 1000) / requestsPerRound;
  return { wallUs: figureOf(wallUs, 'us').median, cpuUs };
}
