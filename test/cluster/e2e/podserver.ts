/** Puts the server into a pod, by manifests/base, in the place of the process. */
import assert from 'node:assert/strict';
import type { V1Pod, V1PodList } from '@kubernetes/client-node';
import type { Cluster } from '../cluster.ts';
import { inPod, type KubernetesObject } from '../registration.ts';
import { waitFor } from '../wait.ts';
import type { Harness } from './harness.ts';
import { apply } from './pods.ts';

/** Ends the process, applies manifests/base and resolves when the pod serves. */
export async function startBasePod(shared: Harness): Promise<void> {
  const { cluster, registration } = shared;
  await shared.productImage();
  await makeRoomForPods(shared);
  await apply(cluster, fitToCluster(cluster, registration.base));
  await rolledOut(cluster);
  await registration.available();
}

const goneTimeoutMs = 150_000;

/**
 * Ends the process, which nothing starts again, and removes what is there of manifests/base. Resolves when no pod of it is left, nor the
 * Service without a selector.
 */
export async function makeRoomForPods({ cluster, registration, server }: Harness): Promise<void> {
  await registration.remove();
  assert.equal(await server().stop(), 0, server().log());
  await waitFor('no pod to be left', async () => (await listServerPods(cluster)).length === 0, goneTimeoutMs, 500);
}

/** Fits manifests of a server in a pod to the cluster. */
export function fitToCluster(cluster: Cluster, objects: readonly KubernetesObject[]): KubernetesObject[] {
  return inPod(objects, { ip: cluster.nodeIp, port: cluster.settings.apiServerPort });
}

/** Resolves when the Deployment is rolled out. */
export async function rolledOut(cluster: Cluster, timeoutMs = 120_000): Promise<void> {
  const timeout = `--timeout=${timeoutMs / 1000}s`;
  const args = ['rollout', 'status', 'deployment/metrics-server', '--namespace=kube-system', timeout];
  await cluster.kubectl(args, { timeoutMs: timeoutMs + 10_000 });
}

/** Returns the pods behind the Service, those that end included. */
export async function listServerPods(cluster: Cluster): Promise<V1Pod[]> {
  const args = ['get', 'pods', '--namespace=kube-system', '--selector=k8s-app=metrics-server', '-o', 'json'];
  return (JSON.parse(await cluster.kubectl(args)) as V1PodList).items;
}
