/** The simulated cluster as Kubernetes objects, with what kubectl and the server look at. */
import { type KubeObject, rfc3339 } from '../fakes/kubeobjects.ts';
import type { SimulatedNode, SimulatedPod } from './simulation.ts';
import { ownerOf, podSpecOf } from './workloadobjects.ts';
import { leakyWorkload, type Workload } from './workloads.ts';

/** @param kubeletPort on 127.0.0.1, where all kubelets of the stand-in are. */
export function toNodeObject(node: SimulatedNode, kubeletPort: number): KubeObject {
  const { name, uid, cores, memoryBytes, ready, model } = node;
  const created = rfc3339(model.machine.startTimeMs);
  const resources = { cpu: String(cores), memory: `${memoryBytes / 1024}Ki`, pods: '110' };
  const metadata = {
    name,
    uid,
    creationTimestamp: created,
    labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
  };
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata,
    spec: {},
    status: {
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: name },
      ],
      capacity: resources,
      allocatable: resources,
      conditions: [
        ready
          ? { type: 'Ready', status: 'True', reason: 'KubeletReady', lastTransitionTime: created }
          : { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', lastTransitionTime: created },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
      nodeInfo: {
        kubeletVersion: 'v1.37.2',
        operatingSystem: 'linux',
        architecture: 'amd64',
        // Where there is none, kubelets do not say 0.
        ...(model.swapBytes === 0 ? {} : { swap: { capacity: model.swapBytes } }),
      },
    },
  };
}

export function toPodObject(pod: SimulatedPod): KubeObject {
  const { workload, name, uid, configHash, createdMs, node, containers, revision } = pod;
  const started = rfc3339(createdMs);
  const metadata = {
    namespace: workload.namespace,
    name,
    uid,
    creationTimestamp: started,
    labels: { app: workload.name, 'pod-template-hash': revision },
    ownerReferences: [ownerOf(pod)],
    ...(configHash === undefined ? {} : { annotations: { 'kubernetes.io/config.hash': configHash } }),
  };
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata,
    spec: {
      nodeName: node.name,
      ...podSpecOf(workload),
    },
    status: {
      phase: 'Running',
      startTime: started,
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: started }],
      containerStatuses: containers.map(({ name: container, id, restarts, life }) => ({
        name: container,
        containerID: `containerd://${id}`,
        restartCount: restarts,
        ready: true,
        started: true,
        state: { running: { startedAt: rfc3339(life.startTimeMs) } },
        ...(restarts === 0 ? {} : { lastState: { terminated: terminated(workload, life.startTimeMs) } }),
      })),
    },
  };
}

/** As of a container that has ended just before the next one started. */
function terminated(workload: Workload, startTimeMs: number): object {
  const how = workload === leakyWorkload ? { reason: 'OOMKilled', exitCode: 137 } : { reason: 'Error', exitCode: 1 };
  return { ...how, finishedAt: rfc3339(startTimeMs) };
}
