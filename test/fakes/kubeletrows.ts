/** Writes a node's samples down as the families of /metrics/cadvisor and /metrics/resource, with the rows that real kubelets have. */
import type { Family, FamilySample } from './exposition.ts';
import {
  type ContainerModel,
  containerCgroup,
  hexId,
  type KubeletModel,
  type NetworkModel,
  type PodModel,
  podCgroup,
  type SampleModel,
} from './kubeletmodel.ts';

/** Which of the known oddities the rows have. */
export type RowShape = 'usual' | 'unlabelled' | 'scrape-error' | 'windows';

/** Everything under /metrics/cadvisor. */
export function cadvisorFamilies(model: KubeletModel, shape: RowShape, nowMs: number): Family[] {
  const scrapeError = shape === 'scrape-error' ? 1 : 0;
  const families = [
    ...machineFamilies(model),
    family('container_scrape_error', 'gauge', [{ labels: {}, value: scrapeError }]),
  ];
  if (shape === 'usual' || shape === 'unlabelled') {
    const rows = cgroupRows(model, shape === 'unlabelled');
    for (const series of cgroupSeries) families.push(family(series.name, series.type, samplesOf(series, rows, nowMs)));
    families.push(...networkFamilies(rows));
  }
  return families;
}

/** Everything under /metrics/resource. The kubelet takes most of it from the same cache, and has the start time to the nanosecond. */
export function resourceFamilies(model: KubeletModel): Family[] {
  const containers = model.pods.flatMap((pod) =>
    pod.containers.map((container) => ({
      labels: { container: container.name, namespace: pod.namespace, pod: pod.name },
      container,
    })),
  );
  const ofContainers = (
    name: string,
    type: Family['type'],
    value: (sample: SampleModel & { swapBytes: number }) => number | undefined,
  ) =>
    family(
      name,
      type,
      containers.flatMap(({ labels, container }) => {
        const number = value(container);
        return number === undefined ? [] : { labels, value: number, timestampMs: container.timestampMs };
      }),
    );
  const ofMachine = (name: string, type: Family['type'], value: number) =>
    family(name, type, [{ labels: {}, value, timestampMs: model.machine.timestampMs }]);
  return [
    ofContainers('container_cpu_usage_seconds_total', 'counter', (sample) => unlessMissing('cpu', sample)),
    ofContainers('container_memory_working_set_bytes', 'gauge', (sample) => unlessMissing('working set', sample)),
    family(
      'container_start_time_seconds',
      'gauge',
      containers.map(({ labels, container }) => ({ labels, value: (container.startTimeMs + 0.25) / 1000 })),
    ),
    ofContainers('container_swap_usage_bytes', 'gauge', ({ swapBytes }) => swapBytes),
    ofMachine('node_cpu_usage_seconds_total', 'counter', model.machine.cpuSeconds),
    ofMachine('node_memory_working_set_bytes', 'gauge', model.machine.memoryBytes),
    ofMachine('node_swap_usage_bytes', 'gauge', swapOf(model)),
    family('resource_scrape_error', 'gauge', [{ labels: {}, value: 0 }]),
  ];
}

/** One cgroup: a container, a pod and its sandbox, a slice, the machine. */
interface CgroupRow {
  readonly labels: CgroupLabels;
  readonly sample: SampleModel;
  readonly swapBytes: number;
  readonly isSandbox: boolean;
  readonly limits?: ContainerModel['limits'];
  /** Of a sandbox: its own network, none, or counters that stand still. */
  readonly network?: NetworkModel | 'still' | undefined;
}

interface CgroupLabels {
  readonly id: string;
  readonly container?: string;
  readonly image?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly pod?: string;
}

interface CgroupSeries {
  readonly name: string;
  readonly type: Family['type'];
  /** Undefined leaves the row out. */
  readonly value: (row: CgroupRow, nowMs: number) => number | undefined;
  readonly extra?: Readonly<Record<string, string>>;
  /** When the sample is said to be from; most series say when the cgroup was read. */
  readonly time?: 'scrape' | 'none';
}

