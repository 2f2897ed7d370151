/** Asks the real scheduler where it would put pods: Nodes without a kubelet, and pods that never run. */
import type { V1Deployment, V1Node, V1PodList, V1PodSpec } from '@kubernetes/client-node';
import type { Cluster } from '../cluster.ts';
import { waitFor } from '../wait.ts';
import { apply } from './pods.ts';

/**
 * Milliseconds. A pod that no node takes is tried again after up to 10 s; after 50 s a Node without a kubelet is taken for
 * lost.
 */
const scheduleTimeoutMs = 40_000;

/** Returns the names of the nodes on which the scheduler puts the Deployment's pods, by Nodes with these cores and zones. */
export async function placesOf(
  cluster: Cluster,
  namespace: string,
  deployment: V1Deployment,
  nodes: readonly { readonly name: string; readonly zone: string; readonly cpu: string }[],
): Promise<string[]> {
  const bare = nodes.map(toNode);
  await apply(cluster, bare);
  try {
    for (const { metadata, status } of bare) {
      const patch = JSON.stringify({ status });
      await cluster.kubectl(['patch', 'node', metadata?.name ?? '', '--subresource=status', '--patch', patch]);
      // A new Node is not schedulable before the controllers have seen that it is Ready.
      await waitFor(
        'the node to be schedulable',
        async () =>
          (await cluster.kubectl(['get', 'node', metadata?.name ?? '', '-o', 'jsonpath={.spec.taints}'])) === '',
        20_000,
      );
    }
    await apply(cluster, [placeable(namespace, deployment)]);
    return await waitFor('the scheduler', () => scheduled(deployment.spec?.replicas ?? 0), scheduleTimeoutMs);
  } finally {
    await cluster.kubectl(['delete', 'namespace', namespace, '--wait=false']);
    const pods = ['delete', 'pods', '--all', `--namespace=${namespace}`, '--force', '--grace-period=0'];
    await cluster.kubectl(pods);
    await cluster.kubectl(['delete', 'nodes', ...nodes.map(({ name }) => name)]);
  }

  /** @throws Error with the state of the pods while one is not placed. */
  async function scheduled(count: number): Promise<string[]> {
    const { items } = JSON.parse(
      await cluster.kubectl(['get', 'pods', `--namespace=${namespace}`, '-o', 'json']),
    ) as V1PodList;
    const places = items.map(({ spec }) => spec?.nodeName).filter((name) => name !== undefined);
    if (places.length === count) return places;
    const states = items.map(({ status }) => status?.conditions?.map(({ reason, message }) => `${reason}: ${message}`));
    throw new Error(`${places.length} of ${count} pods are placed; the conditions of all: ${JSON.stringify(states)}`);
  }
}

/** The label that keeps the pods away from the node of the cluster. */
const onlyThere = { 'kubegauge.e2e/spread': 'true' };

function toNode({ name, zone, cpu }: { name: string; zone: string; cpu: string }): V1Node {
  const labels = { ...onlyThere, 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone };
  const resources = { cpu, memory: '64Gi', pods: '110' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { ...labels, 'kubernetes.io/os': 'linux' } },
    status: {
      allocatable: resources,
      capacity: resources,
      conditions: [{ type: 'Ready', status: 'True', reason: 'Test', lastHeartbeatTime: new Date() }],
    },
  };
}

/** The Deployment as far as the scheduler looks at it. */
function placeable(namespace: string, { metadata, spec }: V1Deployment): V1Deployment {
  const { affinity, containers = [], nodeSelector, topologySpreadConstraints } = spec?.template.spec ?? {};
  const pod: V1PodSpec = {
    ...(affinity && { affinity }),
    ...(topologySpreadConstraints && { topologySpreadConstraints }),
    nodeSelector: { ...nodeSelector, ...onlyThere },
    containers: containers.map(({ name, image, resources = {} }) => ({ name, image: image ?? '', resources })),
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: metadata?.name ?? '', namespace },
    spec: {
      replicas: spec?.replicas ?? 1,
      selector: spec?.selector ?? {},
      template: { ...(spec?.template.metadata && { metadata: spec.template.metadata }), spec: pod },
    },
  };
}
