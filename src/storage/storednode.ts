/** A stored node: pods in rows (fast path), or as objects (slow path). */
import { type Layout, machineRow, newLayoutVersion, type PodLayout, rowsOf } from '../sample/batch.ts';
import type { ContainerPoint, PodUsage, Source, Usage } from '../sample/point.ts';
import type { LastUsage } from './lastusage.ts';
import { type ClockState, noneAbsent, type NodeState, type PodState } from './nodestate.ts';
import { combineUsages, type ContainerUsage } from './rate.ts';
import { createRows, fitsRow, hasOneSample, readRow, type Rows, usageInRow, writeRow } from './rows.ts';
import type { SamplePair } from './samplepair.ts';

export interface StoredNode {
  readonly name: string;
  /** The Node's UID; undefined if unknown. */
  uid: string | undefined;
  source: Source;
  hasSwap: boolean;
  machine: SamplePair | undefined;
  lastUsage: LastUsage<Usage>;
  spacingMs: number;
  storedMs: number;
  /** First stored, monotonic; also by a snapshot. */
  readonly sinceMs: number;
  /** First stored, or first stored after an outage, monotonic. */
  steadySinceMs: number;
  clock?: ClockState | undefined;
  readonly layout: Layout;
  readonly rows: Rows;
  /** In the layout's order. */
  readonly pods: readonly StoredPod[];
  /** Not reported by the last scrape; not in rows. */
  unreported: readonly StoredPod[];
}

export interface StoredPod {
  readonly node: StoredNode;
  readonly layout: PodLayout;
  /** Whether the API has placed the pod on the node. */
  readonly isVerified: boolean;
  /** When the newest sample was first seen, monotonic; for pods in rows with a usage. */
  sinceMs: number;
  /** Slow path: what rows cannot hold, as after a restart. Undefined in rows. */
  state: PodState | undefined;
}

export function createStoredNode(
  layout: Layout,
  rest: Omit<StoredNode, 'layout' | 'rows' | 'pods' | 'unreported'>,
): StoredNode {
  const pods: StoredPod[] = [];
  const node = { ...rest, layout, rows: createRows(rowsOf(layout)), pods, unreported: [] };
  for (const pod of layout.pods) {
    const isVerified = layout.unverified?.has(pod) === false;
    pods.push({ node, layout: pod, isVerified, sinceMs: 0, state: undefined });
  }
  return node;
}

/** Returns the state, also from rows. */
export function podStateOf(pod: StoredPod): PodState {
  if (pod.state !== undefined) return pod.state;
  const { node, layout } = pod;
  const containers = new Map<string, SamplePair<ContainerPoint>>();
  for (const [index, container] of layout.containers.entries()) {
    containers.set(container.name, readRow(node.rows, layout.firstRow + index, container));
  }
  const { uid } = layout;
  return { node: node.name, name: nameOf(layout), uid, containers, absent: noneAbsent, lastUsage: lastUsageOf(pod) };
}

/** Sets the state, in rows if they can hold it and the fast path is on. */
export function setPodState(pod: StoredPod, state: PodState, fastPath: boolean): void {
  if (!fastPath || !fitsRows(pod.layout, state)) {
    pod.state = state;
    return;
  }
  pod.state = undefined;
  pod.sinceMs = state.lastUsage.last?.sinceMs ?? 0;
  for (const [index, { name }] of pod.layout.containers.entries()) {
    const pair = state.containers.get(name);
    if (pair !== undefined) writeRow(pod.node.rows, pod.layout.firstRow + index, pair);
  }
}

/** Reports whether a pod is on the fast path. */
export function isInRows({ state }: StoredPod): boolean {
  return state === undefined;
}

/** Reports whether all containers in rows have one sample; otherwise none has. */
export function isWaiting({ node: { rows }, layout: { firstRow } }: StoredPod): boolean {
  return hasOneSample(rows, firstRow);
}

/** Returns a usage from rows; podUsageOf is the slow path. Hot, as combineUsages. */
export function usageInRows({ node: { rows, hasSwap }, layout: { containers, firstRow } }: StoredPod): PodUsage {
  const usages: ContainerUsage[] = [];
  for (let index = 0; index < containers.length; index += 1) {
    usages.push(usageInRow(rows, firstRow + index, containers[index]!.name, hasSwap));
  }
  return combineUsages(usages);
}

/** Returns the state for snapshots. */
export function toNodeState(node: StoredNode): NodeState {
  const { uid, source, machine, hasSwap, lastUsage, spacingMs, storedMs, clock, pods, unreported } = node;
  const states = [...pods, ...unreported].map(toSavedPod);
  return { uid, source, machine, hasSwap, lastUsage, spacingMs, storedMs, clock, pods: states };
}

function toSavedPod(pod: StoredPod): PodState {
  return pod.isVerified ? { ...podStateOf(pod), isVerified: true } : podStateOf(pod);
}

/** Returns a stored node with a snapshot's state. */
export function fromNodeState(name: string, { pods, ...rest }: NodeState, fastPath: boolean): StoredNode {
  let firstRow = machineRow + 1;
  const layouts = pods.map((pod): PodLayout => {
    const [namespace = '', podName = ''] = pod.name.split('/');
    const containers = Array.from(pod.containers.values(), ({ last }) => last);
    const layout = { namespace, name: podName, uid: pod.uid, firstRow, containers };
    firstRow += containers.length;
    return layout;
  });
  const unverified = new Set(layouts.filter((_, index) => pods[index]?.isVerified !== true));
  const layout = { version: newLayoutVersion(), pods: layouts, unverified };
  const node = createStoredNode(layout, { name, sinceMs: rest.storedMs, steadySinceMs: rest.storedMs, ...rest });
  for (const [index, pod] of node.pods.entries()) setPodState(pod, pods[index]!, fastPath);
  return node;
}

/** Returns namespace/name. */
export function nameOf({ namespace, name }: Pick<PodLayout, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/** Reports whether rows can hold all samples, and the usage follows from them. */
function fitsRows({ containers }: PodLayout, { lastUsage, containers: pairs, absent }: PodState): boolean {
  if (containers.length === 0 || pairs.size !== containers.length || absent.size > 0) return false;
  if (lastUsage.part !== undefined) return false;
  const hasUsage = lastUsage.last !== undefined;
  return pairs.values().every((pair) => fitsRow(pair) && (pair.base !== 'one-sample') === hasUsage);
}

function lastUsageOf(pod: StoredPod): LastUsage<PodUsage> {
  if (isWaiting(pod)) return { reason: 'one-sample' };
  return { reason: 'stale', last: { usage: usageInRows(pod), sinceMs: pod.sinceMs } };
}
