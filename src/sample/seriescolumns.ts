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
  /** Whether 0 after more is of a cgroup that could not be read, or is gone: cAdvisor writes 0 then. */
  readonly isUnreadAtZero?: boolean;
}

/** Traffic is counted in a pod's network namespace, whose cgroup is the sandbox's. */
const network = { of: 'sandbox', kind: 'counter', addedOver: 'interface' } as const;
/** Throttling happens in the container's cgroup before it reaches the pod's. */
const counter = { of: 'container', kind: 'counter', isUnreadAtZero: true } as const;
const gauge = { of: 'container', kind: 'gauge' } as const;
/** A container that runs has a process, and memory in use. */
const vital = { ...gauge, isUnreadAtZero: true } as const;
const constant = { of: 'container', kind: 'constant' } as const;
/** Waiting of several containers at once cannot be added; the pod's cgroup has it once. */
const pressure = { of: 'pod', kind: 'counter', isUnreadAtZero: true } as const;
const disk = { of: 'container', kind: 'counter', addedOver: 'device', isUnreadAtZero: true } as const;

const seriesColumns = {
  networkReceiveBytes: { family: 'container_network_receive_bytes_total', ...network },
  networkTransmitBytes: { family: 'container_network_transmit_bytes_total', ...network },
  networkReceivePackets: { family: 'container_network_receive_packets_total', ...network },
  networkTransmitPackets: { family: 'container_network_transmit_packets_total', ...network },
  networkReceiveErrors: { family: 'container_network_receive_errors_total', ...network },
  networkTransmitErrors: { family: 'container_network_transmit_errors_total', ...network },
  networkReceiveDropped: { family: 'container_network_receive_packets_dropped_total', ...network },
  networkTransmitDropped: { family: 'container_network_transmit_packets_dropped_total', ...network },
  // Kubelets before 1.16 have a series per core; the total is the one to count.
  cpuUsage: { family: 'container_cpu_usage_seconds_total', ...counter, only: { cpu: 'total' } },
  cpuUser: { family: 'container_cpu_user_seconds_total', ...counter },
  cpuSystem: { family: 'container_cpu_system_seconds_total', ...counter },
  cpuPeriods: { family: 'container_cpu_cfs_periods_total', ...counter },
  cpuThrottledPeriods: { family: 'container_cpu_cfs_throttled_periods_total', ...counter },
  cpuThrottledSeconds: { family: 'container_cpu_cfs_throttled_seconds_total', ...counter },
  cpuQuota: { family: 'container_spec_cpu_quota', ...constant },
  cpuPeriod: { family: 'container_spec_cpu_period', ...constant },
  memoryLimit: { family: 'container_spec_memory_limit_bytes', ...constant },
  cpuWaiting: { family: 'container_pressure_cpu_waiting_seconds_total', ...pressure },
  cpuStalled: { family: 'container_pressure_cpu_stalled_seconds_total', ...pressure },
  memoryWaiting: { family: 'container_pressure_memory_waiting_seconds_total', ...pressure },
  memoryStalled: { family: 'container_pressure_memory_stalled_seconds_total', ...pressure },
  ioWaiting: { family: 'container_pressure_io_waiting_seconds_total', ...pressure },
  ioStalled: { family: 'container_pressure_io_stalled_seconds_total', ...pressure },
  memoryWorkingSet: { family: 'container_memory_working_set_bytes', ...vital },
  memoryRss: { family: 'container_memory_rss', ...vital },
  memoryUsage: { family: 'container_memory_usage_bytes', ...vital },
  memoryCache: { family: 'container_memory_cache', ...gauge },
  memorySwap: { family: 'container_memory_swap', ...gauge },
  // Each cgroup has four series; those of scope hierarchy repeat the ones of scope container.
  majorPageFaults: {
    family: 'container_memory_failures_total',
    ...counter,
    only: { failure_type: 'pgmajfault', scope: 'container' },
  },
  fsReadBytes: { family: 'container_fs_reads_bytes_total', ...disk },
  fsWriteBytes: { family: 'container_fs_writes_bytes_total', ...disk },
  fsReads: { family: 'container_fs_reads_total', ...disk },
  fsWrites: { family: 'container_fs_writes_total', ...disk },
  fsUsage: { family: 'container_fs_usage_bytes', of: 'container', kind: 'gauge', addedOver: 'device' },
  processes: { family: 'container_processes', ...vital },
  threads: { family: 'container_threads', ...vital },
  fileDescriptors: { family: 'container_file_descriptors', ...gauge },
  sockets: { family: 'container_sockets', ...gauge },
  // The kubelet counts them, and begins at 0 when it restarts.
  oomEvents: { family: 'container_oom_events_total', of: 'container', kind: 'counter' },
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
