/**
 * Makes one point of the lines that /metrics/resource has of one container: nearly always one, and several with equal labels where a pod's cgroup could not be
 * removed and another pod has its name.
 */
import { mayBeSameStart, startIdOf, unknownContainerId } from '../../sample/containerid.ts';
import { type ContainerPoint } from '../../sample/point.ts';
import { followLineages, keptLineages, type Lineage } from './lineage.ts';
import { type Reading, Readings } from '../reading.ts';
import type { AnswerTime } from '../sampletime.ts';
import { isPlausible, startTimeMs, toContainerPoint } from '../usable.ts';

/** By what a container is known from answer to answer. */
export interface Identified {
  readonly container: string;
  /** In the last answer. */
  containerId: string | undefined;
  /** Its start time as it was last told, in seconds; undefined where it was not. */
  startSeconds: number | undefined;
}

/** What is chosen of one container's lines. */
interface Chosen {
  readonly point: ContainerPoint;
  /** Of a container that has had several lines. */
  readonly followed: readonly Lineage[];
  readonly isOneOfSeveral: boolean;
}

/**
 * Returns the point of a container that runs, and its lineages.
 * @param row keeps what the container is known by.
 * @param before its lineages after the answer before.
 */
export function pointOfLines(
  row: Identified,
  lines: readonly Readings[],
  time: AnswerTime,
  before: readonly Lineage[],
): Chosen {
  const isUnused = before.length === 0 && lines.every(({ cpu }) => !cpu.seen);
  const whole = lines.length === 1 || isUnused ? lines.slice(0, 1) : paired(lines);
  const [readings] = whole;
  if (before.length > 1 || whole.length > 1 || readings === undefined) return newestOf(row, whole, time, before);
  const containerId = identify(row, readings.start);
  const started = row.startSeconds === undefined ? undefined : startTimeMs(row.startSeconds);
  const point = toContainerPoint({ name: row.container, containerId, startTimeMs: started }, readings, time);
  return { point, followed: before, isOneOfSeveral: lines.length > 1 };
}

/** Returns the container's ID. Keeps the previous one if the start times may be of one container. */
function identify(row: Identified, { value }: Reading): string {
  const started = startTimeMs(value) === undefined ? undefined : value;
  if (row.containerId === undefined || !mayBeSameStart(row.startSeconds, started)) row.containerId = startIdOf(started);
  row.startSeconds = started ?? row.startSeconds;
  return row.containerId;
}

/**
 * Returns the lines that have both, CPU and memory: of a container that runs. Where one of them is away, the others have moved up, so that they belong together by
 * their times only.
 */
function paired(lines: readonly Readings[]): readonly Readings[] {
  if (lines.every(({ cpu, memory }) => cpu.seen === memory.seen)) return lines.filter(({ cpu }) => cpu.seen);
  const cpus = lines.filter(({ cpu }) => cpu.seen);
  return lines.flatMap((line) => {
    const { memory } = line;
    if (!memory.seen) return [];
    if (line.cpu.seen && line.cpu.timestampMs === memory.timestampMs) return [line];
    const same = cpus.filter(({ cpu }) => cpu.timestampMs === memory.timestampMs);
    return same.length === 1 ? [new Readings(same[0]!.cpu, memory)] : [];
  });
}

/**
 * The line that came last is of the pod that has the name now. Which line the start time belongs to is unknown. Where it is away for one scrape, the
 * container is there without a value; likewise for as long as a counter that cannot be may be its own, so that no other line stands in for it.
 */
function newestOf(row: Identified, lines: readonly Readings[], time: AnswerTime, before: readonly Lineage[]): Chosen {
  const counting = lines.filter(({ cpu }) => isPlausible(cpu.value));
  const here = followLineages(
    before,
    counting.map(({ cpu }) => cpu.value),
  );
  const last = Math.max(-1, ...before.map((lineage) => lineage.generation));
  const mayBeOdd = counting.length < lines.length && here.every(({ generation }) => generation < last);
  const followed = mayBeOdd ? before : keptLineages(before, here);
  const generation = Math.max(-1, ...followed.map((lineage) => lineage.generation));
  const line = counting[here.findIndex((lineage) => lineage.generation === generation)] ?? new Readings();
  row.containerId = generation === -1 ? unknownContainerId : `line:${generation}`;
  row.startSeconds = undefined;
  const { container: name, containerId } = row;
  const point = toContainerPoint({ name, containerId, startTimeMs: undefined }, line, time);
  return { point, followed, isOneOfSeveral: true };
}
