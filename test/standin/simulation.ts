/** A small cluster's life: the same for the same seed, in steps of a second, with no clock, network or files of its own. */
import { hexId, type KubeletModel, type PodModel, uuid } from '../fakes/kubeletmodel.ts';
import { type ContainerLife, type NetworkLife, startContainer, startNetwork } from './housekeeping.ts';
import { createIncidents } from './incidents.ts';
import { createMachine, createNode } from './machine.ts';
import { createRandom } from './random.ts';
import { replicaCounts, resourcesOf, type Workload, workloads } from './workloads.ts';
import { createTraffic } from './traffic.ts';

export interface SimulationOptions {
  readonly nodes: number;
  /** Wanted; DaemonSets and what a cluster cannot do without may make it more. */
  readonly pods: number;
  readonly seed: number;
  readonly startMs: number;
  /** Whether nothing restarts, is rolled out or fails. */
  readonly calm: boolean;
}

export interface SimulatedNode {
  readonly name: string;
  readonly uid: string;
  readonly cores: number;
  readonly memoryBytes: number;
  ready: boolean;
  /** Behaviour of its kubelet on requests. */
  kubelet: 'serves' | 'fails' | 'hangs';
  /** Model of its kubelet; changed in place. */
  readonly model: KubeletModel & { readonly pods: PodModel[] };
}

export interface SimulatedPod {
  readonly workload: Workload;
  readonly name: string;
  readonly uid: string;
  /** Static pods only: what their cgroup is called by instead of the UID. */
  readonly configHash: string | undefined;
  /** Revision of the workload's template; changes with a rolling update. */
  readonly revision: string;
  readonly node: SimulatedNode;
  readonly ordinal: number;
  readonly createdMs: number;
  readonly containers: SimulatedContainer[];
  /** Undefined in the network of the node. */
  readonly network: NetworkLife | undefined;
}

export interface SimulatedContainer {
  readonly name: string;
  id: string;
  restarts: number;
  life: ContainerLife;
}

/** A change that an API server would report; `event` is a sentence for people, empty where there is nothing to say. */
export type Change =
  | { readonly kind: 'pod-set'; readonly pod: SimulatedPod; readonly event: string }
  | { readonly kind: 'pod-deleted'; readonly pod: SimulatedPod; readonly event: string }
  | { readonly kind: 'node-set'; readonly node: SimulatedNode; readonly event: string };

export interface Simulation {
  readonly nodes: readonly SimulatedNode[];
  readonly pods: ReadonlySet<SimulatedPod>;
  /** Lets time pass; the result does not depend on how many calls it took. */
  advance(toMs: number): Change[];
  /** Adds pods of the newest revision, or takes the newest away, until there are so many. */
  scale(workload: Workload, replicas: number): Change[];
}

/** Operations of incidents on the cluster. */
export interface Cluster {
  readonly nodes: readonly SimulatedNode[];
  readonly pods: ReadonlySet<SimulatedPod>;
  restart(pod: SimulatedPod, container: SimulatedContainer, nowMs: number): void;
  /** Puts a pod of another revision in the place of one. */
  replace(pod: SimulatedPod, revision: string): SimulatedPod;
}

const tickMs = 1_000;
const hourMs = 3_600_000;

