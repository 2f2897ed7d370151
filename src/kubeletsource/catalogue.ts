/** The custom metrics that kubelets have. A metric is a row: names, help, unit, series and rules; docs and discovery follow. */
import { type ColumnName, columnOf, type SeriesColumn } from '../sample/seriescolumns.ts';

export type Unit = 'bytes' | 'bytes/s' | 'cores' | 'count' | 'packets/s' | 'per second' | 'ratio';

/**
 * How numbers of one cgroup become a value:
 * - rate: the counter's increase per second;
 * - share: a rate of seconds per second, never above 1;
 * - increase: the counter's increase over the window;
 * - gauge: the last sample;
 * - throttled: the share of periods with a quota that were throttled;
 * - cpu limit, memory limit: usage divided by the limit.
 */
export type ValueRule = 'rate' | 'share' | 'increase' | 'gauge' | 'throttled' | 'cpu limit' | 'memory limit';

export interface KubeletMetric {
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  readonly unit: Unit;
  readonly rule: ValueRule;
  /** For the rules of one series, that one; otherwise as `metricvalue.ts` names them. */
  readonly columns: readonly [ColumnName, ...ColumnName[]];
  /** How the values of a pod's containers become the pod's. */
  readonly combine: 'sum' | 'max';
  /**
   * What a container without the series is to its pod:
   * - every container: the pod has no value;
   * - each in time: the container is waited for as long as a value stands, since one that runs has the series;
   * - any container: it counts as nothing.
   */
  readonly needs: 'every container' | 'each in time' | 'any container';
  /** Whether the sum over a namespace's pods has a meaning. */
  readonly perNamespace: boolean;
  /** Whether the machine's series has the same meaning. */
  readonly perNode: boolean;
  /** Why an object may have no such series, as a sentence for its 404. */
  readonly absent: string;
}

const noSandbox = 'the kubelet reports no traffic of the pod: its runtime has no sandbox with a network of its own';
const noLimit = 'no container of the pod has a CPU limit';
const noPressure =
  'the kubelet reports no pressure: that takes Kubernetes 1.34, cgroup v2 and a kernel with PSI (no psi=0)';
const noSeries = 'the kubelet reports no such series of all containers';
const noDisk =
  'the kubelet reports no disk of the pod: its containers have read and written nothing, or cannot be counted';

const sums = { combine: 'sum', perNamespace: true } as const;

function network(direction: 'receive' | 'transmit', what: string, column: ColumnName, unit: Unit): KubeletMetric {
  const verb = direction === 'receive' ? 'received' : 'sent';
  return {
    name: `network_${direction}_${what}_per_second`,
    help: `${sentence[what] ?? what} ${verb} through the pod's network.`,
    unit,
    rule: 'rate',
    columns: [column],
    ...sums,
    needs: 'any container',
    perNode: true,
    absent: noSandbox,
  };
}

const sentence: Readonly<Record<string, string>> = {
  bytes: 'Bytes',
  packets: 'Packets',
  errors: 'Packets with errors',
  packets_dropped: 'Packets dropped when',
};

function cpu(name: string, help: string, column: ColumnName): KubeletMetric {
  const shape = { rule: 'rate', ...sums, needs: 'each in time', perNode: true, absent: noSeries } as const;
  return { name, help, unit: 'cores', columns: [column], ...shape };
}

function pressure(resource: 'cpu' | 'memory' | 'io', kind: 'waiting' | 'stalled', column: ColumnName): KubeletMetric {
  const who = kind === 'waiting' ? 'at least one process' : 'all processes';
  const what = resource === 'io' ? 'I/O' : resource === 'cpu' ? 'CPU' : 'memory';
  return {
    name: `${resource}_pressure_${kind}_ratio`,
    help: `Share of time in which ${who} of the pod waited for ${what} (PSI, ${kind === 'waiting' ? 'some' : 'full'}).`,
    unit: 'ratio',
    rule: 'share',
    columns: [column],
    combine: 'sum',
    needs: 'any container',
    perNamespace: false,
    perNode: true,
    absent: noPressure,
  };
}

/** @param perNode false where the machine's cgroup counts its own processes only, which are none. */
function gauge(name: string, help: string, unit: Unit, column: ColumnName, perNode = true): KubeletMetric {
  const shape = { rule: 'gauge', ...sums, needs: 'every container', absent: noSeries } as const;
  return { name, help, unit, columns: [column], perNode, ...shape };
}

function disk(name: string, help: string, unit: Unit, column: ColumnName): KubeletMetric {
  const shape = { rule: 'rate', ...sums, needs: 'any container', perNode: false, absent: noDisk } as const;
  return { name, help, unit, columns: [column], ...shape };
}

function ratio(row: Pick<KubeletMetric, 'name' | 'help' | 'rule' | 'columns' | 'absent'>): KubeletMetric {
  const shape = { unit: 'ratio', combine: 'max', needs: 'any container', perNamespace: false, perNode: false } as const;
  return { ...row, ...shape };
}

