/**
 * The table of scraped quantities. Families, `name[]` parameters, row widths, columns of batch and store, readings, the snapshot's version and the keys of
 * `usage` follow from it. To add a gauge that is stored and served: a row here, its key in `api/usage.ts`, a test.
 */

/** One quantity that is scraped of each container, and of the machine. */
interface Quantity {
  /** Its field in points and usages; ends in the unit. */
  readonly field: string;
  /** Of the scraped value. */
  readonly unit: 'seconds' | 'bytes';
  /** A counter is served as a rate, a gauge as it is. A constant is not served; it changes with a restart only. */
  readonly kind: 'counter' | 'gauge' | 'constant';
  /** Family of /metrics/cadvisor. */
  readonly cadvisor: string;
  /** Families of /metrics/resource; undefined where it has none. */
  readonly resource: { readonly container: string | undefined; readonly node: string | undefined };
  /**
   * When its family is requested of kubelets that filter by `name[]`: each per-cgroup family is about a third of the response. A node settles once some scrapes have
   * had the same containers.
   */
  readonly requested: 'always' | 'on nodes with swap' | 'until the node has settled';
  /** A sample without an optional quantity is whole; its point lacks the field. */
  readonly isOptional: boolean;
}

/** The quantities that rules are about: rates, restarts and usable samples. Another counter needs a base and a rate of its own in `storage/`. */
const core = {
  cpu: {
    field: 'cpuSeconds',
    unit: 'seconds',
    kind: 'counter',
    cadvisor: 'container_cpu_usage_seconds_total',
    resource: { container: 'container_cpu_usage_seconds_total', node: 'node_cpu_usage_seconds_total' },
    requested: 'always',
    isOptional: false,
  },
  memory: {
    field: 'memoryBytes',
    unit: 'bytes',
    kind: 'gauge',
    cadvisor: 'container_memory_working_set_bytes',
    resource: { container: 'container_memory_working_set_bytes', node: 'node_memory_working_set_bytes' },
    requested: 'always',
    isOptional: false,
  },
  start: {
    field: 'startTimeMs',
    unit: 'seconds',
    kind: 'constant',
    cadvisor: 'container_start_time_seconds',
    resource: { container: 'container_start_time_seconds', node: undefined },
    requested: 'until the node has settled',
    isOptional: true,
  },
} as const satisfies Readonly<Record<string, Quantity>>;

/** An optional gauge in bytes: no rule is about it, so a row is all that it needs. */
type OptionalGauge = Quantity & {
  readonly unit: 'bytes';
  readonly kind: 'gauge';
  readonly requested: 'always' | 'on nodes with swap';
  readonly isOptional: true;
};

const optional = {
  swap: {
    field: 'swapBytes',
    unit: 'bytes',
    kind: 'gauge',
    cadvisor: 'container_memory_swap',
    resource: { container: 'container_swap_usage_bytes', node: 'node_swap_usage_bytes' },
    requested: 'on nodes with swap',
    isOptional: true,
  },
} as const satisfies Readonly<Record<string, OptionalGauge>>;

export type GaugeName = keyof typeof optional;
export type GaugeField = (typeof optional)[GaugeName]['field'];

export type Gauge = OptionalGauge & { readonly field: GaugeField };

/** Values of optional gauges; a field is missing where a sample has no value that can be true. */
export type Gauges = { readonly [field in GaugeField]?: number | undefined };

/** All quantities by name, those of `core` first. */
export const quantity = { ...core, ...optional };

/** All quantities in the order of their columns. */
export const quantities: readonly Quantity[] = Object.values(quantity);

/**
 * Columns of the core quantities in a row of scraped numbers; the optional gauges follow from `firstGauge` on. Literals, since hot loops
 * use them; quantities.test.ts compares them with the table.
 */
export const scrapedColumn = { cpu: 0, memory: 1, start: 2, firstGauge: Object.keys(core).length } as const;

/** The optional gauges in the order of their columns. */
export const gauges: readonly Gauge[] = Object.values(optional);

/** Changes with what a stored sample holds. */
export const storedFields: string = quantities.map(({ field }) => field).join(' ');

/** Reports whether a node serves a gauge: kubelets report 0 swap where there is none. */
export function isServed({ requested }: Pick<Quantity, 'requested'>, hasSwap: boolean): boolean {
  return requested !== 'on nodes with swap' || hasSwap;
}

/** Reports whether a quantity's family is requested now. @param hasSettled whether the node's last scrapes had the same containers. */
export function isRequested(
  { requested }: Quantity,
  node: { readonly hasSwap: boolean; readonly hasSettled: boolean },
): boolean {
  switch (requested) {
    case 'always':
      return true;
    case 'on nodes with swap':
      return node.hasSwap;
    case 'until the node has settled':
      return !node.hasSettled;
  }
}