/** The families that are read, and as many of the others as it takes to notice that they must be left out. */
const cgroupSeries: readonly CgroupSeries[] = [
  {
    name: 'container_cpu_usage_seconds_total',
    type: 'counter',
    extra: { cpu: 'total' },
    // cAdvisor leaves the row out while nothing was used.
    value: ({ sample }) => (sample.cpuSeconds > 0 ? unlessMissing('cpu', sample) : undefined),
  },
  { name: 'container_cpu_user_seconds_total', type: 'counter', value: ({ sample }) => sample.cpuSeconds * 0.75 },
  { name: 'container_cpu_system_seconds_total', type: 'counter', value: ({ sample }) => sample.cpuSeconds * 0.25 },
  { name: 'container_last_seen', type: 'gauge', time: 'scrape', value: (_, nowMs) => Math.trunc(nowMs / 1000) },
  { name: 'container_memory_cache', type: 'gauge', value: ({ sample }) => Math.trunc(sample.memoryBytes / 3) },
  { name: 'container_memory_max_usage_bytes', type: 'gauge', value: ({ sample }) => sample.memoryBytes * 2 },
  { name: 'container_memory_rss', type: 'gauge', value: ({ sample }) => Math.trunc(sample.memoryBytes / 2) },
  { name: 'container_memory_swap', type: 'gauge', value: ({ swapBytes }) => swapBytes },
  { name: 'container_memory_usage_bytes', type: 'gauge', value: ({ sample }) => sample.memoryBytes + 4096 },
  {
    name: 'container_memory_working_set_bytes',
    type: 'gauge',
    value: ({ sample }) => unlessMissing('working set', sample),
  },
  // cAdvisor has period and quota of limited cgroups only.
  {
    name: 'container_spec_cpu_period',
    type: 'gauge',
    time: 'none',
    value: ({ limits }) => (limits?.cores === undefined ? undefined : cpuPeriodUs),
  },
  {
    name: 'container_spec_cpu_quota',
    type: 'gauge',
    time: 'none',
    value: ({ limits }) => (limits?.cores === undefined ? undefined : Math.round(limits.cores * cpuPeriodUs)),
  },
  {
    name: 'container_spec_memory_limit_bytes',
    type: 'gauge',
    time: 'none',
    value: ({ limits }) => limits?.memoryBytes ?? 0,
  },
  {
    name: 'container_start_time_seconds',
    type: 'gauge',
    time: 'none',
    value: ({ sample }) => Math.trunc(sample.startTimeMs / 1000),
  },
];

const cpuPeriodUs = 100_000;

function unlessMissing(
  row: 'cpu' | 'working set',
  { missing, cpuSeconds, memoryBytes }: SampleModel,
): number | undefined {
  if (missing === row) return undefined;
  return row === 'cpu' ? cpuSeconds : memoryBytes;
}

function samplesOf(series: CgroupSeries, rows: readonly CgroupRow[], nowMs: number): FamilySample[] {
  return rows.flatMap((row) => {
    const value = series.value(row, nowMs);
    if (value === undefined) return [];
    const labels = allLabels(row.labels, series.extra);
    if (series.time === 'none') return [{ labels, value }];
    return [{ labels, value, timestampMs: series.time === 'scrape' ? nowMs : row.sample.timestampMs }];
  });
}

/** Only the sandbox holds the pod's network. */
function networkFamilies(rows: readonly CgroupRow[]): Family[] {
  const samples = (of: (row: CgroupRow) => readonly [bytes: number, timestampMs: number] | undefined): FamilySample[] =>
    rows.flatMap((each) => {
      const sample = each.isSandbox ? of(each) : undefined;
      if (sample === undefined) return [];
      return [{ labels: allLabels(each.labels, { interface: 'eth0' }), value: sample[0], timestampMs: sample[1] }];
    });
  const received = samples(({ sample, network }) => {
    if (network === 'still') return [Math.trunc(sample.cpuSeconds * 1e6), sample.timestampMs];
    return network && [network.receiveBytes, network.timestampMs];
  });
  const sent = samples(({ network }) =>
    network === 'still' ? undefined : network && [network.transmitBytes, network.timestampMs],
  );
  return [
    family('container_network_receive_bytes_total', 'counter', received),
    family('container_network_transmit_bytes_total', 'counter', sent),
  ];
}

function machineFamilies(model: KubeletModel): Family[] {
  const labels = { boot_id: hexId(`${model.node}/boot`).slice(0, 32), machine_id: model.node, system_uuid: model.node };
  const version = {
    cadvisorRevision: '',
    cadvisorVersion: '',
    dockerVersion: '',
    kernelVersion: '6.12.48',
    osVersion: 'Debian GNU/Linux 13 (trixie)',
  };
  return [
    family('cadvisor_version_info', 'gauge', [{ labels: version, value: 1 }]),
    family('machine_cpu_cores', 'gauge', [{ labels, value: model.cores }]),
    family('machine_memory_bytes', 'gauge', [{ labels, value: model.memoryBytes }]),
    family('machine_scrape_error', 'gauge', [{ labels: {}, value: 0 }]),
    ...(model.swapBytes === undefined
      ? []
      : [family('machine_swap_bytes', 'gauge', [{ labels, value: model.swapBytes }])]),
  ];
}

