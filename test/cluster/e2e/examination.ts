/** Runs `kubegauge doctor` on the cluster from outside of it, and pastes its remedies into a shell. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Examination } from '../../../src/doctor/examination.ts';
import type { ReportedFinding } from '../../../src/doctor/finding.ts';
import type { Cluster } from '../cluster.ts';
import { CommandFailed } from '../command.ts';
import { readRecord } from '../settings.ts';
import { waitFor } from '../wait.ts';

/** One run looks at everything within a minute; this machine is small. */
const doctorTimeoutMs = 120_000;
/** Between runs, each of which costs a second of CPU. */
const pauseMs = 1_000;

/** As cluster-admin. @param checks names; none runs all. */
export async function examineCluster(cluster: Cluster, ...checks: readonly string[]): Promise<Examination> {
  const main = path.resolve(import.meta.dirname, '../../../src/main.ts');
  const args = [main, 'doctor', ...checks, '-o', 'json', `--kubeconfig=${cluster.kubeconfig}`];
  try {
    return JSON.parse(
      await cluster.runInNamespace(process.execPath, args, {
        timeoutMs: doctorTimeoutMs,
        env: { PATH: '/usr/bin:/bin' },
      }),
    ) as Examination;
  } catch (error) {
    // 1 says that there are errors among the findings.
    if (error instanceof CommandFailed && error.exitCode === 1) return JSON.parse(error.stdout) as Examination;
    throw error;
  }
}

/** Which finding is meant; the object may be a part of its words. */
export interface Wanted {
  readonly check: string;
  readonly code: string;
  readonly object: string;
}

/** Resolves with the finding once there is one. */
export function findingOf(cluster: Cluster, wanted: Wanted, timeoutMs: number): Promise<ReportedFinding> {
  let last: Examination | undefined;
  return waitFor(
    `doctor to find ${wanted.code} of ${wanted.object}`,
    async () => {
      last = await examineCluster(cluster, wanted.check);
      return last.findings.find((finding) => isWanted(finding, wanted));
    },
    timeoutMs,
    pauseMs,
  ).catch((error: unknown) => {
    throw new Error(`the last findings: ${JSON.stringify(last?.findings)}`, { cause: error });
  });
}

/** Resolves once doctor finds nothing wrong with the object any more. */
export async function isWell(cluster: Cluster, { check, object }: Wanted, timeoutMs: number): Promise<void> {
  let last: readonly ReportedFinding[] = [];
  await waitFor(
    `doctor to find nothing wrong with ${object}`,
    async () => {
      const { findings } = await examineCluster(cluster, check);
      last = findings.filter((finding) => finding.severity !== 'note' && finding.object.includes(object));
      return last.length === 0;
    },
    timeoutMs,
    pauseMs,
  ).catch((error: unknown) => {
    throw new Error(`the last findings: ${JSON.stringify(last)}`, { cause: error });
  });
}

function isWanted(finding: ReportedFinding, { code, object }: Wanted): boolean {
  return finding.code === code && finding.object.includes(object);
}

/**
 * Runs a remedy in a shell with the cluster's kubectl as its administrator. ssh runs the rest on this machine, which is the node, and sudo has nothing to do.
 * Returns what systemctl was called with, one line a call; the caller does that to the cluster's components.
 */
export async function paste(cluster: Cluster, { remedy }: ReportedFinding): Promise<string> {
  if (remedy === undefined) throw new Error('the finding has no remedy');
  const record = readRecord(cluster.settings);
  if (record === undefined) throw new Error('there is no cluster');
  const folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-remedy-'));
  try {
    const calls = path.join(folder, 'systemctl-calls');
    await writeFile(calls, '');
    const cache = path.join(cluster.settings.runFolder, 'kubectl-cache');
    const programs: Readonly<Record<string, string>> = {
      kubectl: `exec ${record.kubernetesBin}/kubectl --kubeconfig=${cluster.kubeconfig} --cache-dir=${cache} "$@"`,
      ssh: '[ "$1" = -n ] && shift; shift; exec sh -c "$*"',
      sudo: 'exec "$@"',
      systemctl: `echo "$*" >> ${calls}`,
    };
    for (const [name, script] of Object.entries(programs)) {
      await writeFile(path.join(folder, name), `#!/bin/sh\n${script}\n`);
      await chmod(path.join(folder, name), 0o755);
    }
    const env = { PATH: `${folder}:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: folder };
    await cluster.runInNamespace('sh', ['-ec', remedy], { env });
    return await readFile(calls, 'utf8');
  } finally {
    await rm(folder, { recursive: true });
  }
}
