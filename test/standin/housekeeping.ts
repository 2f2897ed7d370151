/** One container's life: what it uses wanders, and now and then the kubelet takes a sample of it. */
import type { ContainerModel, NetworkModel } from '../fakes/kubeletmodel.ts';
import type { Random } from './random.ts';
import type { Amounts, ContainerSpec } from './workloads.ts';

/** Kubelets sample a busy cgroup each 10 to 20 s. */
const samplingMs = [10_000, 15_000] as const;
/** A new cgroup is sampled for the first time soon after it was found. */
const discoveryMs = [300, 2_500] as const;

const bytesPerMiB = 1024 ** 2;
const pageBytes = 4096;

export interface ContainerLife {
  /** The latest sample; undefined until there is one. */
  readonly model: ContainerModel | undefined;
  /** Its current usage. */
  readonly cores: number;
  readonly startTimeMs: number;
  /** Takes the sample that is due by then, if one is. @param demand factor on the usage from then on; 1 is the average. */
  sample(untilMs: number, demand: number): void;
}

export interface NetworkLife {
  /** The latest sample; undefined until there is one. */
  readonly model: NetworkModel | undefined;
  /** Counts the traffic of one tick, in which the pod used so much CPU; samples if that is due. */
  tick(nowMs: number, tickMs: number, cores: number): void;
}

/** A container that starts now, or did so some time ago and has been sampled since. */
export function startContainer(
  spec: ContainerSpec,
  limits: Amounts,
  id: string,
  nowMs: number,
  ageMs: number,
  random: Random,
): ContainerLife {
  const startTimeMs = nowMs - ageMs;
  const cpu = wander(random, 0.1, 0.25);
  const memory = wander(random, 0.05, 0.02);
  let cores = spec.cores;
  let model: ContainerModel | undefined;
  let cpuSeconds = 0;
  let sampledMs = startTimeMs;
  let dueMs = ageMs > 0 ? nowMs - random.between(0, samplingMs[0]) : nowMs + random.between(...discoveryMs);

  const life = {
    get model() {
      return model;
    },
    get cores() {
      return cores;
    },
    startTimeMs,
    sample,
  };
  if (ageMs > 0) sample(nowMs, 1);
  return life;

  function sample(untilMs: number, demand: number): void {
    if (dueMs > untilMs) return;
    const timestampMs = Math.trunc(dueMs);
    cpuSeconds += (cores * (timestampMs - sampledMs)) / 1000;
    const memoryBytes = Math.trunc((spec.memoryMiB * bytesPerMiB * memory()) / pageBytes) * pageBytes;
    // The kernel counts microseconds.
    const counted = Math.trunc(cpuSeconds * 1e6) / 1e6;
    model = {
      name: spec.name,
      image: spec.image,
      id,
      timestampMs,
      cpuSeconds: counted,
      memoryBytes,
      swapBytes: 0,
      startTimeMs,
      limits,
    };
    sampledMs = timestampMs;
    cores = Math.min(spec.cores * cpu() * demand, limits.cores ?? Number.POSITIVE_INFINITY);
    dueMs += random.between(...samplingMs);
  }
}

/** Traffic of a pod that uses one core all the time, bytes a second: more goes out than comes in. */
const receivedPerCore = 2e6;
const sentPerCore = 5e6;

/** The network of a pod that starts now, or did so some time ago: its traffic goes with its CPU usage. */
export function startNetwork(nowMs: number, ageMs: number, random: Random): NetworkLife {
  let coreSeconds = (ageMs / 1000) * 0.05;
  let dueMs = ageMs > 0 ? nowMs : nowMs + random.between(...discoveryMs);
  let model: NetworkModel | undefined;
  return {
    get model() {
      return model;
    },
    tick(atMs, tickMs, cores) {
      coreSeconds += (cores * tickMs) / 1000;
      if (dueMs > atMs) return;
      model = {
        timestampMs: atMs,
        receiveBytes: Math.trunc(coreSeconds * receivedPerCore),
        transmitBytes: Math.trunc(coreSeconds * sentPerCore),
      };
      dueMs += random.between(...samplingMs);
    },
  };
}

/** A factor around 1 that moves in steps and is drawn back. */
function wander(random: Random, pull: number, step: number): () => number {
  let level = 0;
  return () => {
    level += step * random.normal() - pull * level;
    return Math.exp(level);
  };
}
