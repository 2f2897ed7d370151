/** Keeps the last CPU usages of rows: those that were shown, and before them those of the server's history. */
import type { ClusterView, PointView } from '../view/types.ts';
import type { Row } from './rows.ts';

export interface Trends {
  /** Returns CPU in cores, oldest first. */
  of(row: Row): readonly number[];
  /** Takes the usages of rows. */
  add(rows: readonly Row[]): void;
  /** Reads the past of rows that are on the screen for the first time, and returns their number. Failures leave a trend short. */
  readPast(rows: readonly Row[]): Promise<number>;
}

interface Trend {
  points: { readonly timestampMs: number; readonly cpu: number }[];
  hasPast: boolean;
}

/** Points of a row; fifteen minutes at one a minute, and as many of now. */
const pointLimit = 30;
/** Rows that are kept. */
const rowLimit = 5_000;
const pastSeconds = 900;
/** Requests for one screen: a screen has some 50 rows. */
const readLimit = 60;
/** Requests at a time. */
const concurrency = 4;

export function createTrends(view: ClusterView): Trends {
  const trends = new Map<string, Trend>();
  return {
    of: (row) => trends.get(idOf(row))?.points.map(({ cpu }) => cpu) ?? [],
    add(rows) {
      for (const row of rows) {
        const point = pointOf(row);
        if (point !== undefined) append(trendOf(row), [point]);
      }
    },
    async readPast(rows) {
      const queue = rows.filter((row) => pointOf(row) !== undefined && !trendOf(row).hasPast).slice(0, readLimit);
      const worker = async (): Promise<void> => {
        for (let row = queue.shift(); row !== undefined; row = queue.shift()) await readOne(row);
      };
      const { length } = queue;
      await Promise.all(Array.from({ length: concurrency }, worker));
      return length;
    },
  };

  function trendOf(row: Row): Trend {
    const id = idOf(row);
    const known = trends.get(id) ?? { points: [], hasPast: false };
    // Those used for longest are dropped first.
    trends.delete(id);
    trends.set(id, known);
    const [oldest] = trends.keys();
    if (trends.size > rowLimit && oldest !== undefined) trends.delete(oldest);
    return known;
  }

  async function readOne(row: Row): Promise<void> {
    trendOf(row).hasPast = true;
    const lines = await pastOf(row).catch(() => new Map<string, readonly PointView[]>());
    const points = row.kind === 'pods' ? sumOf([...lines.values()]) : (lines.get(row.key) ?? []);
    prepend(trendOf(row), points);
  }

  function pastOf(row: Row): Promise<ReadonlyMap<string, readonly PointView[]>> {
    const range = { sinceSeconds: pastSeconds };
    if (row.kind === 'nodes') return view.nodeHistory({ ...range, name: row.node.name });
    if (row.kind === 'hpas') return Promise.resolve(new Map());
    return view.containerHistory({ ...range, namespace: row.pod.namespace, name: row.pod.name });
  }
}

function idOf(row: Row): string {
  return `${row.kind} ${row.key}`;
}

interface TrendPoint {
  readonly timestampMs: number;
  readonly cpu: number;
}

function pointOf(row: Row): TrendPoint | undefined {
  if (row.kind === 'hpas') return undefined;
  const of = row.kind === 'nodes' ? row.node : row.pod;
  const cpu =
    row.kind === 'nodes' ? row.node.cpu.used : row.kind === 'pods' ? row.pod.cpu.used : row.container.cpu.used;
  return of.timestampMs === undefined || cpu === undefined ? undefined : { timestampMs: of.timestampMs, cpu };
}

function append(trend: Trend, points: readonly TrendPoint[]): void {
  for (const point of points) {
    const last = trend.points.at(-1);
    if (last === undefined || point.timestampMs > last.timestampMs) trend.points.push(point);
  }
  trend.points = trend.points.slice(-pointLimit);
}

function prepend(trend: Trend, past: readonly { readonly timestampMs: number; readonly cpu?: number }[]): void {
  const [first] = trend.points;
  const before = past.flatMap(({ timestampMs, cpu }) =>
    cpu === undefined || (first !== undefined && timestampMs >= first.timestampMs) ? [] : [{ timestampMs, cpu }],
  );
  trend.points = [...before, ...trend.points].slice(-pointLimit);
}

/** Adds the containers of a pod, whose points are of the same moments. */
function sumOf(
  lines: readonly (readonly PointView[])[],
): readonly { readonly timestampMs: number; readonly cpu: number }[] {
  const sums = new Map<number, number>();
  for (const { timestampMs, cpu = 0 } of lines.flat()) sums.set(timestampMs, (sums.get(timestampMs) ?? 0) + cpu);
  return [...sums]
    .map(([timestampMs, cpu]) => ({ timestampMs, cpu }))
    .toSorted((a, b) => a.timestampMs - b.timestampMs);
}
