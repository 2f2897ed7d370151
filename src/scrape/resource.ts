/**
 * Says which series of /metrics/resource mean what, and makes pods of them: for nodes where cAdvisor has no containers.
 * Its rows have no cgroup, so a pod has no UID here, and a container is told from its successor by its start time.
 */
import type { Sample } from '../exposition/sample.ts';
import type { ContainerPoint, PodBatch, Point } from '../point.ts';
import { followLineages, type Lineage } from './lineage.ts';
import { type Reading, Readings } from './reading.ts';

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
  | {
      readonly kind: 'rows';
      readonly machine: Point | undefined;
      readonly pods: readonly PodBatch[];
      /** For the next scrape of the node. */
      readonly lineages: Lineages;
    }
  | { readonly kind: 'unusable'; readonly reason: string };

/** Of the containers that have several lines, by namespace, pod and name. */
export type Lineages = ReadonlyMap<string, readonly Lineage[]>;

interface PodRows {
  readonly namespace: string;
  readonly name: string;
  /** Each with all lines that it has. The kubelet sorts equal ones by their time, so the first CPU belongs to the first memory. */
  readonly containers: Map<string, Readings[]>;
}

/** Stands for the ID of a container whose start time is unknown; its restarts show by a falling counter only. */
const unknownContainerId = 'start:unknown';

/** Takes the samples of one body, their families by index in resourceFamilies, and gives what they add up to. */
export class ResourceCollector {
  readonly #machine = new Readings();
  readonly #pods = new Map<string, PodRows>();

  add(sample: Sample): void {
    const family = resourceFamilies[sample.family];
    if (family === undefined) return;
    if (family.startsWith('node_')) addTo(this.#machine, family, sample);
    else this.#addToContainer(family, sample);
  }

  /**
   * @param nodeTimeMs the node's clock at the time of the answer, in milliseconds since the epoch.
   * @param before of the scrape before.
   */
  finish(nodeTimeMs: number, before: Lineages = new Map()): ResourceRows {
    const machine = this.#machine.toMachinePoint(nodeTimeMs);
    const pods: PodBatch[] = [];
    const lineages = new Map<string, readonly Lineage[]>();
    for (const [podKey, { namespace, name, containers }] of this.#pods) {
      const points: ContainerPoint[] = [];
      for (const [container, lines] of containers) {
        const key = `${podKey}\0${container}`;
        const { point, followed } = toContainerPoint(container, lines, nodeTimeMs, before.get(key) ?? []);
        if (point !== undefined) points.push(point);
        if (followed !== undefined) lineages.set(key, followed);
      }
      if (points.length > 0) pods.push({ namespace, name, uid: undefined, containers: points });
    }
    if (machine === undefined && pods.length === 0) return { kind: 'unusable', reason: 'no usable rows' };
    return { kind: 'rows', machine, pods, lineages };
  }

  #addToContainer(family: string, sample: Sample): void {
    const namespace = sample.label('namespace');
    const name = sample.label('pod');
    const container = sample.label('container');
    if (namespace === '' || name === '' || container === '') return;
    const key = `${namespace}\0${name}`;
    let pod = this.#pods.get(key);
    if (pod === undefined) {
      pod = { namespace, name, containers: new Map() };
      this.#pods.set(key, pod);
    }
    const lines = pod.containers.get(container);
    if (lines === undefined) {
      const readings = new Readings();
      addTo(readings, family, sample);
      pod.containers.set(container, [readings]);
      return;
    }
    if (lines.some((readings) => addTo(readings, family, sample))) return;
    const readings = new Readings();
    addTo(readings, family, sample);
    lines.push(readings);
  }
}

/** False where there is a sample of this family already. */
function addTo(readings: Readings, family: string, sample: Sample): boolean {
  const reading = readingOf(readings, family);
  if (reading === undefined) return true;
  if (reading.seen) return false;
  reading.add(sample);
  return true;
}

function readingOf(readings: Readings, family: string): Reading | undefined {
  switch (family) {
    case 'node_cpu_usage_seconds_total':
    case 'container_cpu_usage_seconds_total':
      return readings.cpu;
    case 'node_memory_working_set_bytes':
    case 'container_memory_working_set_bytes':
      return readings.memory;
    case 'node_swap_usage_bytes':
    case 'container_swap_usage_bytes':
      return readings.swap;
    case 'container_start_time_seconds':
      return readings.start;
    default:
      return undefined;
  }
}

interface Chosen {
  readonly point: ContainerPoint | undefined;
  /** Where there were several lines to choose from. */
  readonly followed?: readonly Lineage[];
}

function toContainerPoint(
  name: string,
  lines: readonly Readings[],
  nodeTimeMs: number,
  before: readonly Lineage[],
): Chosen {
  // A line is of a container that runs only if it has both; where a start time is told, there is one for all.
  const whole = lines.filter(({ cpu, memory }) => cpu.seen && memory.seen);
  const [readings = lines[0]] = whole;
  if (readings === undefined) return { point: undefined };
  if (whole.length > 1) return newestOf(name, whole, nodeTimeMs, before);
  const point = readings.toPoint(nodeTimeMs);
  if (point === undefined) return { point };
  const startTimeMs = readings.startTimeMs();
  // The exact value tells more than the milliseconds: runtimes give nanoseconds.
  const containerId = startTimeMs === undefined ? unknownContainerId : `start:${readings.start.value}`;
  return { point: { name, containerId, startTimeMs, ...point } };
}

/** The line that came last is of the pod that has the name now. Which of them the start time belongs to, nobody knows. */
function newestOf(name: string, lines: readonly Readings[], nodeTimeMs: number, before: readonly Lineage[]): Chosen {
  const points = lines.map((readings) => readings.toPoint(nodeTimeMs)).filter((point) => point !== undefined);
  const followed = followLineages(
    before,
    points.map(({ cpuSeconds }) => cpuSeconds),
  );
  const generation = Math.max(...followed.map((lineage) => lineage.generation));
  const point = points[followed.findIndex((lineage) => lineage.generation === generation)];
  return {
    point: point && { name, containerId: `line:${generation}`, startTimeMs: undefined, ...point },
    followed,
  };
}
