/** What the storage has of one node: its pods in rows, and as objects those about which there is more to say. */
import { type Layout, machineRow, newLayoutVersion, type PodLayout, rowsOf } from '../sample/batch.ts';
import type { ContainerPoint, PodUsage, Source, Usage } from '../sample/point.ts';
import { type HeldNode, type HeldPod, noneAbsent } from './nodestate.ts';
import { createRows, fitsRow, isSingle, readRow, type Rows, usageInRow, writeRow } from './rows.ts';
import type { Served } from './lastusage.ts';
import type { Held } from './window.ts';

export interface StoredNode {
  readonly name: string;
  /** metadata.uid of the Node; undefined where it is not known. */
  uid: string | undefined;
  source: Source;
  hasSwap: boolean;
  machine: Held | undefined;
  served: Served<Usage>;
  spacingMs: number;
  storedMs: number;
  /** When it was first stored, monotonic; after a restart when the snapshot's was. */
  readonly sinceMs: number;
  readonly layout: Layout;
  /** By the layout. */
  readonly rows: Rows;
  /** Of the layout, in its order. */
  readonly pods: readonly StoredPod[];
  /** Those that the last scrape did not tell of; they are not in rows. */
  silent: readonly StoredPod[];
}

export interface StoredPod {
  readonly node: StoredNode;
  readonly layout: PodLayout;
  /** Whether the API has placed the pod on the node. */
  readonly isVerified: boolean;
  /** When the newest sample came, monotonic; of a pod in rows that has a usage. */
  sinceMs: number;
  /** All there is to say of a pod that is not in rows: of one that waits for a sample of some of its containers, was restarted, or is silent. */
  odd: HeldPod | undefined;
}

export function createStoredNode(
  layout: Layout,
  rest: Omit<StoredNode, 'layout' | 'rows' | 'pods' | 'silent'>,
): StoredNode {
  const pods: StoredPod[] = [];
  const node = { ...rest, layout, rows: createRows(rowsOf(layout)), pods, silent: [] };
  for (const pod of layout.pods) {
    const isVerified = layout.unverified?.has(pod) === false;
    pods.push({ node, layout: pod, isVerified, sinceMs: 0, odd: undefined });
  }
  return node;
}

/** A pod as an object. */
export function heldOf(pod: StoredPod): HeldPod {
  if (pod.odd !== undefined) return pod.odd;
  const { node, layout } = pod;
  const containers = new Map<string, Held<ContainerPoint>>();
  for (const [index, container] of layout.containers.entries()) {
    containers.set(container.name, readRow(node.rows, layout.firstRow + index, container));
  }
  const { uid } = layout;
  return { node: node.name, name: nameOf(layout), uid, containers, absent: noneAbsent, served: servedOf(pod) };
}

/** Takes in what there is to say of a pod now: in rows, if that says it all. */
export function settle(pod: StoredPod, held: HeldPod): void {
  if (!fitsRows(pod.layout, held)) {
    pod.odd = held;
    return;
  }
  pod.odd = undefined;
  pod.sinceMs = held.served.last?.sinceMs ?? 0;
  for (const [index, { name }] of pod.layout.containers.entries()) {
    const container = held.containers.get(name);
    if (container !== undefined) writeRow(pod.node.rows, pod.layout.firstRow + index, container);
  }
}

/** Whether all containers of a pod in rows have one sample so far; otherwise none of them has. */
export function isWaiting({ node: { rows }, layout: { firstRow } }: StoredPod): boolean {
  return isSingle(rows, firstRow);
}

/** The usage of a pod in rows that has one, as toPodUsage makes it. Hot: lists of a large cluster ask for 150,000 of them. */
export function usageInRows({ node: { rows, hasSwap }, layout: { containers, firstRow } }: StoredPod): PodUsage {
  const usages: PodUsage['containers'][number][] = [];
  let oldest: Usage | undefined;
  let isSorted = true;
  for (let index = 0; index < containers.length; index += 1) {
    const { name } = containers[index]!;
    const usage = usageInRow(rows, firstRow + index, name, hasSwap);
    if (oldest === undefined || usage.timestampMs < oldest.timestampMs) oldest = usage;
    if (index > 0 && name < usages[index - 1]!.name) isSorted = false;
    usages.push(usage);
  }
  if (oldest === undefined) throw new Error('a pod in rows has containers');
  if (!isSorted) usages.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { timestampMs: oldest.timestampMs, windowMs: oldest.windowMs, containers: usages };
}

/** All that is held of a node as objects, as snapshots have it. */
export function toHeldNode({
  uid,
  source,
  machine,
  hasSwap,
  served,
  spacingMs,
  storedMs,
  pods,
  silent,
}: StoredNode): HeldNode {
  return { uid, source, machine, hasSwap, served, spacingMs, storedMs, pods: [...pods, ...silent].map(toHeldPod) };
}

function toHeldPod(pod: StoredPod): HeldPod {
  return pod.isVerified ? { ...heldOf(pod), isVerified: true } : heldOf(pod);
}

export function fromHeldNode(name: string, { pods, ...rest }: HeldNode): StoredNode {
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
  const node = createStoredNode(layout, { name, sinceMs: rest.storedMs, ...rest });
  for (const [index, pod] of node.pods.entries()) settle(pod, pods[index]!);
  return node;
}

/** namespace/name */
export function nameOf({ namespace, name }: Pick<PodLayout, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/** Whether what is served of the pod follows from its containers as they are now, and these are rows of one kind. */
function fitsRows({ containers }: PodLayout, { served, containers: held, absent }: HeldPod): boolean {
  if (containers.length === 0 || held.size !== containers.length || absent.size > 0) return false;
  if (served.part !== undefined) return false;
  const hasUsage = served.last !== undefined;
  return held.values().every((container) => fitsRow(container) && (container.base !== 'one-sample') === hasUsage);
}

function servedOf(pod: StoredPod): Served<PodUsage> {
  if (isWaiting(pod)) return { reason: 'one-sample' };
  return { reason: 'stale', last: { usage: usageInRows(pod), sinceMs: pod.sinceMs } };
}
