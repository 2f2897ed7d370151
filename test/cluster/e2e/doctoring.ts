/** Runs `kubegauge doctor` on the cluster, and remedies in a shell whose kubectl is the cluster's. */
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Examination } from '../../../src/doctor/examination.ts';
import type { ReportedFinding } from '../../../src/doctor/finding.ts';
import { shellWord } from '../../../src/doctor/remedy.ts';
import type { Cluster } from '../cluster.ts';
import { CommandFailed } from '../command.ts';
import { readRecord } from '../settings.ts';
import { waitFor } from '../wait.ts';

export interface Doctoring {
  /** From outside of the cluster, as its administrator. @param checks names; all if none is given. */
  diagnose(...checks: readonly string[]): Promise<Diagnosis>;
  /** In the server's pod, with its own rights. */
  diagnoseInPod(...checks: readonly string[]): Promise<Diagnosis>;
  /** Resolves with the findings of a code once there are some. */
  found(code: string, check: string): Promise<readonly ReportedFinding[]>;
  /** Resolves when there is no finding of the code any more. */
  gone(code: string, check: string): Promise<void>;
  /** Runs the remedy as an operator who pastes it. @throws CommandFailed. */
  execute(remedy: string): Promise<void>;
}

export interface Diagnosis extends Examination {
  readonly exitCode: number | null;
}

const main = path.resolve(import.meta.dirname, '../../../src/main.ts');
/** A remedy may start a pod, and kube-apiserver looks at an APIService every 30 s. */
const effectMs = 90_000;

/** @param folder for the kubectl of remedies. */
export async function createDoctoring(cluster: Cluster, folder: string): Promise<Doctoring> {
  const bin = path.join(folder, 'doctor-bin');
  await mkdir(bin, { recursive: true });
  const kubectl = path.join(readRecord(cluster.settings)?.kubernetesBin ?? '', 'kubectl');
  const words = [kubectl, `--kubeconfig=${cluster.kubeconfig}`, `--cache-dir=${path.join(folder, 'kubectl-cache')}`];
  const script = `#!/bin/sh\nexec ${words.map(shellWord).join(' ')} "$@"\n`;
  await writeFile(path.join(bin, 'kubectl'), script);
  await chmod(path.join(bin, 'kubectl'), 0o755);
  const env = { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: folder };
  return { diagnose, diagnoseInPod, found, gone, execute };

  async function diagnose(...checks: readonly string[]): Promise<Diagnosis> {
    const args = [main, 'doctor', ...checks, `--kubeconfig=${cluster.kubeconfig}`, '--output=json'];
    const child = cluster.inNamespace(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    const printed: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => printed.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
    const [exitCode] = (await once(child, 'close')) as [number | null];
    if (printed.length === 0) throw new Error(`doctor ended with ${exitCode}: ${Buffer.concat(errors).toString()}`);
    return { ...(JSON.parse(Buffer.concat(printed).toString()) as Examination), exitCode };
  }

  async function diagnoseInPod(...checks: readonly string[]): Promise<Diagnosis> {
    const exec = ['exec', '--namespace=kube-system', 'deployment/metrics-server', '--', '/metrics-server', 'doctor'];
    const args = [...exec, ...checks, '--cert-dir=/tmp', '--secure-port=10250', '--output=json'];
    try {
      return { ...(JSON.parse(await cluster.kubectl(args)) as Examination), exitCode: 0 };
    } catch (error) {
      // kubectl ends with the exit code of the command.
      if (!(error instanceof CommandFailed) || error.stdout === '') throw error;
      return { ...(JSON.parse(error.stdout) as Examination), exitCode: error.exitCode ?? null };
    }
  }

  function found(code: string, check: string): Promise<readonly ReportedFinding[]> {
    const look = async () => {
      const findings = (await diagnose(check)).findings.filter((finding) => finding.code === code);
      return findings.length > 0 && findings;
    };
    return waitFor(`doctor to find ${code}`, look, effectMs, 1_000);
  }

  async function gone(code: string, check: string): Promise<void> {
    const look = async () => {
      const { findings } = await diagnose(check);
      const left = findings.filter((finding) => finding.code === code);
      if (left.length > 0) throw new Error(JSON.stringify(left));
      return true;
    };
    await waitFor(`doctor not to find ${code} any more`, look, effectMs, 1_000);
  }

  async function execute(remedy: string): Promise<void> {
    await cluster.runInNamespace('/bin/sh', ['-ec', remedy], { env, timeoutMs: 60_000 });
  }
}
