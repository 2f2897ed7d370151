/** Puts the server into a pod, by manifests/base, in the place of the process. */
import assert from 'node:assert/strict';
import type { V1PodList } from '@kubernetes/client-node';
import { inPod, toList } from '../registration.ts';
import type { Harness } from './harness.ts';

export type ServerPods = V1PodList['items'];

export interface PodServer {
  /** Ends the process, applies manifests/base and resolves when the pod serves. */
  start(): Promise<void>;
  /** Removes all of it and starts the process again. */
  stop(): Promise<void>;
  pods(): Promise<ServerPods>;
}

export function createPodServer(shared: Harness): PodServer {
  const { cluster, credentials, registration } = shared;
  const { settings } = cluster;
  return { start, stop, pods };

  async function start(): Promise<void> {
    await cluster.importArchive(await shared.productImage());
    // Nothing of the process and its Service without a selector is left when the pod's objects come.
    await registration.remove();
    assert.equal(await shared.server().stop(), 0, shared.server().log());
    const objects = inPod(registration.base, { ip: cluster.nodeIp, port: settings.apiServerPort });
    await cluster.kubectl(['apply', '-f', '-'], { input: toList(objects) });
    const rollout = ['rollout', 'status', 'deployment/metrics-server', '--namespace=kube-system', '--timeout=120s'];
    await cluster.kubectl(rollout, { timeoutMs: 130_000 });
    await registration.available();
  }

  async function stop(): Promise<void> {
    await registration.remove();
    await registration.add();
    await credentials.renewServer();
    await shared.restart();
    await registration.available();
  }

  async function pods(): Promise<ServerPods> {
    const args = ['get', 'pods', '--namespace=kube-system', '--selector=k8s-app=metrics-server', '-o', 'json'];
    return (JSON.parse(await cluster.kubectl(args)) as V1PodList).items;
  }
}
