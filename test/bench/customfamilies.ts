/** Families that only custom metrics need, in a kubelet's response: with the interfaces that real network namespaces have. */
import { requestedFamilies } from '../../src/decode/cadvisor/families.ts';
import { catalogue } from '../../src/kubeletsource/catalogue.ts';
import { columnOf, type WantedColumns } from '../../src/sample/seriescolumns.ts';
import type { Family, FamilySample } from '../fakes/exposition.ts';

/** In each pod's network namespace, as the kernel's fallback tunnels make them. */
const interfaces = ['erspan0', 'eth0', 'gre0', 'gretap0', 'ip6_vti0', 'ip6gre0', 'ip6tnl0', 'ip_vti0', 'sit0', 'tunl0'];

/** Metrics that autoscalers name. */
export const wantedMetrics: Readonly<Record<'none' | 'two' | 'ten', readonly string[]>> = {
  none: [],
  two: ['network_receive_bytes_per_second', 'network_transmit_bytes_per_second'],
  ten: [
    'network_receive_bytes_per_second',
    'network_transmit_bytes_per_second',
    'cpu_throttled_ratio',
    'cpu_limit_utilization',
    'memory_limit_utilization',
    'cpu_pressure_waiting_ratio',
    'memory_pressure_waiting_ratio',
    'memory_rss_bytes',
    'sockets',
    'fs_read_bytes_per_second',
  ],
};

/** Families of the quantities: their samples are the fakes', also where custom metrics need them (swap). */
const quantities: readonly string[] = requestedFamilies({ hasSwap: true, hasSettled: false });

const columns: WantedColumns = [...new Set(catalogue.flatMap((metric) => metric.columns))];

/** Reports whether custom metrics need the family beside those of the quantities. */
export function isCustom(family: string): boolean {
  return !quantities.includes(family) && columns.some((name) => columnOf(name).family === family);
}

/**
 * Returns the families with these names that only custom metrics need.
 * @param all the families of the fakes, from whose cgroups the samples are made.
 */
export function customFamilies(all: readonly Family[], asked: readonly string[]): Family[] {
  const rows = all.find(({ name }) => name === 'container_memory_working_set_bytes')?.samples ?? [];
  const sandboxes = all.find(({ name }) => name === 'container_network_receive_bytes_total')?.samples ?? [];
  const wanted = columns.filter((name) => asked.includes(columnOf(name).family) && isCustom(columnOf(name).family));
  return wanted.map((name) => familyOf(name, rows, sandboxes));
}

function familyOf(
  name: WantedColumns[number],
  rows: readonly FamilySample[],
  sandboxes: readonly FamilySample[],
): Family {
  const { family, of, kind, addedOver } = columnOf(name);
  const on = of === 'sandbox' ? sandboxes : rows;
  const parts =
    addedOver === 'interface'
      ? interfaces.map((each) => ({ interface: each }))
      : [addedOver === 'device' ? { device: '/dev/vda' } : {}];
  const samples = on.flatMap(({ labels, timestampMs, value }) =>
    parts.map((part, index) => ({
      labels: { ...labels, ...part },
      value:
        kind === 'constant'
          ? 100_000
          : index > 1
            ? 0
            : Math.trunc(value / 1_000) + Math.trunc((timestampMs ?? 0) / 1_000),
      ...(kind === 'constant' || timestampMs === undefined ? {} : { timestampMs }),
    })),
  );
  return { name: family, help: '', type: kind === 'counter' ? 'counter' : 'gauge', samples };
}