export function createSimulation({
  nodes: nodeCount,
  pods: podCount,
  seed,
  startMs,
  calm,
}: SimulationOptions): Simulation {
  const random = createRandom(seed, 'cluster');
  const nodes = Array.from({ length: nodeCount }, (_, index) => createNode(index, podCount / nodeCount, startMs, seed));
  const pods = new Set<SimulatedPod>();
  let placed = 0;
  let named = 0;
  let nowMs = startMs;

  replicaCounts(nodeCount, podCount).forEach((count, index) => {
    const workload = workloads[index];
    if (workload !== undefined) populate(workload, count);
  });
  const traffic = createTraffic(pods, startMs);
  const machines = nodes.map((node) => createMachine(node, createRandom(seed, node.name), startMs, tickMs));
  const incidents = createIncidents({ nodes, pods, restart, replace }, createRandom(seed, 'incidents'), startMs);
  sampleAll();
  return { nodes, pods, advance, scale };

  function advance(toMs: number): Change[] {
    const changes: Change[] = [];
    while (nowMs + tickMs <= toMs) {
      nowMs += tickMs;
      if (!calm) changes.push(...incidents.happen(nowMs));
      sampleAll();
    }
    return changes;
  }

  function scale(workload: Workload, replicas: number): Change[] {
    const running = [...pods].filter((pod) => pod.workload === workload);
    const newest = running.at(-1);
    if (newest === undefined) return [];
    const changes: Change[] = [];
    for (let ordinal = running.length; ordinal < replicas; ordinal += 1) {
      const node = nodes[placed++ % nodes.length] ?? newest.node;
      const pod = add(workload, newest.revision, ordinal, node, 0);
      changes.push({ kind: 'pod-set', pod, event: '' });
    }
    for (const pod of running.slice(replicas)) {
      pods.delete(pod);
      changes.push({ kind: 'pod-deleted', pod, event: '' });
    }
    return changes;
  }

  function populate(workload: Workload, count: number): void {
    const revision = random.suffix(10);
    for (let ordinal = 0; ordinal < count; ordinal += 1) {
      const place = workload.kind === 'StaticPod' ? 0 : workload.kind === 'DaemonSet' ? ordinal : placed++;
      const node = nodes[place % nodes.length];
      if (node !== undefined) add(workload, revision, ordinal, node, random.between(2, 200) * hourMs);
    }
  }

  function add(
    workload: Workload,
    revision: string,
    ordinal: number,
    node: SimulatedNode,
    ageMs: number,
  ): SimulatedPod {
    const name = nameOf(workload, revision, ordinal, node);
    const key = `${seed}/${workload.namespace}/${name}/${named++}`;
    const pod: SimulatedPod = {
      workload,
      name,
      uid: uuid(key),
      configHash: workload.kind === 'StaticPod' ? hexId(`${key}/config`).slice(0, 32) : undefined,
      revision,
      node,
      ordinal,
      createdMs: nowMs - ageMs,
      containers: workload.containers.map((spec) => {
        const id = hexId(`${key}/${spec.name}/0`);
        return {
          name: spec.name,
          id,
          restarts: 0,
          life: startContainer(spec, resourcesOf(workload, spec).limits, id, nowMs, ageMs, createRandom(seed, id)),
        };
      }),
      network:
        workload.hostNetwork === true ? undefined : startNetwork(nowMs, ageMs, createRandom(seed, `${key}/network`)),
    };
    pods.add(pod);
    return pod;
  }

  function nameOf({ kind, name }: Workload, revision: string, ordinal: number, node: SimulatedNode): string {
    if (kind === 'StaticPod') return `${name}-${node.name}`;
    if (kind === 'StatefulSet') return `${name}-${ordinal}`;
    return kind === 'DaemonSet' ? `${name}-${random.suffix(5)}` : `${name}-${revision}-${random.suffix(5)}`;
  }

  function restart(pod: SimulatedPod, container: SimulatedContainer, atMs: number): void {
    const spec = pod.workload.containers.find(({ name }) => name === container.name);
    if (spec === undefined) return;
    container.restarts += 1;
    container.id = hexId(`${container.id}/${container.restarts}`);
    const { limits } = resourcesOf(pod.workload, spec);
    container.life = startContainer(spec, limits, container.id, atMs, 0, createRandom(seed, container.id));
  }

  function replace(pod: SimulatedPod, revision: string): SimulatedPod {
    pods.delete(pod);
    const node = nodes[placed++ % nodes.length] ?? pod.node;
    return add(pod.workload, revision, pod.ordinal, node, 0);
  }

  /** Housekeeping of every cgroup that is due, and what the kubelets know after it. */
  function sampleAll(): void {
    for (const { model } of nodes) model.pods.length = 0;
    const cores = new Map<SimulatedNode, number>();
    const demand = traffic.demand(nowMs);
    for (const pod of pods) {
      let podCores = 0;
      for (const { life } of pod.containers) {
        life.sample(nowMs, demand(pod.workload));
        podCores += life.cores;
      }
      pod.network?.tick(nowMs, tickMs, podCores);
      cores.set(pod.node, (cores.get(pod.node) ?? 0) + podCores);
      const model = toPodModel(pod);
      if (model.containers.length > 0) pod.node.model.pods.push(model);
    }
    for (const machine of machines) machine.tick(nowMs, cores.get(machine.node) ?? 0);
  }
}

const pageBytes = 4096;

/** Returns the kubelet's view of a pod, without containers that it has not sampled yet. */
function toPodModel({ workload, name, uid, configHash, node, containers, network }: SimulatedPod): PodModel {
  // As with LimitedSwap: no other pod may swap.
  const swaps = node.model.swapBytes !== 0 && workload.qos === 'burstable';
  const toSwap = (memoryBytes: number) => (swaps ? Math.trunc(memoryBytes / 8 / pageBytes) * pageBytes : 0);
  return {
    namespace: workload.namespace,
    name,
    uid: configHash ?? uid,
    qos: workload.qos,
    network: network?.model,
    containers: containers.flatMap(({ life: { model } }) =>
      model === undefined ? [] : { ...model, swapBytes: toSwap(model.memoryBytes) },
    ),
  };
}
