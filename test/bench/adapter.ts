/**
 * Measures custom metrics from Prometheus beside the real prometheus-adapter, in turns: one kube-apiserver, one Prometheus, the same file and flags. The
 * adapter lists pods at kube-apiserver for each request, by default five times a second; with its limit raised it is measured, too. Ours runs twice, as a control.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings } from '../cluster/settings.ts';
import { build } from '../cluster/toolchain.ts';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import { startControlPlane } from '../conformance/controlplane.ts';
import { enginesOf, type RunningEngine, runEngine } from '../promql/engine.ts';
import {
  differentRequests,
  exposition,
  fillCluster,
  group,
  ruleCount,
  rulesText,
  syncRequests,
} from './adapterload.ts';
import { administrator, connectAggregator } from './aggregator.ts';
import { openPods, type PodOptions, type Pods, type Started } from './inpod.ts';
import { type Figures, figureOf, ratioOf, single } from './measure.ts';
import { openParallelClient, type ParallelClient } from './parallelclient.ts';
import { cpuMsOf, peakResidentMiB, residentMiB } from './procfs.ts';

/** As HPAs of a burst, and of kube-apiserver's other clients. */
const inFlight = [1, 10, 40] as const;
const warmUpRounds = 1;
const loadRounds = 4;
const roundMs = 2_000;
const syncRounds = 4;
const settleMs = 300;
/** kube-controller-manager's --concurrent-horizontal-pod-autoscaler-syncs. */
const syncWorkers = 5;
/** As the adapter's chart sets it. */
const relistMs = 60_000;
/** Relists in which nothing is asked. */
const idleRelists = 1;
const scrapeInterval = '30s';
/** So that a scrape that fails on a busy machine ends no metric. */
const maxAge = '10m';
const listedTimeoutMs = 5 * 60_000;

const contenders = ['adapter', 'adapter-unthrottled', 'ours', 'ours-again'] as const;

type Name = (typeof contenders)[number];

/** So high that the limit never counts. */
const unthrottled = ['--client-qps=10000', '--client-burst=10000'];

export async function benchAdapter(figures: Figures): Promise<void> {
  await using disposables = new AsyncDisposableStack();
  const inPods = disposables.use(await openPods());
  const controlPlane = disposables.use(await startControlPlane(inPods.folder, inPods.credentials));
  const token = await fillCluster(controlPlane);
  const prometheus = disposables.use(await startPrometheus());
  const rules = path.join(inPods.folder, 'rules.yaml');
  await writeFile(rules, rulesText());
  const relist = `--metrics-relist-interval=${relistMs / 1_000}s`;
  const ages = [relist, `--metrics-max-age=${maxAge}`];
  const common = [`--config=${rules}`, `--prometheus-url=${prometheus.url}`, ...ages];
  const apiServer = { url: controlPlane.url, ca: inPods.credentials.clients.cert };
  const started: Idle[] = [];
  for (const name of contenders) {
    const args = name === 'adapter-unthrottled' ? [...common, ...unthrottled] : common;
    const server = await start(inPods, name, { label: 'adapter', apiServer, token, args });
    await untilListed(name, server, inPods);
    started.push({ name, ...server, residentMiB: [], idleMs: [] });
  }
  await watchIdle(started);
  const frontProxy = inPods.credentials.certificates['front-proxy'];
  const measured: Measured[] = [];
  for (const each of started) {
    // Servers end a connection that is idle for 90 s.
    const client = disposables.use(await openParallelClient(each.port, frontProxy));
    measured.push({ ...each, client, loads: new Map(), syncMs: [], syncCpuMs: [] });
  }
  for (const each of measured) await sync(each);
  for (const count of inFlight) await measureLoads(measured, count);
  await measureSyncs(measured);
  report(figures, measured);
}

interface Idle extends Started {
  readonly name: Name;
  readonly residentMiB: number[];
  /** CPU time of each interval between relists without a request. */
  readonly idleMs: number[];
}

