/**
 * Says which series of /metrics/resource mean what, and makes pods of them: for nodes where cAdvisor has no containers.
 * Its rows have no cgroup, so a pod has no UID here, and a container is told from its successor by its start time.
 */
import type { Sample } from '../exposition/sample.ts';
import type { ContainerPoint, PodBatch, Point } from '../point.ts';
import { Readings } from './reading.ts';

/** Every family that is read, and asked for by name[] where the kubelet can filter. */
export const resourceFamilies: readonly string[] = [
  'node_cpu_usage_seconds_total',
  'node_memory_working_set_bytes',
  'node_swap_usage_bytes',
  'container_cpu_usage_seconds_total',
  'container_memory_working_set_bytes',
  'container_swap_usage_bytes',
  'container_start_time_seconds',
];

/** What the rows of one body are worth. */
export type ResourceRows =
  | { readonly kind: 'rows'; readonly machine: Point | undefined; readonly pods: readonly PodBatch[] }
  | { readonly kind: 'unusable'; readonly reason: string };

interface PodRows {
  readonly namespace: string;
  readonly name: string;
  readonly containers: Map<string, Readings>;
}

/** Stands for the ID of a container whose start time is unknown; its restarts show by a falling counter only. */
const unknownContainerId = 'start:unknown';

/**
 * Takes the samples of one body, their families by index in resourceFamilies, and gives what they add up to.
 * Of two lines with equal labels the younger counts: nothing in them says which one is of the running container.
 */
export class ResourceCollector {
  readonly #machine = new Readings();
  readonly #pods = new Map<string, PodRows>();

  add(sample: Sample): void {
    const family = resourceFamilies[sample.family];
    if (family === undefined) return;
    const readings = family.startsWith('node_') ? this.#machine : this.#containerOf(sample);
    if (readings === undefined) return;
    switch (family) {
      case 'node_cpu_usage_seconds_total':
      case 'container_cpu_usage_seconds_total':
        readings.cpu.add(sample);
        return;
      case 'node_memory_working_set_bytes':
      case 'container_memory_working_set_bytes':
        readings.memory.add(sample);
        return;
      case 'node_swap_usage_bytes':
      case 'container_swap_usage_bytes':
        readings.swap.add(sample);
        return;
      case 'container_start_time_seconds':
        readings.start.add(sample);
        return;
    }
  }

  /** The node's clock at the time of the answer, in milliseconds since the epoch. */
  finish(nodeTimeMs: number): ResourceRows {
    const machine = this.#machine.toMachinePoint(nodeTimeMs);
    const pods: PodBatch[] = [];
    for (const { namespace, name, containers } of this.#pods.values()) {
      const points = toContainerPoints(containers, nodeTimeMs);
      if (points.length > 0) pods.push({ namespace, name, uid: undefined, containers: points });
    }
    if (machine === undefined && pods.length === 0) return { kind: 'unusable', reason: 'no usable rows' };
    return { kind: 'rows', machine, pods };
  }

  #containerOf(sample: Sample): Readings | undefined {
    const namespace = sample.label('namespace');
    const name = sample.label('pod');
    const container = sample.label('container');
    if (namespace === '' || name === '' || container === '') return undefined;
    const key = `${namespace}\0${name}`;
    let pod = this.#pods.get(key);
    if (pod === undefined) {
      pod = { namespace, name, containers: new Map() };
      this.#pods.set(key, pod);
    }
    let readings = pod.containers.get(container);
    if (readings === undefined) {
      readings = new Readings();
      pod.containers.set(container, readings);
    }
    return readings;
  }
}

function toContainerPoints(containers: ReadonlyMap<string, Readings>, nodeTimeMs: number): ContainerPoint[] {
  const points: ContainerPoint[] = [];
  for (const [name, readings] of containers) {
    const point = readings.toPoint(nodeTimeMs);
    if (point === undefined) continue;
    const startTimeMs = readings.startTimeMs();
    // The exact value tells more than the milliseconds: runtimes give nanoseconds.
    const containerId = startTimeMs === undefined ? unknownContainerId : `start:${readings.start.value}`;
    points.push({ name, containerId, startTimeMs, ...point });
  }
  return points;
}
