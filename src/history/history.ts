/**
 * Keeps one point a minute of each node and container for the last hour or so (`--history`), in memory. A deleted pod's
 * points are not served, since callers name existing pods, by UID.
 */
import type { Clock } from '../clock.ts';
import type { PodLayout } from '../sample/batch.ts';
import { isOtherNode, type PodUsage, type Usage } from '../sample/point.ts';
import type { CurrentSamples } from '../storage/currentsamples.ts';
import type { PodIdentity } from '../storage/podindex.ts';
import { NodeLines } from './nodelines.ts';
import type { Spacing } from './pointring.ts';
import type { PointRange } from './points.ts';

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
  scraped(node: string, current: () => CurrentSamples | undefined): void;
  /** For a node that has left the cluster. */
  forget(node: string): void;
  /** Drops the node if it has another UID. */
  keepOnly(node: string, uid: string | undefined): void;
  /** Returns points, oldest first. */
  node(node: NodeIdentity, range: HistoryRange): readonly Usage[];
  pod(pod: PodIdentity, range: HistoryRange): readonly PodUsage[];
  /** Returns the number of points, for a tenth of their cost. */
  countNode(node: NodeIdentity, range: HistoryRange): number;
  countPod(pod: PodIdentity, range: HistoryRange): number;
}

const minuteMs = 60_000;

/** Steps of the wall clock beyond which the history begins anew, in ms. Times are kept as their distance from a slot, up to nine hours; smaller steps leave no gap. */
const largeStepMs = 3_600_000;

/** Containers and nodes beyond which there is a point in two minutes: an hour of them takes 50 MB. */
const minuteLines = 150_000;

export function createHistory({ clock, durationMs, exists, mostMinuteLines = minuteLines }: HistoryOptions): History {
  const nodes = new Map<string, NodeLines>();
  let lineCount = 0;
  const slotTimeMs = createSlotTime(clock, () => {
    // A ring is written in the order of time.
    nodes.clear();
    lineCount = 0;
  });
  let spacing: Spacing = { intervalMs: minuteMs, slots: Math.ceil(durationMs / minuteMs) };
  return {
    scraped,
    forget,
    keepOnly(node, uid) {
      if (isOtherNode(nodes.get(node)?.uid, uid)) forget(node);
    },
    node: (node, range) => {
      const points = linesOf(node)?.machinePoints(pointRange(range)) ?? [];
      return points.flatMap(({ containers: [usage] }) => (usage === undefined ? [] : [usage]));
    },
    pod: (pod, range) => podLines(pod)?.podPoints(pod, pointRange(range)) ?? [],
    countNode: (node, range) => linesOf(node)?.countMachine(pointRange(range)) ?? 0,
    countPod: (pod, range) => podLines(pod)?.countPod(pod, pointRange(range)) ?? 0,
  };

  function scraped(name: string, read: () => CurrentSamples | undefined): void {
    if (nodes.get(name)?.lastSlot === currentSlot()) return;
    const current = read();
    if (current === undefined) return;
    const lines = currentLines(name, current.uid);
    // The spacing may have changed.
    const slot = currentSlot();
    if (slot <= lines.lastSlot) return;
    lineCount -= lines.lines;
    lines.add(current, slot, (pod) => exists(name, pod));
    lineCount += lines.lines;
  }

  function currentSlot(): number {
    return Math.floor(slotTimeMs() / spacing.intervalMs);
  }

  function forget(name: string): void {
    lineCount -= nodes.get(name)?.lines ?? 0;
    nodes.delete(name);
  }

  /** Returns the node's lines, in the spacing of now; new ones for another node of the name. */
  function currentLines(name: string, uid: string | undefined): NodeLines {
    // Once only, and not back: a cluster that is near the limit would lose points each time.
    if (spacing.intervalMs === minuteMs && lineCount > mostMinuteLines) {
      spacing = { intervalMs: 2 * minuteMs, slots: Math.ceil(spacing.slots / 2) };
    }
    let known = nodes.get(name);
    if (known === undefined || isOtherNode(known.uid, uid)) {
      forget(name);
      known = new NodeLines(uid, spacing);
      nodes.set(name, known);
      lineCount += known.lines;
    }
    known.uid ??= uid;
    if (known.spacing.intervalMs !== spacing.intervalMs) known.double();
    return known;
  }

  function linesOf({ name, uid }: NodeIdentity): NodeLines | undefined {
    const lines = nodes.get(name);
    return isOtherNode(lines?.uid, uid) ? undefined : lines;
  }

  function podLines({ node }: PodIdentity): NodeLines | undefined {
    return node === undefined ? undefined : nodes.get(node);
  }

  function pointRange({ sinceSeconds, stepSeconds }: HistoryRange): PointRange {
    const afterMs = clock.wallMs() - Math.min(sinceSeconds * 1000, durationMs);
    return { afterMs, stepMs: stepSeconds === undefined ? undefined : stepSeconds * 1000 };
  }
}

/** Returns a clock of slots. Only large steps of the wall clock move it: it was wrong before, or the machine was suspended. */
function createSlotTime(clock: Clock, onSetBack: () => void): () => number {
  let startMs = clock.wallMs() - clock.monotonicMs();
  return () => {
    const steppedMs = clock.wallMs() - clock.monotonicMs() - startMs;
    if (Math.abs(steppedMs) >= largeStepMs) startMs += steppedMs;
    if (steppedMs <= -largeStepMs) onSetBack();
    return startMs + clock.monotonicMs();
  };
}
