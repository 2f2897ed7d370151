/** The objects that own the pods of the simulated cluster: Deployments with their ReplicaSets, StatefulSets, DaemonSets. */
import { uuid } from '../fakes/kubeletmodel.ts';
import { type Kind, type KubeObject, rfc3339 } from '../fakes/kubeobjects.ts';
import type { SimulatedPod } from './simulation.ts';
import { type Amounts, resourcesOf, serverWorkload, type Workload } from './workloads.ts';

/** Returns the reference of a pod to its controller. */
export function ownerOf({ workload, node, revision }: SimulatedPod): object {
  const { kind, namespace, name } = workload;
  if (kind === 'StaticPod') return { apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.uid, controller: true };
  if (kind === 'Deployment') return reference('ReplicaSet', namespace, `${name}-${revision}`);
  return reference(kind, namespace, name);
}

/** Returns the objects of one workload. Those of the server's own Deployment are part of its installation. @param pods all that it has. */
export function toWorkloadObjects(workload: Workload, pods: readonly SimulatedPod[]): readonly KubeObject[] {
  const { kind, namespace, name } = workload;
  if (kind === 'StaticPod') return [];
  const createdMs = Math.min(...pods.map((pod) => pod.createdMs));
  const whole = object(kind, namespace, name, { app: name }, createdMs, workload, pods.length);
  if (kind !== 'Deployment') return [whole];
  const sets = [...Map.groupBy(pods, ({ revision }) => revision)].map(([revision, those]) => {
    const labels = { app: name, 'pod-template-hash': revision };
    const created = Math.min(...those.map((pod) => pod.createdMs));
    const set = object('ReplicaSet', namespace, `${name}-${revision}`, labels, created, workload, those.length);
    return { ...set, metadata: { ...set.metadata, ownerReferences: [reference('Deployment', namespace, name)] } };
  });
  return workload === serverWorkload ? sets : [whole, ...sets];
}

/** Returns the scale subresource of an object of apps/v1. */
export function toScale({ metadata, ...object }: KubeObject): object {
  const { replicas, selector } = object['spec'] as { replicas?: number; selector: { matchLabels: object } };
  const pairs = Object.entries(selector.matchLabels).map(([key, value]) => `${key}=${value}`);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { namespace: metadata.namespace, name: metadata.name },
    spec: { replicas },
    status: { replicas, selector: pairs.join(',') },
  };
}

function reference(kind: Kind, namespace: string, name: string): object {
  return { apiVersion: 'apps/v1', kind, name, uid: uidOf(kind, namespace, name), controller: true };
}

function uidOf(kind: Kind, namespace: string, name: string): string {
  return uuid(`${kind}/${namespace}/${name}`);
}

function object(
  kind: Exclude<Workload['kind'], 'StaticPod'> | 'ReplicaSet',
  namespace: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  createdMs: number,
  workload: Workload,
  replicas: number,
): KubeObject {
  const template = { metadata: { labels }, spec: podSpecOf(workload) };
  const selector = { matchLabels: labels };
  const uid = uidOf(kind, namespace, name);
  const metadata = { namespace, name, uid, labels, creationTimestamp: rfc3339(createdMs) };
  if (kind === 'DaemonSet') {
    const status = {
      desiredNumberScheduled: replicas,
      currentNumberScheduled: replicas,
      numberReady: replicas,
      numberAvailable: replicas,
    };
    return { kind, apiVersion: 'apps/v1', metadata, spec: { selector, template }, status };
  }
  const status = { replicas, readyReplicas: replicas, availableReplicas: replicas };
  return { kind, apiVersion: 'apps/v1', metadata, spec: { replicas, selector, template }, status };
}

/** Returns what pods and the template of their workload have in common. */
export function podSpecOf(workload: Workload): object {
  return {
    ...(workload.hostNetwork === true ? { hostNetwork: true } : {}),
    containers: workload.containers.map((spec) => {
      const { requests, limits } = resourcesOf(workload, spec);
      return { name: spec.name, image: spec.image, resources: { ...amounts({ requests }), ...amounts({ limits }) } };
    }),
  };
}

/** Returns nothing of amounts that are none. */
function amounts(named: Readonly<Record<string, Amounts>>): object {
  return Object.fromEntries(
    Object.entries(named).flatMap(([name, { cores, memoryBytes }]) =>
      cores === undefined || memoryBytes === undefined
        ? []
        : [[name, { cpu: `${Math.round(cores * 1000)}m`, memory: `${memoryBytes / 1024 ** 2}Mi` }]],
    ),
  );
}
