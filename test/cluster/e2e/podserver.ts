/** Puts the server into a pod, by manifests/base, in the place of the process. */
import assert from 'node:assert/strict';
import type { V1Deployment, V1Pod, V1PodList } from '@kubernetes/client-node';
import type { Cluster } from '../cluster.ts';
import { inPod, type KubernetesObject } from '../registration.ts';
import { waitFor } from '../wait.ts';
import type { Harness } from './harness.ts';
import { apply } from './pods.ts';
import { shortResolution } from './server.ts';

/** Resolves when one pod by manifests/base serves, in the place of what was there: the process, replicas, or such a pod with other arguments. */
export async function startBasePod(shared: Harness): Promise<void> {
  const { cluster, registration } = shared;
  await shared.productImage();
  await shared.endReplicas();
  // Its Service has no selector, and its endpoint would stay.
  if (registration.isAdded()) await registration.remove();
  await endProcess(shared);
  await apply(cluster, basePodObjects(shared));
  await rolledOut(cluster);
  await waitFor('one pod', async () => (await listServerPods(cluster)).length === 1, goneTimeoutMs, 500);
  await registration.available();
}

/** Returns manifests/base, fitted to the cluster. The short form has the shortest resolution: a pod is Ready earlier. */
export function basePodObjects({ cluster, registration, brief }: Harness): KubernetesObject[] {
  const args = brief ? [shortResolution] : [];
  return fitToCluster(cluster, registration.base).map((object) => addArgs(object, args));
}

const goneTimeoutMs = 150_000;

/** Ends the process, which nothing starts again, and replicas, and removes what is there of manifests/base. Resolves when no pod of it is left. */
export async function makeRoomForPods(shared: Harness): Promise<void> {
  await shared.endReplicas();
  await shared.registration.remove();
  await endProcess(shared);
  await podsGone(shared.cluster);
}

/** Ends the process, which nothing starts again, where it still runs. */
export async function endProcess({ server }: Harness): Promise<void> {
  assert.equal(await server().stop(), 0, server().log());
}

/** Ends the pods behind the Service, whose Deployment is gone, without their usual delay. Resolves when none is left. */
export async function podsGone(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['delete', 'pods', ...selected, '--grace-period=1', '--wait=false']);
  await waitFor('no pod to be left', async () => (await listServerPods(cluster)).length === 0, goneTimeoutMs, 500);
}

/** Fits manifests of a server in a pod to the cluster. */
export function fitToCluster(cluster: Cluster, objects: readonly KubernetesObject[]): KubernetesObject[] {
  return inPod(objects, { ip: cluster.nodeIp, port: cluster.settings.apiServerPort });
}

/** Returns a Deployment with the arguments added; other objects as they are. */
export function addArgs(object: KubernetesObject, extraArgs: readonly string[]): KubernetesObject {
  if (!isDeployment(object)) return object;
  const deployment = structuredClone(object) as KubernetesObject & V1Deployment;
  deployment.spec?.template.spec?.containers[0]?.args?.push(...extraArgs);
  return deployment;
}

export const isDeployment = ({ kind }: KubernetesObject): boolean => kind === 'Deployment';

/** Resolves when the Deployment is rolled out. */
export async function rolledOut(cluster: Cluster, timeoutMs = 120_000): Promise<void> {
  const timeout = `--timeout=${timeoutMs / 1000}s`;
  const args = ['rollout', 'status', 'deployment/metrics-server', '--namespace=kube-system', timeout];
  await cluster.kubectl(args, { timeoutMs: timeoutMs + 10_000 });
}

const selected = ['--namespace=kube-system', '--selector=k8s-app=metrics-server'] as const;

/**
 * Returns what `kubegauge status` prints in a container of the server, once it says that all is well.
 * @param of the pod, or an object that has one.
 */
export function wellReport(cluster: Cluster, of = 'deployment/metrics-server'): Promise<string> {
  const command = ['exec', '--namespace=kube-system', of, '--', '/metrics-server', 'status', '--cert-dir=/tmp'];
  return waitFor(
    'the server to report that all is well',
    async () => {
      const report = await cluster.kubectl(command);
      if (!/^all is well$/m.test(report)) throw new Error(report);
      return report;
    },
    60_000,
    1_000,
  );
}

/** Returns the pods behind the Service, those that end included. */
export async function listServerPods(cluster: Cluster): Promise<V1Pod[]> {
  return (JSON.parse(await cluster.kubectl(['get', 'pods', ...selected, '-o', 'json'])) as V1PodList).items;
}
