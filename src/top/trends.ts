/** Keeps the last usages of rows: those that were shown, and before them those of the server's history. */
import { neverAborted } from '../abort.ts';
import { mapLimited } from '../client/limited.ts';
import { isSetBack } from '../view/setback.ts';
import type { ResourceName } from '../view/resources.ts';
import type { ClusterView, ContainerView, PointView } from '../view/types.ts';
import { sparkline } from './format.ts';
import { hasUsage, type Row } from './rows.ts';

export interface Trends {
  /** Returns CPU in cores, memory in bytes, oldest first; undefined for a sum without a container of the pod: it would look like a fall. */
  of(row: Row, resource: ResourceName): readonly (number | undefined)[];
  /** Returns a function that draws them. */
  bars(isUnicode: boolean): (row: Row, resource: ResourceName) => string;
  /** Takes the usages of rows. */
  add(rows: readonly Row[]): void;
  /** Reads the past of rows that are on the screen for the first time, and returns their number. Failures leave a trend short. @param signal leaves the rest for another call. */
  readPast(rows: readonly Row[], signal?: AbortSignal): Promise<number>;
  /** Reads the past of any number of rows: of all nodes, or of whole namespaces. Failures leave trends short. @param labelSelector of the pods. */
  readWholePast(rows: readonly Row[], labelSelector: string | undefined): Promise<void>;
}

interface Trend {
  points: readonly TrendPoint[];
  hasPast: boolean;
}

/** Points of a row, one a minute: that of the current minute is the last one read. */
const pointLimit = 15;
const minuteMs = 60_000;
/** Rows that are kept, unless one look has more: those are limited by what is read of a list. */
const rowLimit = 5_000;
const pastSeconds = (pointLimit * minuteMs) / 1000;
/** Requests for one screen: a screen has some 50 rows. */
const readLimit = 60;
/** Requests at a time. */
const concurrency = 4;

export function createTrends(view: ClusterView): Trends {
  const trends = new Map<string, Trend>();
  let mostRows = rowLimit;
  return {
    of,
    bars: (isUnicode) => (row, resource) => sparkline(of(row, resource), pointLimit, isUnicode),
    add(rows) {
      mostRows = Math.max(rowLimit, rows.length);
      for (const row of rows) {
        const point = pointOf(row);
        if (point !== undefined) append(trendOf(row), point);
      }
    },
    async readPast(rows, signal = neverAborted) {
      const unread = rows.filter((row) => pointOf(row) !== undefined && !trendOf(row).hasPast).slice(0, readLimit);
      await mapLimited(unread, concurrency, signal, readOne);
      return unread.length;
    },
    async readWholePast(rows, labelSelector) {
      const measured = rows.filter((row) => pointOf(row) !== undefined);
      for (const row of measured) trendOf(row).hasPast = true;
      if (measured.some(({ kind }) => kind === 'nodes')) await takePast(measured, view.nodeHistory(range));
      const selection = labelSelector === undefined ? {} : { labelSelector };
      const groups = Map.groupBy(measured, (row) => ('pod' in row ? row.pod.namespace : undefined));
      // No more namespaces than rows, which are limited by what is read of a list.
      await mapLimited([...groups], concurrency, neverAborted, async ([namespace, group]) => {
        if (namespace === undefined) return;
        await takePast(group, view.containerHistory({ ...range, ...selection, namespace }));
      });
    },
  };

  function of(row: Row, resource: ResourceName): readonly (number | undefined)[] {
    const points = trends.get(idOf(row))?.points ?? [];
    const isPartial = partialIn(points, row);
    return points.flatMap((point) => (isPartial(point) ? [undefined] : (point[resource] ?? [])));
  }

  function trendOf(row: Row): Trend {
    const id = idOf(row);
    const known = trends.get(id) ?? { points: [], hasPast: false };
    // Those unused for longest are dropped first.
    trends.delete(id);
    trends.set(id, known);
    const [oldest] = trends.keys();
    if (trends.size > mostRows && oldest !== undefined) trends.delete(oldest);
    return known;
  }

  async function readOne(row: Row): Promise<void> {
    trendOf(row).hasPast = true;
    await takePast([row], pastOf(row));
  }

  async function takePast(rows: readonly Row[], reading: Promise<Lines>): Promise<void> {
    const lines = await reading.catch((): Lines => new Map());
    for (const row of rows) prepend(trendOf(row), pastIn(lines, row));
  }

  function pastOf(row: Row): Promise<Lines> {
    if (row.kind === 'nodes') return view.nodeHistory({ ...range, name: row.node.name });
    if (row.kind === 'hpas') return Promise.resolve(new Map());
    return view.containerHistory({ ...range, namespace: row.pod.namespace, name: row.pod.name });
  }
}

