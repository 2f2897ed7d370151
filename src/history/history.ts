/**
 * Keeps one point a minute of each node and container for the last hour or so (`--history`), in memory. A deleted pod's
 * points are not served, since callers name existing pods, by UID.
 */
import type { Clock } from '../clock.ts';
import type { PodLayout } from '../sample/batch.ts';
import { isOtherNode, type PodUsage, type Source, type Usage } from '../sample/point.ts';
import type { CurrentSamples } from '../storage/currentsamples.ts';
import type { PodIdentity } from '../storage/podindex.ts';
import { NodeLines } from './nodelines.ts';
import type { Spacing } from './pointring.ts';
import type { PointOrigin, PointRange } from './points.ts';
import { type CheckedLines, checkSavedSlots, checkSavedLines, type SavedSlots } from './savedhistory.ts';

export interface HistoryOptions {
  readonly clock: Clock;
  /** Milliseconds that are kept. */
  readonly durationMs: number;
  /** Reports whether the API has the pod on the node. */
  readonly exists: (node: string, pod: PodLayout) => boolean;
  /** See minuteLines, the default. */
  readonly mostMinuteLines?: number;
}

/** A range of the newest points. */
export interface HistoryRange {
  readonly sinceSeconds: number;
  /** Seconds that have one point at most; undefined for all points. */
  readonly stepSeconds: number | undefined;
}

interface NodeIdentity {
  readonly name: string;
  readonly uid?: string | undefined;
}

export interface History {
  /** Adds a point where the node's last one is of an earlier minute. Called after each scrape. */
  scraped(node: string, source: Source, current: () => CurrentSamples | undefined): void;
  /** For a node that has left the cluster. */
  forget(node: string): void;
  /** Drops the node if it has another UID. */
  keepOnly(node: string, uid: string | undefined): void;
  /** Returns points, oldest first. */
  node(node: NodeIdentity, range: HistoryRange): readonly (Usage & PointOrigin)[];
  pod(pod: PodIdentity, range: HistoryRange): readonly (PodUsage & PointOrigin)[];
  /** Returns the number of points, for a tenth of their cost. */
  countNode(node: NodeIdentity, range: HistoryRange): number;
  countPod(pod: PodIdentity, range: HistoryRange): number;
  /**
   * Returns JSON values for the next process, each as it is when it is consumed. Beyond the limit the oldest points are
   * left out, of all nodes alike.
   */
  saved(limitBytes: number): Iterable<unknown>;
  /** Takes over what another process saved. @throws SavedHistoryError for what cannot be; then nothing is taken. */
  restore(lines: readonly unknown[]): void;
  /** Names of the nodes with points. */
  nodeNames(): Iterable<string>;
}

const minuteMs = 60_000;

/** Steps of the wall clock beyond which the history begins anew, in ms. Times are kept as their distance from a slot, up to nine hours; smaller steps leave no gap. */
const largeStepMs = 3_600_000;

const intervalsMs: readonly number[] = [minuteMs, 2 * minuteMs];

/** Around the nodes' lines of a snapshot. */
const headerBytes = 1_000;
/** Of a limit in bytes: sizes are estimated, and pods come while a snapshot is written. */
const usableShare = 0.95;

/** Containers and nodes beyond which there is a point in two minutes: an hour of them takes 50 MB. */
const minuteLines = 150_000;

