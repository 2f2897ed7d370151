/** What `kubegauge top` costs in a real terminal, and how much it asks of kube-apiserver: its first screen, with nodes whose usage moves. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../cluster/wait.ts';
import { openTmux } from '../terminal/tmux.ts';
import { compileProgram } from './compile.ts';
import { type Figures, figureOf, single } from './measure.ts';
import { cpuMsOf, residentMiB } from './procfs.ts';
import { forkScreenCluster } from './screencluster.ts';
import { nodeUsagesPath } from './screenobjects.ts';
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

/** Both sizes at the same time: CPU time is of one process. */
export async function benchTop(figures: Figures): Promise<void> {
  await using folder = await temporaryFolder();
  const program = await compileProgram(folder.path);
  const measured = await Promise.all(sizes.map((nodes) => measure(nodes, program)));
  for (const own of measured) for (const [name, figure] of own) figures.set(name, figure);
}

async function measure(nodes: number, program: string): Promise<Figures> {
  await using folder = await temporaryFolder();
  await using cluster = await forkScreenCluster({ nodes, podsPerNode });
  const kubeconfig = path.join(folder.path, 'kubeconfig');
  writeFileSync(kubeconfig, cluster.kubeconfig);
  const pidFile = path.join(folder.path, 'pid');
  const top = `exec '${process.execPath}' '${program}' top --kubeconfig='${kubeconfig}'`;
  using terminal = openTmux(`sh -c "echo \\$\\$ > '${pidFile}'; ${top}"`, { columns: 160, rows: 50 });
  const whole = /used, \S+ +\d+% requested[^]*node-\d+ +\d/;
  await waitFor('top to show nodes, and what pods request', () => whole.test(terminal.screen()), startMs);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  await cluster.answers();
  const beforeMs = cpuMsOf(pid);
  const busy = await cpuOfParts(pid, refreshes, intervalMs);
  const answers = await cluster.answers();
  const cpuMs = cpuMsOf(pid) - beforeMs;
  if (answers.filter(({ path: asked }) => asked === nodeUsagesPath).length < refreshes / 2)
    throw new Error('top did not refresh');
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
    [`${of}.requests-per-minute`, single(answers.length / minutes, 'count')],
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
