/** One scrape on its way to the store. The layout seldom changes, so it is apart from the numbers. */
import type { Borrowed } from './borrowed.ts';
import type { ContainerPoint, NodePoints, PodBatch, Point, Source } from './point.ts';
import { type GaugeField, gauges } from './quantities.ts';

/** All samples of one scrape of one node. It replaces the node's previous batch. */
export interface NodeBatch {
  readonly node: string;
  readonly source: Source;
  /** Undefined if unknown. */
  readonly hasSwap: boolean | undefined;
  readonly layout: Layout;
  /** A row for the machine, then one per container; see `column`. Valid until the node's next body is decoded. */
  readonly numbers: Borrowed<Float64Array<ArrayBuffer>>;
}

export interface Layout {
  /** Layouts of one version are equal. */
  readonly version: number;
  readonly pods: readonly PodLayout[];
  /** Pods that the API has not placed on the node; undefined if it was not asked: then all. */
  readonly unverified?: ReadonlySet<PodLayout>;
}

export interface PodLayout extends Omit<PodBatch, 'containers'> {
  readonly firstRow: number;
  readonly containers: readonly Pick<ContainerPoint, 'name' | 'containerId'>[];
}

const fixedColumn = {
  timestampMs: 0,
  cpuSeconds: 1,
  memoryBytes: 2,
  startTimeMs: 3,
  /** See Point; NaN if it is the timestamp, or missing. */
  rawTimestampMs: 4,
  /** 1 if the sample had no time. */
  isUntimed: 5,
  firstGauge: 6,
} as const;

/** NaN is unknown; a machine without a usable sample has no timestamp. */
export const column = {
  ...fixedColumn,
  ...(Object.fromEntries(gauges.map(({ field }, gauge) => [field, fixedColumn.firstGauge + gauge])) as Record<
    GaugeField,
    number
  >),
};

/** Numbers in a row. */
export const columns: number = fixedColumn.firstGauge + gauges.length;

/** The row of the machine. */
export const machineRow = 0;

/** Returns 52 random bits: worker threads, also successive ones, need no common counter. */
export function newLayoutVersion(): number {
  return Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
}

/** Returns the points as a batch. @param like kept if equal. */
export function toBatch(points: NodePoints, like?: Layout): NodeBatch {
  const { node, source, hasSwap, machine, pods } = points;
  const layout = like !== undefined && isLaidOut(pods, like) ? like : layoutOf(pods);
  const numbers = new Float64Array(rowsOf(layout) * columns);
  writePoint(numbers, machineRow, machine);
  let row = machineRow + 1;
  for (const { containers } of pods) {
    for (const point of containers) {
      writePoint(numbers, row, point);
      row += 1;
    }
  }
  return { node, source, hasSwap, layout, numbers };
}

/** Returns the batch as points. */
export function toPoints({ node, source, hasSwap, layout, numbers }: NodeBatch): NodePoints {
  const pods = layout.pods.map((pod) => {
    const { namespace, name, uid } = pod;
    return { namespace, name, uid, containers: containerPoints(pod, numbers) };
  });
  return { node, source, hasSwap, machine: machinePoint(numbers), pods };
}

/** Returns the rows up to the layout's last, also of omitted pods. */
export function rowsOf({ pods }: Pick<Layout, 'pods'>): number {
  const last = pods.at(-1);
  return last === undefined ? machineRow + 1 : last.firstRow + last.containers.length;
}

/** Returns the number of containers. */
export function containersOf({ pods }: Layout): number {
  return pods.reduce((sum, { containers }) => sum + containers.length, 0);
}

/** Returns the newest time, as the kubelet wrote it; -Infinity without any. */
export function newestSampleMs(numbers: Float64Array): number {
  let newest = -Infinity;
  for (let at = 0; at < numbers.length; at += columns) {
    if (numbers[at + column.isUntimed] === 1) continue;
    const ms = known(numbers[at + column.rawTimestampMs]) ?? numbers[at + column.timestampMs]!;
    if (ms > newest) newest = ms;
  }
  return newest;
}

/** Reports whether the machine's sample is usable. */
export function hasMachine(numbers: Float64Array): boolean {
  return !Number.isNaN(numbers[column.timestampMs]);
}

/** Returns the machine's point; undefined if unusable. */
export function machinePoint(numbers: Float64Array): Point | undefined {
  return hasMachine(numbers) ? readPoint(numbers, machineRow) : undefined;
}

/** Returns a pod's points; the numbers are of a batch with this pod. */
export function containerPoints({ containers, firstRow }: PodLayout, numbers: Float64Array): ContainerPoint[] {
  return containers.map(({ name, containerId }, index) => {
    const row = firstRow + index;
    const startTimeMs = known(numbers[row * columns + column.startTimeMs]);
    return { name, containerId, startTimeMs, ...readPoint(numbers, row) };
  });
}

function layoutOf(pods: readonly PodBatch[]): Layout {
  let firstRow = machineRow + 1;
  return {
    version: newLayoutVersion(),
    pods: pods.map(({ namespace, name, uid, containers }) => {
      const pod = { namespace, name, uid, firstRow, containers: containers.map(identityOf) };
      firstRow += containers.length;
      return pod;
    }),
  };
}

function identityOf({ name, containerId }: ContainerPoint): PodLayout['containers'][number] {
  return { name, containerId };
}

function isLaidOut(pods: readonly PodBatch[], { pods: laidOut }: Layout): boolean {
  return (
    pods.length === laidOut.length &&
    pods.every((pod, index) => {
      const other = laidOut[index];
      return (
        other !== undefined &&
        pod.namespace === other.namespace &&
        pod.name === other.name &&
        pod.uid === other.uid &&
        pod.containers.length === other.containers.length &&
        pod.containers.every(
          ({ name, containerId }, at) =>
            name === other.containers[at]?.name && containerId === other.containers[at].containerId,
        )
      );
    })
  );
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function readPoint(numbers: Float64Array, row: number): Point {
  const at = row * columns;
  const rawTimestampMs = known(numbers[at + column.rawTimestampMs]);
  const point: Mutable<Point> = {
    timestampMs: numbers[at + column.timestampMs] ?? Number.NaN,
    ...(rawTimestampMs === undefined ? {} : { rawTimestampMs }),
    ...(numbers[at + column.isUntimed] === 1 ? { isUntimed: true } : {}),
    cpuSeconds: numbers[at + column.cpuSeconds] ?? Number.NaN,
    memoryBytes: numbers[at + column.memoryBytes] ?? Number.NaN,
  };
  for (const { field } of gauges) {
    const value = known(numbers[at + column[field]]);
    if (value !== undefined) point[field] = value;
  }
  return point;
}

function writePoint(numbers: Float64Array, row: number, point: Point | ContainerPoint | undefined): void {
  const at = row * columns;
  numbers[at + column.timestampMs] = point?.timestampMs ?? Number.NaN;
  numbers[at + column.cpuSeconds] = point?.cpuSeconds ?? Number.NaN;
  numbers[at + column.memoryBytes] = point?.memoryBytes ?? Number.NaN;
  numbers[at + column.startTimeMs] =
    (point !== undefined && 'startTimeMs' in point ? point.startTimeMs : undefined) ?? Number.NaN;
  numbers[at + column.rawTimestampMs] = point?.rawTimestampMs ?? Number.NaN;
  numbers[at + column.isUntimed] = point?.isUntimed === true ? 1 : 0;
  for (const { field } of gauges) numbers[at + column[field]] = point?.[field] ?? Number.NaN;
}

function known(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : value;
}
