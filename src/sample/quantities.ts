/**
 * The scraped quantities: families, `name[]` parameters, columns, the snapshot's version and `usage` keys follow from
 * it. To add a gauge: a row here, its key in `api/usage.ts`, a test.
 */

interface Quantity {
  /** In points and usages; ends in the unit. */
  readonly field: string;
  readonly unit: 'seconds' | 'bytes';
  /** Counters are served as rates, gauges as they are, constants (changed by a restart only) not. */
  readonly kind: 'counter' | 'gauge' | 'constant';
  readonly cadvisor: string;
  readonly resource: { readonly container: string | undefined; readonly node: string | undefined };
  /**
   * When kubelets that filter by `name[]` are asked for the family: each per-cgroup one is about a third of the
   * response. A node settles once some scrapes have had the same containers.
   */
  readonly requested: 'always' | 'on nodes with swap' | 'until the node has settled';
  /** Samples without it are whole. */
  readonly isOptional: boolean;
}

/** Quantities with rules: rates, restarts, usable samples. Another counter needs a base and a rate in `storage/`. */
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

/** Literals for hot loops; quantities.test.ts compares them with the table. */
export const scrapedColumn = { cpu: 0, memory: 1, start: 2, firstGauge: Object.keys(core).length } as const;

/** The optional gauges in the order of their columns. */
export const gauges: readonly Gauge[] = Object.values(optional);

/** Changes with what a stored sample holds. */
export const storedFields: string = quantities.map(({ field }) => field).join(' ');

/** Reports whether a node serves a gauge: kubelets report 0 swap where there is none. */
export function isServed({ requested }: Pick<Quantity, 'requested'>, hasSwap: boolean): boolean {
  return requested !== 'on nodes with swap' || hasSwap;
}

/**
 * Reports whether a family is requested now.
 * @param hasSettled whether the last scrapes had the same containers.
 */
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
