/** What `kubegauge top` costs in a real terminal, and how much it asks of kube-apiserver: its first screen, with nodes whose usage moves. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../cluster/wait.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { node } from '../fakes/kubeobjects.ts';
import { kubeconfigFor } from '../fakes/wholecluster.ts';
import { openTmux } from '../terminal/tmux.ts';
import { type Figures, figureOf, single } from './measure.ts';
import { podObject } from './podobject.ts';
import { cpuMsOf, residentMiB } from './procfs.ts';
import { temporaryFolder } from './temporaryfolder.ts';

const sizes = [100, 1_000];
const podsPerNode = 30;
const intervalMs = 15_000;
/** Five minutes of the default interval: it reads all pods at least once in them. */
const refreshes = 20;
/** Parts of the time without reads, each with one redraw of the ages. */
const idleParts = 12;
const idlePartMs = 5_000;
const startMs = 120_000;
const program = path.resolve(import.meta.dirname, '../../src/main.ts');
const usagesPath = '/apis/metrics.k8s.io/v1beta1/nodes';

/** Both sizes at the same time: CPU time is of one process. */
export async function benchTop(figures: Figures): Promise<void> {
  const measured = await Promise.all(sizes.map((nodes) => measure(nodes)));
  for (const own of measured) for (const [name, figure] of own) figures.set(name, figure);
}

async function measure(nodes: number): Promise<Figures> {
  await using folder = await temporaryFolder();
  await using apiServer = await createFakeApiServer();
  setNodes(apiServer, nodes);
  const moving = setInterval(() => setUsages(apiServer, nodes), intervalMs / 3);
  using _moving = { [Symbol.dispose]: () => clearInterval(moving) };
  const kubeconfig = path.join(folder.path, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(apiServer.url, apiServer.ca));
  const pidFile = path.join(folder.path, 'pid');
  const top = `exec '${process.execPath}' '${program}' top --kubeconfig='${kubeconfig}'`;
  using terminal = openTmux(`sh -c "echo \\$\\$ > '${pidFile}'; ${top}"`, { columns: 160, rows: 50 });
  await waitFor('top to show nodes', () => /node-1\d* +\d/.test(terminal.screen()), startMs);
  const pages = (nodes * podsPerNode) / 500;
  const asked = (path: string) => apiServer.requests.filter((request) => request.path === path).length;
  await waitFor('top to have read all pods', () => asked('/api/v1/pods') >= pages, startMs);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  const before = { requests: apiServer.requests.length, refreshes: asked(usagesPath), cpuMs: cpuMsOf(pid) };
  const busy = await cpuOfParts(pid, refreshes, intervalMs);
  const requests = apiServer.requests.length - before.requests;
  const cpuMs = cpuMsOf(pid) - before.cpuMs;
  if (asked(usagesPath) - before.refreshes < refreshes / 2) throw new Error('top did not refresh');
  terminal.press('p');
  await terminal.shows(/PAUSED/);
  const idle = await cpuOfParts(pid, idleParts, idlePartMs);
  const idleMs = figureOf(idle, 'ms').median / idlePartMs;
  const minutes = (refreshes * intervalMs) / 60_000;
  const of = `top.${nodes}`;
  return new Map([
    [
      `${of}.idle.cpu-per-second`,
      figureOf(
        idle.map((ms) => (ms * 1_000) / idlePartMs),
        'ms',
      ),
    ],
    [
      `${of}.cpu-per-refresh`,
      figureOf(
        busy.map((ms) => ms - idleMs * intervalMs),
        'ms',
      ),
    ],
    // With the reads of all pods, of which there is one in some minutes.
    [`${of}.cpu-per-second`, single(cpuMs / (minutes * 60), 'ms')],
    [`${of}.requests-per-minute`, single(requests / minutes, 'count')],
    [`${of}.rss`, single(residentMiB(pid), 'MiB')],
  ]);
}

/** Returns the CPU milliseconds of each part of the time. */
async function cpuOfParts(pid: number, parts: number, partMs: number): Promise<readonly number[]> {
  const used: number[] = [];
  let before = cpuMsOf(pid);
  for (let part = 0; part < parts; part += 1) {
    await sleep(partMs);
    const after = cpuMsOf(pid);
    used.push(after - before);
    before = after;
  }
  return used;
}

const nodeNameOf = (index: number): string => `node-${index}`;

function setNodes(apiServer: FakeApiServer, nodes: number): void {
  for (let index = 0; index < nodes; index += 1) apiServer.objects.set(node(nodeNameOf(index)));
  const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } };
  for (let index = 0; index < nodes * podsPerNode; index += 1) {
    const object = podObject(index);
    const containers = ['app', 'proxy'].map((name) => ({ name, resources }));
    apiServer.objects.set({ ...object, spec: { ...object.spec, containers } });
  }
  setUsages(apiServer, nodes);
}

/** Sets other usages each time, so that each row is drawn again. */
function setUsages({ documents }: FakeApiServer, nodes: number): void {
  const timestamp = new Date().toISOString();
  const items = Array.from({ length: nodes }, (_, index) => ({
    metadata: { name: nodeNameOf(index) },
    timestamp,
    window: '15s',
    usage: {
      cpu: `${Math.round(1e9 * (2 + 10 * Math.random()))}n`,
      memory: `${Math.round(1e6 * (20 + 30 * Math.random()))}Ki`,
    },
  }));
  documents.set(usagesPath, { kind: 'NodeMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {}, items });
}
