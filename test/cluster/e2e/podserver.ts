/** Puts the server into a pod, by manifests/base, in the place of the process. */
import assert from 'node:assert/strict';
import type { V1Pod, V1PodList } from '@kubernetes/client-node';
import type { Cluster } from '../cluster.ts';
import { inPod, type KubernetesObject } from '../registration.ts';
import type { Harness } from './harness.ts';
import { apply } from './pods.ts';

export interface PodServer {
  /** Ends the process, applies manifests/base and resolves when the pod serves. */
  start(): Promise<void>;
  /** Removes all of it and starts the process again. */
  stop(): Promise<void>;
  pods(): Promise<V1Pod[]>;
}

export function createPodServer(shared: Harness): PodServer {
  const { cluster, registration } = shared;
  return { start, stop, pods: () => listServerPods(cluster) };

  async function start(): Promise<void> {
    await shared.productImage();
    await removeProcess(shared);
    await apply(cluster, fitToCluster(cluster, registration.base));
    await rolledOut(cluster);
    await registration.available();
  }

  async function stop(): Promise<void> {
    await registration.remove();
    await restoreProcess(shared);
  }
}

/** Ends the process. Nothing of it and its Service without a selector is left when a pod's objects come. */
export async function removeProcess({ registration, server }: Harness): Promise<void> {
  await registration.remove();
  assert.equal(await server().stop(), 0, server().log());
}

/** Starts the process again, once the objects of pods are removed. Resolves when it is Available. */
export async function restoreProcess({ registration, credentials, restart }: Harness): Promise<void> {
  await registration.add();
  await credentials.renewServer();
  await restart();
  await registration.available();
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
