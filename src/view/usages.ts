/** Reads usages from metrics.k8s.io: only those between the first and the last object of a page, where the server has pages. */
import { encodeContinue } from '../apimachinery/continuetoken.ts';
import { parseDuration } from '../apimachinery/duration.ts';
import { parseQuantity } from '../apimachinery/quantity.ts';
import { field, items, text } from '../client/json.ts';
import type { Clock } from '../clock.ts';
import { parseTimeMs } from '../doctor/times.ts';
import { nodeMetrics, podMetrics } from './paths.ts';
import type { ReadQuery, Reads } from './reads.ts';
import { type Amounts, amountsOf } from './resources.ts';
import type { PointView } from './types.ts';

export interface MeasuredUsage extends Amounts {
  readonly namespace: string;
  readonly name: string;
  readonly timestampMs: number | undefined;
  readonly windowSeconds: number | undefined;
  readonly swapBytes: number | undefined;
  /** Of pods, by name. */
  readonly containers: ReadonlyMap<string, Amounts>;
}

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** By `namespace/name`. */
export type PodUsages = ReadonlyMap<string, MeasuredUsage>;

/** Usages a page. */
const pageSize = 500;
/** Milliseconds for which the answer of a server without pages is used for the next page of pods. */
const wholeMs = 10_000;

export function parseUsage(object: unknown): MeasuredUsage {
  const metadata = field(object, 'metadata');
  const usage = field(object, 'usage');
  const containers = items(field(object, 'containers')).map((container): [string, Amounts] => [
    text(field(container, 'name')) ?? '',
    amountsOf(field(container, 'usage')),
  ]);
  const windowMs = parseDuration(text(field(object, 'window')) ?? '');
  return {
    namespace: text(field(metadata, 'namespace')) ?? '',
    name: text(field(metadata, 'name')) ?? '',
    timestampMs: parseTimeMs(field(object, 'timestamp')),
    windowSeconds: windowMs === undefined ? undefined : windowMs / 1000,
    ...(usage === undefined ? sumOf(containers) : amountsOf(usage)),
    swapBytes: parseQuantity(text(field(usage, 'swap')) ?? ''),
    containers: new Map(containers),
  };
}

function sumOf(containers: readonly (readonly [string, Amounts])[]): Amounts {
  const sum = (resource: keyof Amounts) =>
    containers.length === 0
      ? undefined
      : containers.reduce((total, [, numbers]) => total + (numbers[resource] ?? 0), 0);
  return { cpu: sum('cpu'), memory: sum('memory') };
}

/** Returns the point of a usage, or of a container of it; undefined without a time. */
export function pointOf(
  {
    timestampMs,
    windowSeconds = 0,
  }: { readonly timestampMs?: number | undefined; readonly windowSeconds?: number | undefined },
  { cpu, memory }: Amounts,
): PointView | undefined {
  if (timestampMs === undefined) return undefined;
  // Not by `defined`: a history has 500,000 of them.
  return {
    timestampMs,
    windowSeconds,
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
  };
}

export interface MetricsReader {
  /** By node name. @throws ViewError. */
  nodes(): Promise<ReadonlyMap<string, MeasuredUsage>>;
  /** @param pods of which usages are wanted, as kube-apiserver lists them; more may be answered. @throws ViewError. */
  pods(
    pods: readonly ObjectName[],
    namespace: string | undefined,
    labelSelector: string | undefined,
  ): Promise<PodUsages>;
  /** Returns all usages. @throws ViewError. */
  allPods(namespace: string | undefined, labelSelector: string | undefined): Promise<PodUsages>;
}

export function createMetricsReader(reads: Reads, clock: Clock): MetricsReader {
  let whole: { readonly scope: string; readonly atMs: number; readonly usages: PodUsages } | undefined;
  return {
    async nodes() {
      const usages = new Map<string, MeasuredUsage>();
      for await (const page of reads.pages(nodeMetrics.what, nodeMetrics.path, pageSize)) {
        for (const usage of page.map(parseUsage)) usages.set(usage.name, usage);
      }
      return usages;
    },
    async pods(pods, namespace, labelSelector) {
      const found = new Map<string, MeasuredUsage>();
      for (const [first, last] of rangesOf(pods)) {
        for (const [key, usage] of await range(namespace, labelSelector, first, last)) found.set(key, usage);
      }
      return found;
    },
    allPods: (namespace, labelSelector) => range(namespace, labelSelector),
  };

  async function range(
    namespace: string | undefined,
    labelSelector: string | undefined,
    first?: ObjectName,
    last?: ObjectName,
  ): Promise<PodUsages> {
    const scope = JSON.stringify([namespace, labelSelector]);
    if (whole?.scope === scope && clock.monotonicMs() - whole.atMs < wholeMs) return whole.usages;
    const { path, what } = podMetrics(namespace);
    const usages = new Map<string, MeasuredUsage>();
    const query: ReadQuery = {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(first === undefined ? {} : { continue: tokenBefore(first) }),
    };
    for await (const page of reads.pages(what, path, pageSize, query)) {
      const found = page.map(parseUsage);
      for (const usage of found) usages.set(`${usage.namespace}/${usage.name}`, usage);
      // metrics-server has no pages: it answers with all.
      if (found.length > pageSize) whole = { scope, atMs: clock.monotonicMs(), usages };
      const end = found.at(-1);
      if (last !== undefined && end !== undefined && byKey(end, last) >= 0) break;
    }
    return usages;
  }
}

/** Returns the token of the page that begins at an object or little before it. Only kubegauge reads it; metrics-server ignores it. */
function tokenBefore({ namespace, name }: ObjectName): string {
  return encodeContinue({ namespace, name: name.length > 1 ? name.slice(0, -1) : '-' });
}

/** More are not worth a request each. */
const rangeLimit = 4;

/**
 * Returns the first and the last object of each range to read. kube-apiserver lists namespace `a-b` before `a`, since it sorts keys such as `a/pod`;
 * usages are sorted by namespace. One range from `a` to `a-b` would be all of both, and of what is between.
 */
function rangesOf(objects: readonly ObjectName[]): readonly (readonly [ObjectName, ObjectName])[] {
  const ranges: [ObjectName, ObjectName][] = [];
  for (const object of objects) {
    const current = ranges.at(-1);
    if (current !== undefined && byKey(current[1], object) <= 0) current[1] = object;
    else ranges.push([object, object]);
  }
  if (ranges.length <= rangeLimit) return ranges;
  const sorted = ranges.flat().toSorted(byKey);
  const [first] = sorted;
  const last = sorted.at(-1);
  return first === undefined || last === undefined ? [] : [[first, last]];
}

function byKey(a: ObjectName, b: ObjectName): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name === b.name ? 0 : a.name < b.name ? -1 : 1;
}