export function createHistory({ clock, durationMs, exists, mostMinuteLines = minuteLines }: HistoryOptions): History {
  const nodes = new Map<string, NodeLines>();
  let lineCount = 0;
  const slotTime = createSlotTime(clock, () => {
    // A ring is written in the order of time.
    nodes.clear();
    lineCount = 0;
  });
  let spacing = spacingOf(minuteMs, durationMs);
  const linesOf = ({ name, uid }: NodeIdentity) =>
    isOtherNode(nodes.get(name)?.uid, uid) ? undefined : nodes.get(name);
  const podLines = ({ node }: PodIdentity) => (node === undefined ? undefined : nodes.get(node));
  const currentSlot = () => Math.floor(slotTime.ms() / spacing.intervalMs);
  const pointRange = (range: HistoryRange) => toPointRange(range, durationMs, clock.wallMs(), slotTime.ms());
  return {
    scraped,
    forget,
    keepOnly: (node, uid) => (isOtherNode(nodes.get(node)?.uid, uid) ? forget(node) : undefined),
    node: (node, range) => usagesOf(linesOf(node)?.machinePoints(pointRange(range)) ?? []),
    pod: (pod, range) => podLines(pod)?.podPoints(pod, pointRange(range)) ?? [],
    countNode: (node, range) => linesOf(node)?.countMachine(pointRange(range)) ?? 0,
    countPod: (pod, range) => podLines(pod)?.countPod(pod, pointRange(range)) ?? 0,
    *saved(limitBytes) {
      const { intervalMs } = spacing;
      yield* saveNodes(nodes, limitBytes, () => ({ slotsAheadMs: slotTime.ms() - clock.wallMs(), intervalMs }));
    },
    restore,
    nodeNames: () => nodes.keys(),
  };

  function restore([first, ...rest]: readonly unknown[]): void {
    if (first === undefined) return;
    const header = checkSavedSlots(first, largeStepMs, intervalsMs);
    const checked = checkNodes(rest, header, clock.wallMs());
    slotTime.resume(header.slotsAheadMs);
    spacing = spacingOf(header.intervalMs, durationMs);
    for (const each of checked) {
      const lines = NodeLines.restore(each, spacingOf(each.intervalMs, durationMs));
      forget(each.node);
      nodes.set(each.node, lines);
      lineCount += lines.lines;
    }
  }

  function scraped(name: string, source: Source, read: () => CurrentSamples | undefined): void {
    const known = nodes.get(name);
    known?.noteSource(source);
    if (known?.lastSlot === currentSlot()) return;
    const current = read();
    if (current === undefined) return;
    const lines = currentLines(name, current.uid);
    if (lines !== known) lines.noteSource(source);
    // The spacing may have changed.
    const slot = currentSlot();
    if (slot <= lines.lastSlot) return;
    lineCount += lines.add(current, slot, (pod) => exists(name, pod));
  }

  function forget(name: string): void {
    lineCount -= nodes.get(name)?.lines ?? 0;
    nodes.delete(name);
  }

  /** Returns the node's lines, in the spacing of now; new ones for another node of the name. */
  function currentLines(name: string, uid: string | undefined): NodeLines {
    // Once only, and not back: a cluster that is near the limit would lose points each time.
    if (spacing.intervalMs === minuteMs && lineCount > mostMinuteLines) {
      spacing = spacingOf(2 * minuteMs, durationMs);
    }
    let known = nodes.get(name);
    if (known === undefined || isOtherNode(known.uid, uid)) {
      forget(name);
      known = new NodeLines(uid, spacing);
      nodes.set(name, known);
      lineCount += known.lines;
    }
    known.uid ??= uid;
    return known.spacing.intervalMs === spacing.intervalMs ? known : known.double();
  }
}

/** Returns the machine's usages of points with one container. */
function usagesOf(points: readonly (PodUsage & PointOrigin)[]): readonly (Usage & PointOrigin)[] {
  return points.flatMap(({ source, containers: [usage] }) =>
    usage === undefined ? [] : [source === undefined ? usage : { ...usage, source }],
  );
}

function toPointRange(
  { sinceSeconds, stepSeconds }: HistoryRange,
  durationMs: number,
  wallMs: number,
  slotsMs: number,
): PointRange {
  const afterMs = wallMs - Math.min(sinceSeconds * 1000, durationMs);
  return {
    afterMs,
    slotsAheadMs: slotsMs - wallMs,
    stepMs: stepSeconds === undefined ? undefined : stepSeconds * 1000,
  };
}

function spacingOf(intervalMs: number, durationMs: number): Spacing {
  return { intervalMs, slots: Math.ceil(Math.ceil(durationMs / minuteMs) / (intervalMs / minuteMs)) };
}

function* saveNodes(nodes: ReadonlyMap<string, NodeLines>, limitBytes: number, header: () => SavedSlots): Generator {
  const sizes = Array.from(nodes, ([name, lines]) => lines.savedBytes(name));
  const fixed = sizes.reduce((sum, each) => sum + each.fixed, headerBytes);
  const perSlot = sizes.reduce((sum, each) => sum + each.perSlot, 0);
  const slots = Math.floor((usableShare * limitBytes - fixed) / perSlot);
  if (!(slots > 0)) return;
  yield header();
  for (const [name, lines] of nodes) {
    const line = lines.saved(name, slots);
    if (line !== undefined) yield line;
  }
}

/** @throws SavedHistoryError for a line that cannot be. */
function checkNodes(
  lines: readonly unknown[],
  { slotsAheadMs, intervalMs }: SavedSlots,
  wallMs: number,
): readonly CheckedLines[] {
  // A node may not have been scraped since the interval doubled.
  const intervals = intervalsMs.filter((each) => each <= intervalMs);
  return lines.map((line) => checkSavedLines(line, intervals, (each) => Math.floor((wallMs + slotsAheadMs) / each)));
}

interface SlotTime {
  /** Milliseconds since the epoch. */
  ms(): number;
  /** Goes on as the clock of another process. @param aheadMs how far that was ahead of the wall clock. */
  resume(aheadMs: number): void;
}

/** Creates a clock of slots. Only large steps of the wall clock move it: it was wrong before, or the machine was suspended. */
function createSlotTime(clock: Clock, onSetBack: () => void): SlotTime {
  let startMs = clock.wallMs() - clock.monotonicMs();
  return {
    ms() {
      const steppedMs = clock.wallMs() - clock.monotonicMs() - startMs;
      if (Math.abs(steppedMs) >= largeStepMs) startMs += steppedMs;
      if (steppedMs <= -largeStepMs) onSetBack();
      return startMs + clock.monotonicMs();
    },
    resume(aheadMs) {
      startMs = clock.wallMs() - clock.monotonicMs() + aheadMs;
    },
  };
}
