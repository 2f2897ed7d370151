/**
 * Series of /metrics/cadvisor that only custom metrics need. They are scraped while a metric wants them, and take a
 * path beside the quantities'. To add one: a row here, and the metric in `kubeletsource/catalogue.ts`.
 */

/** Kinds of cgroups. A sandbox is a pod's pause container, which has the pod's network. */
export type CgroupKind = 'machine' | 'pod' | 'sandbox' | 'container';

export interface SeriesColumn {
  readonly family: string;
  /** Cgroups whose series count, beside the machine's. */
  readonly of: Exclude<CgroupKind, 'machine'>;
  /** Constants have no time of their own. */
  readonly kind: 'counter' | 'gauge' | 'constant';
  /** A cgroup has one series per value of this label; they are added. */
  readonly addedOver?: 'interface' | 'device';
  /** Labels that a series must have. */
  readonly only?: Readonly<Record<string, string>>;
  /**
   * Whether 0 may be of a cgroup that could not be read, or is gone: cAdvisor writes 0 then. Traffic is not among them:
   * its file is read whole, or its series are missing.
   */
  readonly isUnreadAtZero?: boolean;
  /** Whether a container that runs has more than 0, so that a first 0 is of one that could not be read, too. */
  readonly isNeverZero?: boolean;
  /** What is possible: of a counter per second, of others the value. By default anything is. */
  readonly most?: number | NodeBound;
}

/** Bounded by the node's capacity, with a margin: CPU cores, or bytes of memory. */
export type NodeBound = 'cores' | 'memory';

/** Bytes per second through one network namespace or to one node's disks: ten times the fastest links of hosts. */
const mostBytesPerSecond = 1e12;
/** Packets per second, or reads and writes: those bytes in frames of the least size. */
const mostPerSecond = mostBytesPerSecond / 64;
/** Periods per second: the kernel's shortest is a millisecond. */
const mostPeriodsPerSecond = 1_250;
/** Seconds of waiting per second. More than 1, since counter and time are not read at once. */
const mostWaiting = 1.25;
/** Processes or threads of a node: Linux's PID_MAX_LIMIT. */
const mostThreads = 4_194_304;

/** Traffic is counted in a pod's network namespace, whose cgroup is the sandbox's. */
const network = { of: 'sandbox', kind: 'counter', addedOver: 'interface', most: mostPerSecond } as const;
const networkBytes = { ...network, most: mostBytesPerSecond } as const;
/** Throttling happens in the container's cgroup before it reaches the pod's. */
const counter = { of: 'container', kind: 'counter', isUnreadAtZero: true } as const;
const cpu = { ...counter, most: 'cores' } as const;
const periods = { ...counter, most: mostPeriodsPerSecond } as const;
const gauge = { of: 'container', kind: 'gauge' } as const;
/** A container that runs has a process, and memory in use, if not of its own (RSS). */
const vital = { ...gauge, isUnreadAtZero: true, isNeverZero: true } as const;
const memory = { ...vital, most: 'memory' } as const;
const constant = { of: 'container', kind: 'constant' } as const;
/** Waiting of several containers at once cannot be added; the pod's cgroup has it once. */
const pressure = { of: 'pod', kind: 'counter', isUnreadAtZero: true, most: mostWaiting } as const;
const disk = { ...counter, addedOver: 'device', most: mostPerSecond } as const;
const diskBytes = { ...disk, most: mostBytesPerSecond } as const;

