/**
 * Makes one point of a container's lines in /metrics/resource: several if a pod's cgroup leaked and another pod has its
 * name.
 */
import { mayBeSameStart, startIdOf, unknownContainerId } from '../../sample/containerid.ts';
import type { ContainerPoint } from '../../sample/point.ts';
import { type Reading, Readings } from '../reading.ts';
import type { AnswerTime } from '../sampletime.ts';
import { isPlausible, startTimeMs, toContainerPoint } from '../usable.ts';
import { followLineages, keptLineages, type Lineage } from './lineage.ts';

/** Identifies a container from scrape to scrape. */
export interface ContainerIdentity {
  readonly container: string;
  /** In the previous body. */
  containerId: string | undefined;
  /** The last one reported; undefined if none was. */
  startSeconds: number | undefined;
}

interface ChosenLine {
  readonly point: ContainerPoint;
  /** Empty without several lines. */
  readonly followed: readonly Lineage[];
  readonly isOneOfSeveral: boolean;
}

/**
 * Returns a running container's point and lineages; updates the row's identity.
 * @param before lineages after the previous body.
 */
export function pointOfLines(
  row: ContainerIdentity,
  lines: readonly Readings[],
  time: AnswerTime,
  before: readonly Lineage[],
): ChosenLine {
  const isUnused = before.length === 0 && lines.every(({ cpu }) => !cpu.seen);
  const whole = lines.length === 1 || isUnused ? lines.slice(0, 1) : paired(lines);
  const [readings] = whole;
  if (before.length > 1 || whole.length > 1 || readings === undefined) return newestOf(row, whole, time, before);
  const containerId = identify(row, readings.start);
  const startedMs = row.startSeconds === undefined ? undefined : startTimeMs(row.startSeconds);
  const point = toContainerPoint({ name: row.container, containerId, startTimeMs: startedMs }, readings, time);
  return { point, followed: before, isOneOfSeveral: lines.length > 1 };
}

/** Keeps the previous ID if the start times may be of one container. */
function identify(row: ContainerIdentity, { value }: Reading): string {
  const started = startTimeMs(value) === undefined ? undefined : value;
  if (row.containerId === undefined || !mayBeSameStart(row.startSeconds, started)) row.containerId = startIdOf(started);
  row.startSeconds = started ?? row.startSeconds;
  return row.containerId;
}

/** If a line lacks CPU or memory, others have moved up; only their times show which belong together. */
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
 * Chooses the line that came last: the pod that has the name now. Its start time is unknown. While it is missing for
 * one scrape, or an impossible counter may be its own, it has no value, so that no other line replaces it.
 */
function newestOf(
  row: ContainerIdentity,
  lines: readonly Readings[],
  time: AnswerTime,
  before: readonly Lineage[],
): ChosenLine {
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
