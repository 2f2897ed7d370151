/** The registry of our own metrics, served at /metrics; every module adds its series to it. */
import { createRequire } from 'node:module';
import { type Metric, Registry } from 'prom-client';

export type { Registry } from 'prom-client';

/**
 * prom-client's process metrics that cost nothing between scrapes of /metrics. Omitted: the event loop's, whose monitor wakes the process all the time,
 * and garbage collection's, whose observer runs in each collection (together 5 % of the CPU of a small cluster), and active handles, which are among the
 * active resources.
 */
const processMetrics = [
  'processCpuTotal',
  'processStartTime',
  'osMemoryHeap',
  'processOpenFileDescriptors',
  'processMaxFileDescriptors',
  'processResources',
  'heapSizeAndUsed',
  'heapSpacesSizeAndUsed',
  'version',
];

const require = createRequire(import.meta.url);

/** Creates a registry with the process's series (process_*, nodejs_*). */
export function createRegistry(): Registry {
  const registry = new Registry();
  // prom-client's index adds all or none. Its version is pinned, and a moved file would fail here.
  for (const name of processMetrics) {
    const add = require(`prom-client/lib/metrics/${name}`) as (registry: Registry) => void;
    add(registry);
  }
  return registry;
}

export interface QuickHistogram {
  observe(value: number): void;
}

interface HistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds of the buckets, in order. */
  readonly buckets: readonly number[];
}

/** Creates a histogram without labels that is fast enough for 150,000 observations per request: 10 ns each, 300 ns with prom-client's. */
export function createQuickHistogram(registry: Registry, options: HistogramOptions): QuickHistogram {
  const series = createSeries(options, {});
  register(registry, options, () => series.values());
  return series;
}

/** A quick histogram with one label. The caller keeps the series of its label value. */
export interface LabelledHistogram {
  /** Returns the series of a label value; a new or removed one starts at 0. */
  of(value: string): QuickHistogram;
  remove(value: string): void;
  readonly size: number;
}

export function createLabelledHistogram(
  registry: Registry,
  { label, ...options }: HistogramOptions & { readonly label: string },
): LabelledHistogram {
  const all = new Map<string, Series>();
  register(registry, options, () => [...all.values()].flatMap((series) => series.values()));
  return {
    of(value) {
      const series = all.get(value) ?? createSeries(options, { [label]: value });
      all.set(value, series);
      return series;
    },
    remove: (value) => void all.delete(value),
    get size() {
      return all.size;
    },
  };
}

interface Series extends QuickHistogram {
  values(): { metricName: string; labels: Record<string, string | number>; value: number }[];
}

function createSeries({ name, buckets }: HistogramOptions, labels: Readonly<Record<string, string>>): Series {
  /** Observations in each bucket but not in the previous one; the last bucket is unbounded. */
  const counts = new Float64Array(buckets.length + 1);
  let sum = 0;
  return { observe, values };

  function observe(value: number): void {
    let low = 0;
    let high = buckets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= (buckets[middle] ?? Infinity)) high = middle;
      else low = middle + 1;
    }
    counts[low] = (counts[low] ?? 0) + 1;
    sum += value;
  }

  function values() {
    let total = 0;
    const cumulative = [...counts].map((count, index) => {
      total += count;
      return { metricName: `${name}_bucket`, labels: { le: buckets[index] ?? '+Inf', ...labels }, value: total };
    });
    return [
      ...cumulative,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: total },
    ];
  }
}

function register(registry: Registry, { name, help }: HistogramOptions, values: () => ReturnType<Series['values']>) {
  const about = { name, help, type: 'histogram', aggregator: 'sum' };
  const metric = { ...about, get: async () => ({ ...about, values: values() }) };
  // prom-client uses only these members of a metric, but has no type for them.
  registry.registerMetric(metric as unknown as Metric);
}