const seriesColumns = {
  networkReceiveBytes: { family: 'container_network_receive_bytes_total', ...networkBytes },
  networkTransmitBytes: { family: 'container_network_transmit_bytes_total', ...networkBytes },
  networkReceivePackets: { family: 'container_network_receive_packets_total', ...network },
  networkTransmitPackets: { family: 'container_network_transmit_packets_total', ...network },
  networkReceiveErrors: { family: 'container_network_receive_errors_total', ...network },
  networkTransmitErrors: { family: 'container_network_transmit_errors_total', ...network },
  networkReceiveDropped: { family: 'container_network_receive_packets_dropped_total', ...network },
  networkTransmitDropped: { family: 'container_network_transmit_packets_dropped_total', ...network },
  // Kubelets before 1.16 have a series per core; the total is the one to count.
  cpuUsage: { family: 'container_cpu_usage_seconds_total', ...cpu, only: { cpu: 'total' } },
  cpuUser: { family: 'container_cpu_user_seconds_total', ...cpu },
  cpuSystem: { family: 'container_cpu_system_seconds_total', ...cpu },
  cpuPeriods: { family: 'container_cpu_cfs_periods_total', ...periods },
  cpuThrottledPeriods: { family: 'container_cpu_cfs_throttled_periods_total', ...periods },
  cpuThrottledSeconds: { family: 'container_cpu_cfs_throttled_seconds_total', ...cpu },
  cpuQuota: { family: 'container_spec_cpu_quota', ...constant },
  cpuPeriod: { family: 'container_spec_cpu_period', ...constant },
  memoryLimit: { family: 'container_spec_memory_limit_bytes', ...constant },
  cpuWaiting: { family: 'container_pressure_cpu_waiting_seconds_total', ...pressure },
  cpuStalled: { family: 'container_pressure_cpu_stalled_seconds_total', ...pressure },
  memoryWaiting: { family: 'container_pressure_memory_waiting_seconds_total', ...pressure },
  memoryStalled: { family: 'container_pressure_memory_stalled_seconds_total', ...pressure },
  ioWaiting: { family: 'container_pressure_io_waiting_seconds_total', ...pressure },
  ioStalled: { family: 'container_pressure_io_stalled_seconds_total', ...pressure },
  memoryWorkingSet: { family: 'container_memory_working_set_bytes', ...memory },
  memoryRss: { family: 'container_memory_rss', ...memory, isNeverZero: false },
  memoryUsage: { family: 'container_memory_usage_bytes', ...memory },
  memoryCache: { family: 'container_memory_cache', ...gauge, most: 'memory' },
  memorySwap: { family: 'container_memory_swap', ...gauge },
  // Each cgroup has four series; those of scope hierarchy repeat the ones of scope container.
  majorPageFaults: {
    family: 'container_memory_failures_total',
    ...counter,
    most: mostPerSecond,
    only: { failure_type: 'pgmajfault', scope: 'container' },
  },
  fsReadBytes: { family: 'container_fs_reads_bytes_total', ...diskBytes },
  fsWriteBytes: { family: 'container_fs_writes_bytes_total', ...diskBytes },
  fsReads: { family: 'container_fs_reads_total', ...disk },
  fsWrites: { family: 'container_fs_writes_total', ...disk },
  fsUsage: { family: 'container_fs_usage_bytes', of: 'container', kind: 'gauge', addedOver: 'device' },
  processes: { family: 'container_processes', ...vital, most: mostThreads },
  threads: { family: 'container_threads', ...vital, most: mostThreads },
  fileDescriptors: { family: 'container_file_descriptors', ...gauge },
  sockets: { family: 'container_sockets', ...gauge },
  // The kubelet counts them, and begins at 0 when it restarts.
  oomEvents: { family: 'container_oom_events_total', of: 'container', kind: 'counter', most: mostThreads },
} as const satisfies Readonly<Record<string, SeriesColumn>>;

export type ColumnName = keyof typeof seriesColumns;

/** Sorted, each once. The same array until the demand changes. */
export type WantedColumns = readonly ColumnName[];

export const noColumns: WantedColumns = [];

/** Returns a column with its optional properties. */
export function columnOf(name: ColumnName): SeriesColumn {
  return seriesColumns[name];
}

/** Reports whether the columns are the same in the same order. */
export function areSameColumns(a: WantedColumns, b: WantedColumns): boolean {
  return a === b || (a.length === b.length && a.every((name, index) => name === b[index]));
}

/** Returns the families of columns, in their order. */
export function familiesOf(columns: readonly ColumnName[]): readonly string[] {
  return columns.map((name) => columnOf(name).family);
}

/** One cgroup of a series batch. */
export interface SeriesCgroup {
  readonly kind: CgroupKind;
  /** Empty for the machine. */
  readonly namespace: string;
  readonly pod: string;
  /** As in PodBatch. */
  readonly podUid: string | undefined;
  /** A container's as in ContainerPoint, a sandbox's; empty for others. */
  readonly id: string;
}

/** The wanted series of one scrape of one node, added within each cgroup. */
export interface SeriesBatch {
  readonly columns: WantedColumns;
  readonly cgroups: readonly SeriesCgroup[];
  /** By cgroup: when it was sampled, in milliseconds since the epoch by the node's clock. NaN if only constants came. */
  readonly timesMs: Float64Array;
  /** Cgroup by cgroup, a number per column; NaN without a series. */
  readonly values: Float64Array;
  /** At the same places: a number that changes when other interfaces or devices are added. */
  readonly parts: Float64Array;
}