const range = { sinceSeconds: pastSeconds };

/** By node, by `namespace/pod/container`, or by container. */
type Lines = ReadonlyMap<string, readonly PointView[]>;

function pastIn(lines: Lines, row: Row): readonly PastPoint[] {
  if (row.kind !== 'pods') return lines.get(row.key) ?? [];
  return sumOf(new Map(row.pod.containers.map(({ name }) => [name, lines.get(`${row.key}/${name}`) ?? []])));
}

/** An object that is created again under its name has a trend of its own. */
function idOf(row: Row): string {
  const uid = row.kind === 'hpas' ? '' : row.kind === 'nodes' ? row.node.uid : row.pod.uid;
  return `${row.kind} ${row.key} ${uid ?? ''}`;
}

interface PastPoint {
  readonly timestampMs: number;
  readonly cpu?: number;
  readonly memory?: number;
  /** Containers that it is the sum of; undefined if the pod has one only, and for other rows. */
  readonly containers?: readonly string[];
}

interface TrendPoint extends PastPoint {
  readonly cpu: number;
}

function pointOf(row: Row): TrendPoint | undefined {
  if (row.kind === 'hpas') return undefined;
  const { timestampMs } = row.kind === 'nodes' ? row.node : row.pod;
  const { cpu, memory } = row.kind === 'nodes' ? row.node : row.kind === 'pods' ? row.pod : row.container;
  if (timestampMs === undefined || cpu.used === undefined) return undefined;
  return {
    timestampMs,
    cpu: cpu.used,
    ...(memory.used === undefined ? {} : { memory: memory.used }),
    ...(row.kind === 'pods' && row.pod.containers.length > 1
      ? { containers: row.pod.containers.filter(hasUsage).map(({ name }) => name) }
      : {}),
  };
}

/** Returns a function that reports whether a point lacks a container that other points have and that goes on. */
function partialIn(points: readonly TrendPoint[], row: Row): (point: TrendPoint) => boolean {
  if (row.kind !== 'pods') return () => false;
  const measured = new Set(points.flatMap(({ containers = [] }) => containers));
  const needed = row.pod.containers.filter((each) => measured.has(each.name) && goesOn(each));
  return ({ containers }) => containers !== undefined && needed.some(({ name }) => !containers.includes(name));
}

/** Debuggers come and go, and containers that ended well stay away: without them the sum is true. */
function goesOn({ kind, state, reason = 'Completed' }: ContainerView): boolean {
  return kind !== 'ephemeral' && (state !== 'terminated' || reason !== 'Completed');
}

/** Leaves out a point that is not newer. After the clock was set back, points of before give way to it. */
function append(trend: Trend, point: TrendPoint): void {
  const latestMs = trend.points.at(-1)?.timestampMs ?? Number.NEGATIVE_INFINITY;
  if (point.timestampMs <= latestMs && !isSetBack(point.timestampMs, latestMs)) return;
  trend.points = lastMinutes([...trend.points.filter(({ timestampMs }) => timestampMs < point.timestampMs), point]);
}

/** Returns the last point of each minute of those before the newest point, oldest first. */
function lastMinutes(points: readonly TrendPoint[]): readonly TrendPoint[] {
  const minuteOf = ({ timestampMs }: TrendPoint) => Math.floor(timestampMs / minuteMs);
  const minutes = new Map(points.map((point) => [minuteOf(point), point]));
  const newest = points.at(-1);
  const oldest = newest === undefined ? 0 : minuteOf(newest) - pointLimit;
  return [...minutes].flatMap(([minute, point]) => (minute > oldest ? [point] : []));
}

function prepend(trend: Trend, past: readonly PastPoint[]): void {
  const [first] = trend.points;
  const before = past.flatMap(({ cpu, ...point }) =>
    cpu === undefined || (first !== undefined && point.timestampMs >= first.timestampMs) ? [] : [{ ...point, cpu }],
  );
  trend.points = lastMinutes([...before, ...trend.points]);
}

/** Adds the containers of a pod, whose points are of the same moments. @param lines by container. */
function sumOf(lines: Lines): readonly PastPoint[] {
  const sums = new Map<number, PastPoint>();
  for (const [name, line] of lines)
    for (const { timestampMs, cpu = 0, memory = 0 } of line) {
      const sum = sums.get(timestampMs);
      sums.set(timestampMs, {
        timestampMs,
        cpu: cpu + (sum?.cpu ?? 0),
        memory: memory + (sum?.memory ?? 0),
        ...(lines.size > 1 ? { containers: [...(sum?.containers ?? []), name] } : {}),
      });
    }
  return [...sums.values()].toSorted((a, b) => a.timestampMs - b.timestampMs);
}
