/** What kube-controller-manager counts of its autoscalers' computations, and the warnings that it writes. */
import type { Cluster } from '../cluster.ts';
import { pkiFile } from '../settings.ts';
import { waitFor } from '../wait.ts';
import { ask } from './ask.ts';

const url = 'https://127.0.0.1:10257/metrics';
const counted = /^horizontal_pod_autoscaler_controller_metric_computation_total\{([^}]*)\} (\S+)$/gm;

/** Since kube-controller-manager's start; one for each metric of each sync. */
export interface Computations {
  readonly all: number;
  readonly failed: number;
}

export async function computations(cluster: Cluster): Promise<Computations> {
  const file = (name: string) => pkiFile(cluster.settings, name);
  const { status, body } = await ask(cluster, url, {
    certificate: { cert: file('admin.crt'), key: file('admin.key') },
  });
  if (status !== 200) throw new Error(`kube-controller-manager answered ${status}: ${body}`);
  let [all, failed] = [0, 0];
  for (const [, labels = '', value] of body.matchAll(counted)) {
    all += Number(value);
    if (!labels.includes('error="none"')) failed += Number(value);
  }
  return { all, failed };
}

/** Resolves after so many more. */
export async function moreComputations(cluster: Cluster, count: number, timeoutMs: number): Promise<void> {
  const { all } = await computations(cluster);
  const enough = async () => (await computations(cluster)).all >= all + count;
  await waitFor(`${count} computations of autoscalers`, enough, timeoutMs, 500);
}

/** Returns the warnings of the autoscalers of a namespace: count, name, reason and message. */
export async function autoscalerWarnings(cluster: Cluster, namespace: string): Promise<string[]> {
  const output = await cluster.kubectl([
    'get',
    'events',
    `--namespace=${namespace}`,
    '--field-selector=involvedObject.kind=HorizontalPodAutoscaler,type=Warning',
    '-o',
    'jsonpath={range .items[*]}{.count}{" "}{.involvedObject.name}{" "}{.reason}{" "}{.message}{"\\n"}{end}',
  ]);
  return output.split('\n').filter((line) => line !== '');
}
