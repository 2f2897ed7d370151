/** The history as lines of a snapshot: which fields there are, and which are possible. */
import type { PodLayout } from '../sample/batch.ts';
import { canBeId, type Source, valueLimit } from '../sample/point.ts';
import type { RingContent } from './pointring.ts';
import { isPossibleTime } from '../storage/snapshotchecks.ts';

/** Rejects what no process writes, or what cannot be served. */
export class SavedHistoryError extends Error {
  override readonly name = 'SavedHistoryError';
}

/** The first line. */
export interface SavedSlots {
  /** How far the clock of slots is ahead of the wall clock, in milliseconds. */
  readonly slotsAheadMs: number;
  /** Of new lines. */
  readonly intervalMs: number;
}

/** One node's points. Arrays are base64 of little-endian numbers, by row or line, and then by slot, oldest first. */
export interface SavedLines {
  readonly node: string;
  /** The Node's UID; undefined if unknown. */
  readonly uid?: string | undefined;
  readonly intervalMs: number;
  /** The newest slot. */
  readonly last: number;
  /** The source of the point in that slot; undefined if unknown. */
  readonly source?: Source | undefined;
  /** The source of the last two scrapes; undefined if they differ or are unknown. */
  readonly steady?: Source | undefined;
  /** A pod's row is behind the machine's and its index; containers have a line each, in this order. */
  readonly pods: readonly SavedPod[];
  /** Pods of which a container has no usage yet: their index, and the first slot of that. */
  readonly waiting: readonly (readonly [pod: number, slot: number])[];
  /** Two bytes per row and slot, as in PointRing. */
  readonly times: string;
  readonly windows: string;
  /** Three bytes per line and slot. */
  readonly values: string;
  /** The sample of the last point by line, eight bytes each: milliseconds since the epoch, core-seconds. NaN without one. */
  readonly baseMs: string;
  readonly baseSeconds: string;
}

type SavedPod = readonly [namespace: string, name: string, uid: string, containers: readonly SavedContainer[]];
type SavedContainer = readonly [name: string, containerId: string];

/** A node's points, decoded. */
export interface CheckedLines
  extends Pick<SavedLines, 'node' | 'uid' | 'intervalMs' | 'last' | 'source' | 'steady' | 'waiting'> {
  readonly pods: readonly PodLayout[];
  readonly content: RingContent;
  readonly baseMs: Float64Array;
  readonly baseSeconds: Float64Array;
}

/** Bytes of a line of JSON around the texts of a node, a pod and a container, and of the bases. Rounded up. */
const nodeOverhead = 300;
const podOverhead = 36;
const containerOverhead = 30;
/** Characters of base64 per byte. */
const base64 = 4 / 3;

/**
 * Identifies a pod whose lines are kept. Namespace and name count as well as the UID: users write the hash of a static
 * pod, an annotation, and it may be the UID of another namespace's pod.
 */
export function lineKey({ namespace, name, uid }: Pick<PodLayout, 'namespace' | 'name' | 'uid'>): string {
  return `${namespace}/${name}/${uid ?? ''}`;
}

/** Returns the bytes that a node takes in a snapshot without points, and each slot in addition. */
export function savedBytes(
  node: string,
  pods: readonly PodLayout[],
): { readonly fixed: number; readonly perSlot: number } {
  let fixed = nodeOverhead + node.length;
  let lines = 1;
  for (const { namespace, name, uid = '', containers } of pods) {
    fixed += podOverhead + namespace.length + name.length + uid.length;
    lines += containers.length;
    for (const container of containers)
      fixed += containerOverhead + container.name.length + container.containerId.length;
  }
  return { fixed, perSlot: ((pods.length + 1) * 4 + lines * 3) * base64 };
}

export function toSavedPods(pods: readonly PodLayout[]): SavedLines['pods'] {
  return pods.map(({ namespace, name, uid = '', containers }) => [
    namespace,
    name,
    uid,
    containers.map((container) => [container.name, container.containerId]),
  ]);
}

