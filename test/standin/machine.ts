/** The machines of the simulated cluster: their size, and the counters of all that runs on one. */
import { type PodModel, uuid } from '../fakes/kubeletmodel.ts';
import type { Random } from './random.ts';
import type { SimulatedNode } from './simulation.ts';

const upMs = 11 * 86_400_000;
/** Usage of a node without its pods. */
const systemCores = 0.06;
const systemBytes = 700 * 1024 ** 2;

export function createNode(index: number, podsPerNode: number, startMs: number, seed: number): SimulatedNode {
  const name = `node-${index + 1}`;
  const size = sizes.find(({ pods }) => podsPerNode <= pods) ?? largest;
  const memoryBytes = size.memoryGiB * 1024 ** 3;
  const startTimeMs = startMs - upMs;
  return {
    name,
    uid: uuid(`${seed}/${name}`),
    cores: size.cores,
    memoryBytes,
    ready: true,
    kubelet: 'serves',
    model: {
      node: name,
      cores: size.cores,
      memoryBytes,
      // The second one has swap, so that kubectl top --show-swap shows nodes with and without.
      swapBytes: index === 1 ? 2 * 1024 ** 3 : 0,
      // Both are met in the field.
      cgroupDriver: index % 2 === 0 ? 'systemd' : 'cgroupfs',
      machine: { timestampMs: startMs - 5_000, cpuSeconds: 400_000, memoryBytes: systemBytes, startTimeMs },
      pods: [],
    },
  };
}

const largest = { pods: Number.POSITIVE_INFINITY, cores: 64, memoryGiB: 256 } as const;
/** Machines that their pods fill to a third or so. */
const sizes = [{ pods: 30, cores: 4, memoryGiB: 16 }, { pods: 110, cores: 16, memoryGiB: 64 }, largest] as const;

export interface Machine {
  readonly node: SimulatedNode;
  /** Lets one tick pass, in which the pods used so much; samples if it is time to. */
  tick(nowMs: number, podCores: number): void;
}

/** The machine's own counters: all that runs on it, also what is gone since. */
export function createMachine(node: SimulatedNode, random: Random, startMs: number, tickMs: number): Machine {
  const at = node.model.machine;
  let cpuSeconds = at.cpuSeconds;
  // The first tick samples, so that what is said at the start is of one moment.
  let dueMs = startMs;
  return { node, tick };

  function tick(nowMs: number, podCores: number): void {
    const cores = systemCores + podCores;
    cpuSeconds += (cores * tickMs) / 1000;
    if (dueMs > nowMs) return;
    at.timestampMs = Math.trunc(dueMs);
    at.cpuSeconds = Math.trunc((cpuSeconds - (cores * (nowMs - dueMs)) / 1000) * 1e6) / 1e6;
    at.memoryBytes = systemBytes + node.model.pods.reduce((total, pod) => total + memoryOf(pod), 0);
    dueMs += random.between(10_000, 15_000);
  }
}

function memoryOf({ containers }: PodModel): number {
  return containers.reduce((total, { memoryBytes }) => total + memoryBytes, 0);
}
