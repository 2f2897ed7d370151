/** A busy node for the benchmarks: pods of two containers whose samples move with the time that is asked for. */
import { hexId, type KubeletModel, type PodModel, type SampleModel, uuid } from '../fakes/kubeletmodel.ts';

/** Pods a node; the goals are told for these. */
export const podCounts = [10, 30, 110] as const;

export type PodCount = (typeof podCounts)[number];

/** When everything on all nodes started. */
const upMs = 24 * 60 * 60 * 1000;

/** Kubelets sample each cgroup by a clock of its own, so that ages differ; here by up to this. */
const oldestMs = 9_000;

export function nodeModel(node: string, pods: number, nowMs: number): KubeletModel {
  const startTimeMs = Math.trunc(nowMs / upMs) * upMs - upMs;
  return {
    node,
    cores: 16,
    memoryBytes: 64 * 1024 ** 3,
    swapBytes: 0,
    cgroupDriver: 'systemd',
    machine: sample(0, 4.5, 20 * 1024 ** 3),
    pods: Array.from({ length: pods }, (_, index) => podModel(index)),
  };

  function podModel(index: number): PodModel {
    const name = `web-${hexId(`${node}/hash/${index}`).slice(0, 10)}-${hexId(`${node}/suffix/${index}`).slice(0, 5)}`;
    return {
      namespace: `team-${index % 7}`,
      name,
      uid: uuid(`${node}/${index}`),
      qos: 'burstable',
      containers: ['app', 'istio-proxy'].map((container, second) => ({
        name: container,
        image: `registry.example/platform/${container}@sha256:${hexId(container)}`,
        id: hexId(`${node}/${index}/${container}`),
        swapBytes: 0,
        ...sample(index * 2 + second + 1, 0.01 + index / 1000 + second / 10, (40 + index + second * 7) * 1024 ** 2),
      })),
    };
  }

  function sample(index: number, cores: number, memoryBytes: number): SampleModel {
    const timestampMs = nowMs - 1_000 - ((index * 617) % (oldestMs - 1_000));
    return {
      timestampMs,
      // Kernels tell microseconds.
      cpuSeconds: Math.trunc(((timestampMs - startTimeMs) / 1000) * cores * 1e6) / 1e6,
      memoryBytes: memoryBytes + 4096 * (Math.trunc(timestampMs / 1000) % 1009),
      startTimeMs,
    };
  }
}