export function toBase64({ buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBuffer>): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

/** @param intervals as of checkSavedLines. @throws SavedHistoryError for a line that cannot be. */
export function checkSavedSlots(value: unknown, mostMs: number, intervals: readonly number[]): SavedSlots {
  const { slotsAheadMs, intervalMs } = fieldsOf(value);
  check(isBetween(slotsAheadMs, -mostMs, mostMs), 'clock');
  check(intervals.includes(intervalMs as number), 'interval');
  return { slotsAheadMs: slotsAheadMs as number, intervalMs: intervalMs as number };
}

/** @param intervals in milliseconds, those that a ring can have. @throws SavedHistoryError for a line that cannot be. */
export function checkSavedLines(
  value: unknown,
  intervals: readonly number[],
  newestSlot: (intervalMs: number) => number,
): CheckedLines {
  const { node, uid, intervalMs, last, source, steady, pods, waiting, ...arrays } = fieldsOf(value);
  check(isText(node) && (uid === undefined || isText(uid)), 'names');
  check(intervals.includes(intervalMs as number), 'interval');
  check(isSource(source) && isSource(steady), 'source');
  check(isBetween(last, 0, newestSlot(intervalMs as number)) && Number.isInteger(last), 'newest slot');
  const layouts = checkPods(pods);
  const rows = layouts.length + 1;
  const lines = 1 + layouts.reduce((sum, { containers }) => sum + containers.length, 0);
  const times = new Uint16Array(bytesOf(arrays['times'], 2));
  const windows = new Uint16Array(bytesOf(arrays['windows'], 2));
  const values = new Uint8Array(bytesOf(arrays['values'], 1));
  const baseMs = new Float64Array(bytesOf(arrays['baseMs'], 8));
  const baseSeconds = new Float64Array(bytesOf(arrays['baseSeconds'], 8));
  const slots = times.length / rows;
  check(Number.isInteger(slots) && slots > 0 && windows.length === times.length, 'times');
  check(values.length === lines * slots * 3, 'values');
  check(
    times.every((time, at) => time === 0 || windows[at] !== 0),
    'windows',
  );
  check(baseMs.length === lines && baseMs.every((ms) => Number.isNaN(ms) || isPossibleTime(ms)), 'samples');
  check(baseSeconds.length === lines && baseSeconds.every((seconds) => isBetween(seconds, 0, valueLimit)), 'samples');
  return {
    node: node as string,
    uid: uid as string | undefined,
    intervalMs: intervalMs as number,
    last: last as number,
    source: source as Source | undefined,
    steady: steady as Source | undefined,
    pods: layouts,
    waiting: checkWaiting(waiting, layouts.length, newestSlot(intervalMs as number)),
    content: { slots, times, windows, values },
    baseMs,
    baseSeconds,
  };
}

function checkWaiting(value: unknown, pods: number, newestSlot: number): CheckedLines['waiting'] {
  check(Array.isArray(value) && value.length <= pods, 'waiting pods');
  for (const each of value as readonly unknown[]) {
    const [pod, slot, ...rest] = Array.isArray(each) ? (each as readonly unknown[]) : [];
    check(rest.length === 0 && [pod, slot].every(Number.isInteger), 'waiting pods');
    check(isBetween(pod, 0, pods - 1) && isBetween(slot, 0, newestSlot), 'waiting pods');
  }
  return value as CheckedLines['waiting'];
}

function checkPods(value: unknown): readonly PodLayout[] {
  check(Array.isArray(value), 'pods');
  const keys = new Set<string>();
  const pods = (value as readonly unknown[]).map((pod): PodLayout => {
    check(Array.isArray(pod) && pod.length === 4 && pod.slice(0, 3).every(isText) && Array.isArray(pod[3]), 'pods');
    const [namespace, name, uid, containers] = pod as SavedPod;
    keys.add(lineKey({ namespace, name, uid }));
    const names = new Set<string>();
    const checked = containers.map((container) => {
      check(Array.isArray(container) && container.length === 2 && container.every(isText), 'containers');
      names.add(container[0]);
      return { name: container[0], containerId: container[1] };
    });
    check(names.size === checked.length, 'containers');
    // Rows are those of a batch, which the next scrape brings.
    return { namespace, name, uid, firstRow: 0, containers: checked };
  });
  check(keys.size === pods.length, 'pods');
  return pods;
}

/** Returns a copy, since the decoded bytes need not be aligned. */
function bytesOf(value: unknown, size: number): ArrayBuffer {
  check(typeof value === 'string', 'arrays');
  const bytes = Uint8Array.from(Buffer.from(value as string, 'base64'));
  // Decoding skips what is no base64.
  check(bytes.length % size === 0 && (value as string).length === Math.ceil(bytes.length / 3) * 4, 'arrays');
  return bytes.buffer;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  check(typeof value === 'object' && value !== null && !Array.isArray(value), 'lines');
  return value as Readonly<Record<string, unknown>>;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && canBeId(value);
}

function isSource(value: unknown): boolean {
  return value === undefined || value === 'cadvisor' || value === 'resource';
}

function isBetween(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}

function check(isPossible: boolean, what: string): void {
  if (!isPossible) throw new SavedHistoryError(`the saved ${what} of the history cannot be`);
}
