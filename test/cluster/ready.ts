/** Waits for each part of a starting cluster to be of use, and ends at once when a process it depends on has ended. */
import path from 'node:path';
import { run } from './command.ts';
import { type ComponentName, componentNames } from './components.ts';
import { kubectl } from './kubectl.ts';
import { isRunning, lastLog, logFile, readProcess } from './process.ts';
import type { ClusterRecord, Settings } from './settings.ts';
import { GiveUp, waitFor } from './wait.ts';

export async function containerdAnswers(settings: Settings, record: ClusterRecord): Promise<void> {
  const ctr = path.join(record.containerdBin, 'ctr');
  await waitFor(
    'containerd to answer',
    async () => {
      mustRun(settings, 'containerd');
      await run(ctr, ['--address', settings.containerdSocket, 'version'], { timeoutMs: 5_000 });
      return true;
    },
    30_000,
  );
}

export async function apiServerReady(settings: Settings): Promise<void> {
  await waitFor(
    'kube-apiserver to be ready',
    async () => {
      mustRun(settings, 'etcd', 'kube-apiserver');
      return (await kubectl(settings, ['get', '--raw', '/readyz'], { timeoutMs: 5_000 })) === 'ok';
    },
    120_000,
    500,
  );
}

/** The kubelet asks for its serving certificate once it knows its addresses; no controller approves it. */
export async function approveServingCertificate(settings: Settings): Promise<void> {
  const columns = '{range .items[*]}{.metadata.name} {.spec.signerName} {.status.conditions[*].type}{"\\n"}{end}';
  await waitFor(
    `the kubelet's certificate request (log: ${logFile(settings, 'kubelet')})`,
    async () => {
      mustRun(settings, 'kubelet', 'kube-apiserver', 'kube-controller-manager');
      const lines = (await kubectl(settings, ['get', 'csr', '-o', `jsonpath=${columns}`])).split('\n');
      const requests = lines.map((line) => line.trim().split(' '));
      const serving = requests.filter(([, signer]) => signer === 'kubernetes.io/kubelet-serving');
      for (const [name, , condition] of serving) {
        if (name !== undefined && condition === undefined) await kubectl(settings, ['certificate', 'approve', name]);
      }
      return serving.length > 0;
    },
    60_000,
    500,
  );
}

export async function nodeReady(settings: Settings): Promise<void> {
  const ready = '{.status.conditions[?(@.type=="Ready")].status} {.spec.taints[*].key}';
  await waitFor(
    `the node to be Ready (log: ${logFile(settings, 'kubelet')})`,
    async () => {
      mustRun(settings, ...componentNames);
      const answer = await kubectl(settings, ['get', 'node', settings.nodeName, '-o', `jsonpath=${ready}`]);
      return answer.trim() === 'True';
    },
    90_000,
    500,
  );
}

/** Through kube-apiserver, so that its serving certificate is in use too: logs, exec and scrapes work from here on. */
export async function kubeletAnswers(settings: Settings): Promise<void> {
  await waitFor(
    `the kubelet to answer kube-apiserver (log: ${logFile(settings, 'kubelet')})`,
    async () => {
      mustRun(settings, ...componentNames);
      return (await kubectl(settings, ['get', '--raw', `/api/v1/nodes/${settings.nodeName}/proxy/healthz`])) === 'ok';
    },
    60_000,
  );
}

/** A pod is refused until the controllers have made its namespace's ServiceAccount. */
export async function defaultServiceAccount(settings: Settings): Promise<void> {
  await waitFor(
    'the ServiceAccount default/default',
    async () => (await kubectl(settings, ['get', 'serviceaccount', 'default'])) !== '',
    60_000,
    500,
  );
}

/** Ends a wait at once, with the end of the log, when what is waited for can no longer come. */
function mustRun(settings: Settings, ...names: ComponentName[]): void {
  const gone = names.find((name) => !isRunning(readProcess(settings, name)));
  if (gone === undefined) return;
  throw new GiveUp(`${gone} has ended; the last lines of ${logFile(settings, gone)}:\n${lastLog(settings, gone)}`);
}