interface Measured extends Idle {
  readonly client: ParallelClient;
  /** By requests in flight. */
  readonly loads: Map<number, Load>;
  /** By round: until the last answer, and CPU time. */
  readonly syncMs: number[];
  readonly syncCpuMs: number[];
}

/** By round. */
interface Load {
  readonly perSecond: number[];
  readonly p50Ms: number[];
  readonly p99Ms: number[];
  readonly cpuMs: number[];
  /** The times of all rounds, in milliseconds. */
  readonly latencies: number[];
}

async function startPrometheus(): Promise<RunningEngine> {
  const program = enginesOf(false).find(({ name }) => name === 'Prometheus');
  if (program === undefined) throw new Error('test/promql has no Prometheus');
  return runEngine(program, exposition(), { scrapeInterval });
}

async function start(inPods: Pods, name: Name, options: PodOptions): Promise<Started> {
  if (name === 'ours' || name === 'ours-again') return inPods.start('ours', { ...options, label: name });
  const command = path.join(await build(readSettings(), 'prometheus-adapter'), 'adapter');
  return inPods.startProgram(name, command, options);
}

async function untilListed(name: Name, { port, process }: Started, { credentials }: Pods): Promise<void> {
  // Of pods and namespaces.
  const listed = async () => {
    if (!process.running()) throw new GiveUp(process.lastLog());
    using aggregator = await connectAggregator({ port }, credentials);
    const resources = JSON.parse(await aggregator.get(group, administrator)) as { resources: unknown[] };
    return resources.resources.length >= 2 * ruleCount;
  };
  await waitFor(`${name} to list all metrics`, listed, listedTimeoutMs, 1_000);
}

/** Each is first, last and behind each other one at some time. */
function rotated(measured: readonly Measured[], round: number): readonly Measured[] {
  const first = round % measured.length;
  return [...measured.slice(first), ...measured.slice(0, first)];
}

/** All at once: none has anything to do but to list series. */
async function watchIdle(started: readonly Idle[]): Promise<void> {
  for (let relist = 0; relist < idleRelists; relist += 1) {
    const before = started.map(({ process }) => cpuMsOf(process.pid));
    await sleep(relistMs);
    for (const [index, { process, idleMs, residentMiB: resident }] of started.entries()) {
      idleMs.push(cpuMsOf(process.pid) - (before[index] ?? 0));
      resident.push(residentMiB(process.pid));
    }
  }
}

async function measureLoads(measured: readonly Measured[], count: number): Promise<void> {
  const requests = differentRequests();
  let next = 0;
  // Each answers other requests than the one before it, whose answers Prometheus may have in its caches.
  const nextRequest = () => requests[(next = (next + 1) % requests.length)] ?? Buffer.alloc(0);
  for (let round = -warmUpRounds; round < loadRounds; round += 1) {
    for (const each of rotated(measured, round + warmUpRounds)) {
      const load = each.loads.get(count) ?? { perSecond: [], p50Ms: [], p99Ms: [], cpuMs: [], latencies: [] };
      each.loads.set(count, load);
      await measureLoad(each, load, { count, nextRequest, isCounted: round >= 0 });
      each.residentMiB.push(residentMiB(each.process.pid));
    }
  }
}

interface LoadRound {
  readonly count: number;
  readonly nextRequest: () => Buffer;
  readonly isCounted: boolean;
}

async function measureLoad(
  { client, process }: Measured,
  load: Load,
  { count, nextRequest, isCounted }: LoadRound,
): Promise<void> {
  const latencies: number[] = [];
  const beforeMs = cpuMsOf(process.pid);
  const beganMs = performance.now();
  const ask = async (): Promise<void> => {
    while (performance.now() - beganMs < roundMs) {
      const sentMs = performance.now();
      await client.get(nextRequest());
      latencies.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: count }, ask));
  if (!isCounted) return;
  load.perSecond.push((latencies.length * 1_000) / (performance.now() - beganMs));
  load.cpuMs.push((cpuMsOf(process.pid) - beforeMs) / latencies.length);
  load.p50Ms.push(quantileOf(latencies, 0.5));
  load.p99Ms.push(quantileOf(latencies, 0.99));
  load.latencies.push(...latencies);
}

