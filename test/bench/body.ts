/** Makes a kubelet's response under /metrics/cadvisor, in its four forms and in the size of a real one. */
import { gzipSync } from 'node:zlib';
import { requestedFamilies } from '../../src/decode/cadvisor/families.ts';
import { type Encoded, encodeFamilies, type Family } from '../fakes/exposition.ts';
import type { KubeletModel } from '../fakes/kubeletmodel.ts';
import { cadvisorFamilies } from '../fakes/kubeletrows.ts';
import { customFamilies, isCustom } from './customfamilies.ts';

/** Filtered has the families that are asked for by name[], as from Kubernetes 1.37 on; full has all. */
export const forms = ['filtered-protobuf', 'full-protobuf', 'filtered-text', 'full-text'] as const;

export type Form = (typeof forms)[number];

/** Size of cAdvisor 0.56's own response for a node with so many pods of two containers, in bytes: a full body here should have it. */
export const realBytes: Readonly<Record<number, { readonly text: number; readonly protobuf: number }>> = {
  10: { text: 1_030_000, protobuf: 970_000 },
  30: { text: 2_930_223, protobuf: 2_800_000 },
  110: { text: 10_400_000, protobuf: 9_950_000 },
};

export function makeBody(form: Form, model: KubeletModel, nowMs: number): Encoded {
  const families = form.startsWith('filtered') ? filteredFamilies(model, nowMs) : fullFamilies(model, nowMs);
  return encodeFamilies(families, form.endsWith('protobuf'));
}

/** At the level that promhttp uses. */
export function compress(bytes: Uint8Array): Buffer {
  return gzipSync(bytes, { level: 6 });
}

/** @param asked by name[]; of a node without swap, as these are, from the second time on. */
export function filteredFamilies(
  model: KubeletModel,
  nowMs: number,
  asked: readonly string[] = wholeQuestion,
): Family[] {
  const all = cadvisorFamilies(model, 'usual', nowMs);
  const usual = all.filter(({ name }) => asked.includes(name) && !isCustom(name));
  return [...usual, ...customFamilies(all, asked)];
}

const wholeQuestion = requestedFamilies({ hasSwap: false, hasSettled: false });

/** Families that are requested of a node on which nothing has changed for a while. */
export const briefQuestion = requestedFamilies({ hasSwap: false, hasSettled: true });

/** The families of the fakes, and the others of a real kubelet with one row or more for every cgroup. */
export function fullFamilies(model: KubeletModel, nowMs: number): Family[] {
  const known = cadvisorFamilies(model, 'usual', nowMs);
  const rows = known.find(({ name }) => name === 'container_memory_working_set_bytes')?.samples ?? [];
  const others = otherSeries.map(
    ({ name, type, labels }, index): Family => ({
      name,
      type,
      help: `${name.replaceAll('_', ' ')}, as cAdvisor reports it for each cgroup.`,
      samples: rows.flatMap((row) =>
        labels.map((own) => ({
          ...row,
          labels: { ...row.labels, ...own },
          // Many are always zero, as on real nodes.
          value: index % 3 === 0 ? 0 : Math.trunc(row.value / (index + 2)),
        })),
      ),
    }),
  );
  return [...known, ...others];
}

interface OtherSeries {
  readonly name: string;
  readonly type: Family['type'];
  /** One row of the cgroup for each. */
  readonly labels: readonly Readonly<Record<string, string>>[];
}

const none = [{}];
const device = [{ device: '/dev/nvme0n1' }];

const counters = (names: readonly string[], labels: OtherSeries['labels']): OtherSeries[] =>
  names.map((name) => ({ name: `container_${name}`, type: 'counter', labels }));

const gauges = (names: readonly string[], labels: OtherSeries['labels']): OtherSeries[] =>
  names.map((name) => ({ name: `container_${name}`, type: 'gauge', labels }));

/** By the names of cAdvisor 0.56 on cgroup v2. */
const otherSeries: readonly OtherSeries[] = [
  ...counters(
    ['blkio_device_usage_total'],
    [
      { device: '/dev/nvme0n1', major: '259', minor: '0', operation: 'Read' },
      { device: '/dev/nvme0n1', major: '259', minor: '0', operation: 'Write' },
    ],
  ),
  ...counters(['cpu_cfs_periods_total', 'cpu_cfs_throttled_periods_total', 'cpu_cfs_throttled_seconds_total'], none),
  ...gauges(['cpu_load_average_10s', 'cpu_load_d_average_10s', 'file_descriptors'], none),
  ...counters(['fs_reads_bytes_total', 'fs_reads_total', 'fs_writes_bytes_total', 'fs_writes_total'], device),
  ...counters(
    ['memory_failures_total'],
    ['container', 'hierarchy'].flatMap((scope) =>
      ['pgfault', 'pgmajfault'].map((failure) => ({ failure_type: failure, scope })),
    ),
  ),
  ...counters(['memory_failcnt', 'oom_events_total'], none),
  ...gauges(
    ['memory_kernel_usage', 'memory_mapped_file', 'memory_total_active_file_bytes', 'memory_total_inactive_file_bytes'],
    none,
  ),
  ...counters(
    ['cpu', 'io', 'memory'].flatMap((resource) => [
      `pressure_${resource}_stalled_seconds_total`,
      `pressure_${resource}_waiting_seconds_total`,
    ]),
    none,
  ),
  ...gauges(['processes', 'sockets', 'threads', 'threads_max'], none),
  ...gauges(['spec_cpu_period', 'spec_cpu_quota', 'spec_cpu_shares'], none),
  ...gauges(['spec_memory_reservation_limit_bytes', 'spec_memory_swap_limit_bytes'], none),
  ...gauges(
    ['tasks_state'],
    ['iowaiting', 'running', 'sleeping', 'stopped', 'uninterruptible'].map((state) => ({ state })),
  ),
  ...gauges(['ulimits_soft'], [{ ulimit: 'max_open_files' }]),
];
