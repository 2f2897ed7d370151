/** How long `kubegauge top` takes to its first screen, from the start and from the first answer, by the clock and in CPU time. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compileProgram } from './compile.ts';
import { type Figures, figureOf } from './measure.ts';
import { cpuMsOf } from './procfs.ts';
import { openPty } from './pty.ts';
import { type Answer, forkScreenCluster, type ScreenCluster } from './screencluster.ts';
import { temporaryFolder } from './temporaryfolder.ts';

const nodes = 1_000;
const podsPerNode = [5, 30];
const starts = 11;
/** Header and a row of a node with its usage; then the header with what pods request, for which all of them are read. */
const header = String.raw`CPU +\[#*\.*\] +\S+ +\d+% used`;
const screen = new RegExp(`${header}[^]*node-\\d+ +\\d`);
const complete = new RegExp(String.raw`${header}, \S+ +\d+% requested`);
/** Milliseconds until a process has ended for sure, and no other one is slower for it. */
const pauseMs = 300;

export async function benchFirstScreen(figures: Figures): Promise<void> {
  await using folder = await temporaryFolder();
  const entry = await compileProgram(folder.path);
  for (const each of podsPerNode) {
    await using cluster = await forkScreenCluster({ nodes, podsPerNode: each });
    const first = await firstScreens(cluster, [entry], starts);
    for (const [name, values] of Object.entries(first[0] ?? {})) {
      figures.set(
        `top.first-screen.${nodes * each}.${name === 'cpu' ? name : `by-the-clock.${name}`}`,
        figureOf(values, 'ms'),
      );
    }
  }
}

export interface FirstScreens {
  readonly 'from-start': readonly number[];
  /** From the first answer's last byte. */
  readonly 'from-first-answer': readonly number[];
  /** From the last byte of the answers that it needs. */
  readonly 'from-last-answer': readonly number[];
  /** CPU of the whole process until then. */
  readonly cpu: readonly number[];
  /** From the start until the header has what all pods request. */
  readonly requested: readonly number[];
}

/** Starts each program in turns. */
export async function firstScreens(
  cluster: ScreenCluster,
  entries: readonly string[],
  times: number,
): Promise<readonly FirstScreens[]> {
  await using folder = await temporaryFolder();
  const kubeconfig = path.join(folder.path, 'kubeconfig');
  writeFileSync(kubeconfig, cluster.kubeconfig);
  const measured = entries.map(() => ({
    'from-start': [] as number[],
    'from-first-answer': [] as number[],
    'from-last-answer': [] as number[],
    cpu: [] as number[],
    requested: [] as number[],
  }));
  // The first time fills caches.
  for (let time = -1; time < times; time += 1) {
    for (const [at, entry] of entries.entries()) {
      const one = await firstScreen(cluster, entry, kubeconfig, path.join(folder.path, 'pid'));
      await sleep(pauseMs);
      if (time < 0) continue;
      for (const [name, value] of Object.entries(one)) measured[at]?.[name as keyof FirstScreens].push(value);
    }
  }
  return measured;
}

async function firstScreen(
  cluster: ScreenCluster,
  entry: string,
  kubeconfig: string,
  pidFile: string,
): Promise<Readonly<Record<keyof FirstScreens, number>>> {
  await cluster.answers();
  const program = `'${process.execPath}' '${entry}' top --kubeconfig='${kubeconfig}'`;
  await using pty = openPty(`sh -c "echo \\$\\$ > '${pidFile}'; exec ${program}"`);
  const shownMs = await pty.whenWritten(screen);
  const cpu = cpuMsOf(Number(readFileSync(pidFile, 'utf8')));
  const answers = await cluster.answers();
  const before = answers.filter(({ endMs }) => endMs <= shownMs);
  const requestedMs = await pty.whenWritten(complete);
  await pty.quit('q');
  const needed = before.findLast(({ path: asked }) => asked !== '/api/v1/pods');
  return {
    'from-start': shownMs - pty.startMs,
    'from-first-answer': shownMs - endOf(before[0]),
    'from-last-answer': shownMs - endOf(needed),
    cpu,
    requested: requestedMs - pty.startMs,
  };
}

function endOf(answer: Answer | undefined): number {
  return answer?.endMs ?? Number.NaN;
}
