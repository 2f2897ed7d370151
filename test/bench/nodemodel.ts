/** A busy node for the benchmarks: pods of two containers whose samples move with the time that is asked for. */
import { hexId, type KubeletModel, type PodModel, type SampleModel, uuid } from '../fakes/kubeletmodel.ts';

/** Pods a node; the goals are for these. */
export const podCounts = [10, 30, 110] as const;

export type PodCount = (typeof podCounts)[number];

/** When everything on all nodes started. */
const upMs = 24 * 60 * 60 * 1000;

/** Kubelets sample each cgroup by a clock of its own, so that ages differ; here by up to this. */
const oldestMs = 9_000;

/**
 * Returns the tag that distinguishes the pods of one node from those of all others: eight hexadecimal digits in all their names and IDs. Everything else about them depends on
 * their number on the node only, so that one node's answer becomes another's by writing its tag in.
 */
export function tagOf(node: string): string {
  return hexId(node).slice(0, 8);
}

/** Returns the namespace of the pod with this number on its node. */
export const namespaceOf = (index: number): string => `team-${index % 7}`;

export function nodeModel(node: string, pods: number, nowMs: number): KubeletModel {
  const tag = tagOf(node);
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
    const suffix = index.toString(36).padStart(5, '0');
    return {
      namespace: namespaceOf(index),
      name: `web-${tag}${hexId(`hash/${index}`).slice(0, 2)}-${suffix}`,
      uid: `${tag}${uuid(`pod/${index}`).slice(tag.length)}`,
      qos: 'burstable',
      containers: ['app', 'istio-proxy'].map((container, second) => ({
        name: container,
        image: `registry.example/platform/${container}@sha256:${hexId(container)}`,
        id: `${tag}${hexId(`${index}/${container}`).slice(tag.length)}`,
        swapBytes: 0,
        ...sample(index * 2 + second + 1, 0.01 + index / 1000 + second / 10, (40 + index + second * 7) * 1024 ** 2),
      })),
    };
  }

  function sample(index: number, cores: number, memoryBytes: number): SampleModel {
    const timestampMs = nowMs - 1_000 - ((index * 617) % (oldestMs - 1_000));
    return {
      timestampMs,
      // Kernels report microseconds.
      cpuSeconds: Math.trunc(((timestampMs - startTimeMs) / 1000) * cores * 1e6) / 1e6,
      memoryBytes: memoryBytes + 4096 * (Math.trunc(timestampMs / 1000) % 1009),
      startTimeMs,
    };
  }
}
