/** Workload of a fake kubelet's node, as the kubelet last sampled it; tests change it in place. */
import { createHash } from 'node:crypto';

/** One cgroup's sample. */
export interface SampleModel {
  timestampMs: number;
  /** Core-seconds since the cgroup was made. */
  cpuSeconds: number;
  /** Working set. */
  memoryBytes: number;
  startTimeMs: number;
  /** The row that neither endpoint has for this sample. */
  missing?: 'cpu' | 'working set';
}

export interface ContainerModel extends SampleModel {
  readonly name: string;
  readonly image: string;
  /** 64 hex digits; a restart is another one. */
  id: string;
  swapBytes: number;
  /** What its cgroup may use, in cores and bytes; absent: no limit. */
  readonly limits?: { readonly cores?: number; readonly memoryBytes?: number };
}

/** Counters of a pod's own network, on eth0. */
export interface NetworkModel {
  readonly timestampMs: number;
  readonly receiveBytes: number;
  readonly transmitBytes: number;
}

export interface PodModel {
  readonly namespace: string;
  readonly name: string;
  /** With dashes, or for a static pod its config hash of 32 hex digits. */
  readonly uid: string;
  readonly qos: 'guaranteed' | 'burstable' | 'besteffort';
  /**
   * Cgroups that cAdvisor sees of an unusual pod, though the runtime knows all: of gVisor the pod's own cgroup and no container, or
   * nothing at all; of kata containers that are all zero; unlabelled where the runtime did not answer when cAdvisor found it. Absent: as usual.
   */
  sandboxing?: 'gvisor' | 'gvisor-hidden' | 'kata' | 'unlabelled';
  readonly containers: ContainerModel[];
  /** Undefined for a pod in the network of its node; absent: counters that stand still. */
  network?: NetworkModel | undefined;
}

export interface KubeletModel {
  readonly node: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** How much swap the machine has; absent for an old kubelet, which does not report it. */
  readonly swapBytes?: number;
  /** How the kubelet names cgroups. */
  readonly cgroupDriver: 'cgroupfs' | 'systemd';
  readonly machine: SampleModel;
  readonly pods: PodModel[];
}

/** A small node that is alive: one pod of two containers, one of one, one static pod; every sample a few seconds old. */
export function smallKubeletModel(node: string, nowMs: number): KubeletModel {
  const startTimeMs = Math.trunc(nowMs / 1000) * 1000 - 3_600_000;
  const sample = (ageMs: number, cpuSeconds: number, memoryBytes: number): SampleModel => ({
    timestampMs: nowMs - ageMs,
    cpuSeconds,
    memoryBytes,
    startTimeMs,
  });
  const container = (name: string, of: SampleModel): ContainerModel => ({
    name,
    image: `registry.example/${name}:1.0`,
    id: hexId(`${node}/${name}`),
    swapBytes: 0,
    ...of,
  });
  return {
    node,
    cores: 4,
    memoryBytes: 16 * 1024 ** 3,
    swapBytes: 0,
    cgroupDriver: 'cgroupfs',
    machine: sample(2_100, 8_123.25, 3 * 1024 ** 3),
    pods: [
      {
        namespace: 'shop',
        name: 'web-0',
        uid: uuid(`${node}/web-0`),
        qos: 'burstable',
        containers: [
          container('app', sample(3_400, 512.125, 200 * 1024 ** 2)),
          container('proxy', sample(7_900, 33.5, 40 * 1024 ** 2)),
        ],
      },
      {
        namespace: 'jobs',
        name: 'batch-x7k2p',
        uid: uuid(`${node}/batch`),
        qos: 'besteffort',
        containers: [container('main', sample(1_200, 2_000.75, 64 * 1024 ** 2))],
      },
      {
        namespace: 'kube-system',
        name: `etcd-${node}`,
        uid: hexId(`${node}/etcd`).slice(0, 32),
        qos: 'guaranteed',
        containers: [container('etcd', sample(5_600, 901.0625, 120 * 1024 ** 2))],
      },
    ],
  };
}

/** 64 hex digits that are the same for the same seed, like a container's ID. */
export function hexId(seed: string): string {
  return createHash('sha256').update(seed).digest('hex');
}

/** A UUID that is the same for the same seed, like a pod's UID. */
export function uuid(seed: string): string {
  const hex = hexId(seed);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The cgroup of a pod as the id label has it. */
export function podCgroup(model: KubeletModel, pod: PodModel): string {
  const qos = pod.qos === 'guaranteed' ? '' : pod.qos;
  if (model.cgroupDriver === 'cgroupfs') return `/kubepods${qos === '' ? '' : `/${qos}`}/pod${pod.uid}`;
  const slice = qos === '' ? 'kubepods' : `kubepods-${qos}`;
  const parent = qos === '' ? '/kubepods.slice' : `/kubepods.slice/${slice}.slice`;
  return `${parent}/${slice}-pod${pod.uid.replaceAll('-', '_')}.slice`;
}

/** The cgroup of a container, or of a pod's sandbox, by its 64 hex digits. */
export function containerCgroup(model: KubeletModel, pod: PodModel, id: string): string {
  const name = model.cgroupDriver === 'cgroupfs' ? id : `cri-containerd-${id}.scope`;
  return `${podCgroup(model, pod)}/${name}`;
}