export const catalogue: readonly KubeletMetric[] = [
  network('receive', 'bytes', 'networkReceiveBytes', 'bytes/s'),
  network('transmit', 'bytes', 'networkTransmitBytes', 'bytes/s'),
  network('receive', 'packets', 'networkReceivePackets', 'packets/s'),
  network('transmit', 'packets', 'networkTransmitPackets', 'packets/s'),
  network('receive', 'errors', 'networkReceiveErrors', 'packets/s'),
  network('transmit', 'errors', 'networkTransmitErrors', 'packets/s'),
  network('receive', 'packets_dropped', 'networkReceiveDropped', 'packets/s'),
  network('transmit', 'packets_dropped', 'networkTransmitDropped', 'packets/s'),
  ratio({
    name: 'cpu_throttled_ratio',
    help: 'Share of scheduling periods in which the CPU limit stopped the most throttled container.',
    rule: 'throttled',
    columns: ['cpuThrottledPeriods', 'cpuPeriods'],
    absent: noLimit,
  }),
  {
    name: 'cpu_throttled_seconds_per_second',
    help: 'Time for which threads were stopped by CPU limits.',
    unit: 'per second',
    rule: 'rate',
    columns: ['cpuThrottledSeconds'],
    ...sums,
    needs: 'any container',
    perNode: false,
    absent: noLimit,
  },
  cpu('cpu_usage_cores', 'CPU usage, as metrics.k8s.io has it but over the window.', 'cpuUsage'),
  cpu('cpu_user_cores', 'CPU usage in user mode.', 'cpuUser'),
  cpu('cpu_system_cores', 'CPU usage in the kernel.', 'cpuSystem'),
  ratio({
    name: 'cpu_limit_utilization',
    help: 'CPU usage divided by the CPU limit, of the container where it is highest.',
    rule: 'cpu limit',
    columns: ['cpuUsage', 'cpuQuota', 'cpuPeriod'],
    absent: noLimit,
  }),
  ratio({
    name: 'memory_limit_utilization',
    help: 'Working set divided by the memory limit, of the container where it is highest.',
    rule: 'memory limit',
    columns: ['memoryWorkingSet', 'memoryLimit'],
    absent: 'no container of the pod has a memory limit',
  }),
  pressure('cpu', 'waiting', 'cpuWaiting'),
  pressure('memory', 'waiting', 'memoryWaiting'),
  pressure('io', 'waiting', 'ioWaiting'),
  pressure('cpu', 'stalled', 'cpuStalled'),
  pressure('memory', 'stalled', 'memoryStalled'),
  pressure('io', 'stalled', 'ioStalled'),
  gauge('memory_working_set_bytes', 'Working set, as metrics.k8s.io has it.', 'bytes', 'memoryWorkingSet'),
  gauge('memory_rss_bytes', 'Anonymous memory (RSS), without the page cache.', 'bytes', 'memoryRss'),
  gauge('memory_usage_bytes', 'All memory, with the page cache.', 'bytes', 'memoryUsage'),
  gauge('memory_cache_bytes', 'Page cache.', 'bytes', 'memoryCache'),
  gauge('memory_swap_bytes', 'Swap in use.', 'bytes', 'memorySwap'),
  {
    name: 'memory_major_page_faults_per_second',
    help: 'Page faults that needed a read from disk.',
    unit: 'per second',
    rule: 'rate',
    columns: ['majorPageFaults'],
    ...sums,
    needs: 'every container',
    perNode: true,
    absent: noSeries,
  },
  disk('fs_read_bytes_per_second', 'Bytes read from all disks.', 'bytes/s', 'fsReadBytes'),
  disk('fs_write_bytes_per_second', 'Bytes written to all disks.', 'bytes/s', 'fsWriteBytes'),
  disk('fs_reads_per_second', 'Reads from all disks.', 'per second', 'fsReads'),
  disk('fs_writes_per_second', 'Writes to all disks.', 'per second', 'fsWrites'),
  {
    name: 'fs_usage_bytes',
    help: "Bytes of the containers' writable layers and logs, where the runtime reports them (CRI-O).",
    unit: 'bytes',
    rule: 'gauge',
    columns: ['fsUsage'],
    ...sums,
    needs: 'every container',
    perNode: false,
    absent: 'the kubelet reports no file systems of containers, as with containerd',
  },
  gauge('processes', 'Processes.', 'count', 'processes', false),
  gauge('threads', 'Threads.', 'count', 'threads', false),
  gauge('file_descriptors', 'Open file descriptors.', 'count', 'fileDescriptors', false),
  gauge('sockets', 'Open sockets.', 'count', 'sockets', false),
  {
    name: 'oom_kills',
    help: 'Processes killed for lack of memory within the window, in containers that still run.',
    unit: 'count',
    rule: 'increase',
    columns: ['oomEvents'],
    ...sums,
    needs: 'every container',
    perNode: false,
    absent: noSeries,
  },
];

const byName: ReadonlyMap<string, KubeletMetric> = new Map(catalogue.map((metric) => [metric.name, metric]));

/** Returns the metric of a name; undefined if kubelets have none. */
export function metricNamed(name: string): KubeletMetric | undefined {
  return byName.get(name);
}

/** Returns which cgroups of a pod have the metric's series. */
export function cgroupsOf({ columns: [first] }: KubeletMetric): SeriesColumn['of'] {
  return columnOf(first).of;
}

/** Reports whether the value is over a window, rather than of one moment. */
export function hasWindow({ rule }: KubeletMetric): boolean {
  return rule !== 'gauge' && rule !== 'memory limit';
}