function quantileOf(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function measureSyncs(measured: readonly Measured[]): Promise<void> {
  for (let round = 0; round < syncRounds; round += 1) {
    for (const each of rotated(measured, round)) {
      const { syncMs, syncCpuMs } = each;
      const { wallMs, cpuMs } = await sync(each);
      syncMs.push(wallMs);
      syncCpuMs.push(cpuMs);
      each.residentMiB.push(residentMiB(each.process.pid));
    }
  }
}

/** One sync of all HPAs, by as many workers as the HPA controller has. */
async function sync({ client, process }: Measured): Promise<{ readonly wallMs: number; readonly cpuMs: number }> {
  const requests = syncRequests().toReversed();
  const beforeMs = cpuMsOf(process.pid);
  const beganMs = performance.now();
  const ask = async (): Promise<void> => {
    for (let request = requests.pop(); request !== undefined; request = requests.pop()) await client.get(request);
  };
  await Promise.all(Array.from({ length: syncWorkers }, ask));
  const wallMs = performance.now() - beganMs;
  // What follows an answer, such as collecting garbage, belongs to it.
  await sleep(settleMs);
  return { wallMs, cpuMs: cpuMsOf(process.pid) - beforeMs };
}

function report(figures: Figures, measured: readonly Measured[]): void {
  for (const { name, process, loads, syncMs, syncCpuMs, residentMiB: resident, idleMs } of measured) {
    for (const [count, { perSecond, cpuMs, latencies }] of loads) {
      figures.set(`adapter.${name}.${count}.per-second`, figureOf(perSecond, 'count'));
      figures.set(`adapter.${name}.${count}.p50`, single(quantileOf(latencies, 0.5), 'ms'));
      figures.set(`adapter.${name}.${count}.p99`, single(quantileOf(latencies, 0.99), 'ms'));
      figures.set(`adapter.${name}.${count}.cpu`, figureOf(cpuMs, 'ms'));
    }
    figures.set(`adapter.${name}.sync.cpu`, figureOf(syncCpuMs, 'ms'));
    figures.set(`adapter.${name}.sync.p50`, figureOf(syncMs, 'ms'));
    figures.set(`adapter.${name}.relist.cpu`, figureOf(idleMs, 'ms'));
    figures.set(`adapter.${name}.rss`, figureOf(resident, 'MiB'));
    figures.set(`adapter.${name}.rss-peak`, single(peakResidentMiB(process.pid), 'MiB'));
  }
  for (const theirs of measured) {
    const [ours] = measured.filter(({ name }) => name === 'ours');
    if (ours === undefined || theirs === ours) continue;
    compare(figures, ours, theirs);
  }
}

function compare(figures: Figures, ours: Measured, theirs: Measured): void {
  const to = `to-${theirs.name}`;
  for (const [count, own] of ours.loads) {
    const other = theirs.loads.get(count);
    if (other === undefined) continue;
    figures.set(`adapter.${count}.p50.${to}`, ratioOf(own.p50Ms, other.p50Ms));
    const p99 = quantileOf(own.latencies, 0.99) / quantileOf(other.latencies, 0.99);
    figures.set(`adapter.${count}.p99.${to}`, { ...ratioOf(own.p99Ms, other.p99Ms), median: p99 });
    figures.set(`adapter.${count}.cpu.${to}`, ratioOf(own.cpuMs, other.cpuMs));
  }
  figures.set(`adapter.sync.cpu.${to}`, ratioOf(ours.syncCpuMs, theirs.syncCpuMs));
  figures.set(`adapter.relist.cpu.${to}`, ratioOf(ours.idleMs, theirs.idleMs));
  figures.set(`adapter.rss.${to}`, ratioOf(ours.residentMiB, theirs.residentMiB));
  const peak = peakResidentMiB(ours.process.pid) / peakResidentMiB(theirs.process.pid);
  figures.set(`adapter.rss-peak.${to}`, single(peak, 'ratio'));
}
