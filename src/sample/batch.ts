/**
 * A scrape on its way to the store: what it tells of, which seldom changes, apart from the numbers, which always do. As long as the layout is the
 * same object as before, nothing on the node has come or gone, and whoever takes a batch has numbers to look at and nothing else.
 */
import type { Borrowed } from './borrowed.ts';
import type { ContainerPoint, NodePoints, PodBatch, Point, Source } from './point.ts';

/** Everything that one scrape of one node yielded; published whole, replaces the node's batch before it. */
export interface NodeBatch {
  readonly node: string;
  readonly source: Source;
  /** Whether the node has swap; undefined where this scrape cannot tell. */
  readonly hasSwap: boolean | undefined;
  readonly layout: Layout;
  /** A row for the machine, then one for each container in the order of the layout; see `column`. Valid until the node's next body is decoded. */
  readonly numbers: Borrowed<Float64Array<ArrayBuffer>>;
}

export interface Layout {
  /** Equal for equal layouts of one node and source only; see newLayoutVersion. */
  readonly version: number;
  readonly pods: readonly PodLayout[];
  /** Those of them that the API has not placed on the node; undefined where it was not asked, which is all of them. */
  readonly unverified?: ReadonlySet<PodLayout>;
}

export interface PodLayout extends Omit<PodBatch, 'containers'> {
  /** Of its first container; the others follow. */
  readonly firstRow: number;
  readonly containers: readonly Pick<ContainerPoint, 'name' | 'containerId'>[];
}

/** What stands where in a row; NaN is what is not known. A machine without a usable row has no timestamp. */
export const column = {
  timestampMs: 0,
  cpuSeconds: 1,
  memoryBytes: 2,
  swapBytes: 3,
  startTimeMs: 4,
  /** See Point; NaN where the time is what the sample said, or it said none. */
  toldMs: 5,
  /** 1 where the sample had no time. */
  isUntimed: 6,
} as const;

/** Numbers in a row. */
export const columns = 7;

/** Of the machine. */
export const machineRow = 0;

/**
 * Returns a version for a layout that differs from the previous one. It is random, with 52 bits: worker threads, and a worker that replaces one that crashed, need not
 * agree on a counter.
 */
export function newLayoutVersion(): number {
  return Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
}

/** @param like a layout that is kept if it tells of the same. */
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

export function toPoints({ node, source, hasSwap, layout, numbers }: NodeBatch): NodePoints {
  const pods = layout.pods.map((pod) => {
    const { namespace, name, uid } = pod;
    return { namespace, name, uid, containers: containerPoints(pod, numbers) };
  });
  return { node, source, hasSwap, machine: machinePoint(numbers), pods };
}

/** Rows up to the last one of the layout; those of pods that were left out of it are counted where others follow them. */
export function rowsOf({ pods }: Layout): number {
  const last = pods.at(-1);
  return last === undefined ? machineRow + 1 : last.firstRow + last.containers.length;
}

export function containersOf({ pods }: Layout): number {
  return pods.reduce((sum, { containers }) => sum + containers.length, 0);
}

/** Returns the time of the newest sample, as the kubelet wrote it; -Infinity where no sample has one. */
export function newestSampleMs(numbers: Float64Array): number {
  let newest = -Infinity;
  for (let at = 0; at < numbers.length; at += columns) {
    if (numbers[at + column.isUntimed] === 1) continue;
    const ms = known(numbers[at + column.toldMs]) ?? numbers[at + column.timestampMs]!;
    if (ms > newest) newest = ms;
  }
  return newest;
}

export function hasMachine(numbers: Float64Array): boolean {
  return !Number.isNaN(numbers[column.timestampMs]);
}

export function machinePoint(numbers: Float64Array): Point | undefined {
  return hasMachine(numbers) ? readPoint(numbers, machineRow) : undefined;
}

/** @param numbers of a batch with this pod in its layout. */
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

function readPoint(numbers: Float64Array, row: number): Point {
  const at = row * columns;
  const toldMs = known(numbers[at + column.toldMs]);
  return {
    timestampMs: numbers[at + column.timestampMs] ?? Number.NaN,
    ...(toldMs === undefined ? {} : { toldMs }),
    ...(numbers[at + column.isUntimed] === 1 ? { isUntimed: true } : {}),
    cpuSeconds: numbers[at + column.cpuSeconds] ?? Number.NaN,
    memoryBytes: numbers[at + column.memoryBytes] ?? Number.NaN,
    swapBytes: known(numbers[at + column.swapBytes]),
  };
}

function writePoint(numbers: Float64Array, row: number, point: Point | ContainerPoint | undefined): void {
  const at = row * columns;
  numbers[at + column.timestampMs] = point?.timestampMs ?? Number.NaN;
  numbers[at + column.cpuSeconds] = point?.cpuSeconds ?? Number.NaN;
  numbers[at + column.memoryBytes] = point?.memoryBytes ?? Number.NaN;
  numbers[at + column.swapBytes] = point?.swapBytes ?? Number.NaN;
  numbers[at + column.startTimeMs] =
    (point !== undefined && 'startTimeMs' in point ? point.startTimeMs : undefined) ?? Number.NaN;
  numbers[at + column.toldMs] = point?.toldMs ?? Number.NaN;
  numbers[at + column.isUntimed] = point?.isUntimed === true ? 1 : 0;
}

function known(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : value;
}