/** @param unlabelled as when cAdvisor met the cgroups while the runtime did not answer: pods are known, containers are not. */
function cgroupRows(model: KubeletModel, unlabelled: boolean): CgroupRow[] {
  const pods = model.pods.flatMap((pod) => podRows(model, pod, unlabelled || pod.sandboxing === 'unlabelled'));
  const all = model.pods.flatMap(({ containers }) => containers);
  return [
    row({ id: '/' }, model.machine, swapOf(model)),
    ...slices(model).map(([id, share]) => row({ id }, part(model.machine, share))),
    ...(all.length === 0
      ? []
      : [row({ id: model.cgroupDriver === 'systemd' ? '/kubepods.slice' : '/kubepods' }, sum(all))]),
    ...pods,
  ];
}

function podRows(model: KubeletModel, pod: PodModel, unlabelled: boolean): CgroupRow[] {
  const sandboxId = hexId(`${pod.uid}/sandbox`);
  const owner = { namespace: pod.namespace, pod: pod.name };
  const known = unlabelled ? {} : owner;
  const whole = sum(pod.containers);
  const own = row({ id: podCgroup(model, pod), ...owner }, whole);
  if (pod.sandboxing === 'gvisor-hidden') return [];
  if (pod.sandboxing === 'gvisor') return [own];
  const sandbox = row(
    {
      id: containerCgroup(model, pod, sandboxId),
      ...(unlabelled ? {} : { image: 'registry.k8s.io/pause:3.10', name: sandboxId }),
      ...known,
    },
    { ...whole, cpuSeconds: 0.03125, memoryBytes: 258_048 },
  );
  return [
    own,
    { ...sandbox, isSandbox: true, network: 'network' in pod ? pod.network : 'still' },
    ...pod.containers.map((container) => {
      const id = containerCgroup(model, pod, container.id);
      const labels = { container: container.name, image: container.image, name: container.id };
      const sample = pod.sandboxing === 'kata' ? { ...container, cpuSeconds: 0, memoryBytes: 0 } : container;
      const { limits } = container;
      const unlimited = row({ id, ...(unlabelled ? {} : labels), ...known }, sample, container.swapBytes);
      return limits === undefined ? unlimited : { ...unlimited, limits };
    }),
  ];
}

/** Returns the machine's swap usage, all of it by containers. */
function swapOf({ pods }: KubeletModel): number {
  return pods.flatMap(({ containers }) => containers).reduce((total, { swapBytes }) => total + swapBytes, 0);
}

/** Returns the cgroups beside the pods, by their share of the machine. */
function slices({ cgroupDriver }: KubeletModel): [string, number][] {
  const [burstable, besteffort] =
    cgroupDriver === 'systemd'
      ? ['/kubepods.slice/kubepods-burstable.slice', '/kubepods.slice/kubepods-besteffort.slice']
      : ['/kubepods/burstable', '/kubepods/besteffort'];
  return [
    [burstable, 0.5],
    [besteffort, 0.1],
    ['/system.slice/kubelet.service', 0.0625],
    ['/system.slice/containerd.service', 0.03125],
  ];
}

function row(labels: CgroupLabels, sample: SampleModel, swapBytes = 0): CgroupRow {
  return { labels, sample, swapBytes, isSandbox: false };
}

function part(sample: SampleModel, share: number): SampleModel {
  return { ...sample, cpuSeconds: sample.cpuSeconds * share, memoryBytes: Math.trunc(sample.memoryBytes * share) };
}

/** A parent has its own time of sampling: here a little before the oldest of its children. */
function sum(samples: readonly SampleModel[]): SampleModel {
  return {
    timestampMs: Math.min(...samples.map(({ timestampMs }) => timestampMs)) - 700,
    cpuSeconds: samples.reduce((total, { cpuSeconds }) => total + cpuSeconds, 0),
    memoryBytes: samples.reduce((total, { memoryBytes }) => total + memoryBytes, 0),
    startTimeMs: Math.min(...samples.map(({ startTimeMs }) => startTimeMs)),
  };
}

/** All six labels are always there, blank when nothing is known. */
function allLabels(labels: CgroupLabels, extra: Readonly<Record<string, string>> = {}): FamilySample['labels'] {
  return { container: '', image: '', name: '', namespace: '', pod: '', ...labels, ...extra };
}

function family(name: string, type: Family['type'], samples: readonly FamilySample[]): Family {
  return { name, help: `${name.replaceAll('_', ' ')}.`, type, samples };
}
