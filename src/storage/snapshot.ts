/**
 * The form in which what is stored outlives a restart: a line that says what it is, a line per node, and a line with the checksum of all
 * before it. Times are ages at the moment of writing, since a new process has another monotonic clock.
 */
import { createHash } from 'node:crypto';
import type { ContainerPoint, Point, Usage, PodUsage } from '../sample/point.ts';
import type { Absent, HeldNode, HeldPod } from './nodestate.ts';
import type { Served } from './lastusage.ts';
import { checkSavedNode, longestMs } from './snapshotchecks.ts';
import type { Held } from './window.ts';

/** Another number whenever what a line holds has changed: a file of another version is of no use. */
const snapshotVersion = 5;

/** What is wrong with a snapshot, for the log. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

export interface Snapshot {
  /** Milliseconds since the epoch. */
  readonly writtenMs: number;
  readonly nodes: readonly (readonly [name: string, node: HeldNode])[];
}

/** When something is, in both clocks. */
export interface Instant {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** The lines of a snapshot, each with its end; may be taken slowly: every node is as it is when its turn comes. */
export function* writeSnapshot(nodes: Iterable<readonly [string, HeldNode]>, now: Instant): Generator<string> {
  const hash = createHash('sha256');
  const line = (value: unknown) => {
    const text = `${JSON.stringify(value)}\n`;
    hash.update(text);
    return text;
  };
  yield line({ kubegauge: 'snapshot', version: snapshotVersion, writtenMs: now.wallMs } satisfies Header);
  for (const [name, node] of nodes) yield line(saveNode(name, node, now.monotonicMs));
  yield `${JSON.stringify({ sha256: hash.digest('hex') })}\n`;
}

/**
 * Reads all of it, or nothing.
 * @throws SnapshotError when it is cut off, changed, of another version, older than this, or sealed with a field that cannot be.
 */
export function readSnapshot(text: string, now: Instant, oldestMs: number): Snapshot {
  const { body, sum } = split(text);
  if (createHash('sha256').update(body).digest('hex') !== sum) throw new SnapshotError('its checksum is wrong');
  const [header, ...lines] = body.trimEnd().split('\n');
  const { kubegauge, version, writtenMs } = (parse(header ?? '', 1) ?? {}) as Partial<Header>;
  if (kubegauge !== 'snapshot' || version !== snapshotVersion || typeof writtenMs !== 'number') {
    throw new SnapshotError(`it is of version ${String(version)}; this is version ${snapshotVersion}`);
  }
  const ageMs = now.wallMs - writtenMs;
  if (ageMs < 0 || ageMs > oldestMs) throw new SnapshotError(`it is ${Math.round(ageMs / 1000)} s old`);
  const thenMs = now.monotonicMs - ageMs;
  return { writtenMs, nodes: lines.map((line, index) => loadNode(parseNode(line, index + 2), thenMs)) };
}

function parse(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new SnapshotError(`its line ${number} is no JSON`, { cause });
  }
}

function parseNode(line: string, number: number): SavedNode {
  const value = parse(line, number);
  try {
    checkSavedNode(value);
  } catch (cause) {
    throw new SnapshotError(`its line ${number} cannot be`, { cause });
  }
  return value as SavedNode;
}

interface Header {
  readonly kubegauge: 'snapshot';
  readonly version: number;
  readonly writtenMs: number;
}

/** Everything that HeldNode has; what is undefined is left out by JSON, and read as undefined again. */
interface SavedNode extends Omit<HeldNode, 'machine' | 'served' | 'pods' | 'storedMs'> {
  readonly node: string;
  readonly machine?: Held | undefined;
  readonly served: SavedServed<Usage>;
  readonly storedAgeMs: number;
  readonly pods: readonly SavedPod[];
}

interface SavedPod extends Omit<HeldPod, 'node' | 'served' | 'containers' | 'absent'> {
  readonly served: SavedServed<PodUsage>;
  readonly containers: readonly Held<ContainerPoint>[];
  readonly absent?: readonly { readonly name: string; readonly ageMs: number }[];
}

interface SavedServed<U> {
  readonly reason: Served<U>['reason'];
  readonly last?: { readonly usage: U; readonly ageMs: number };
}

function split(text: string): { readonly body: string; readonly sum: string } {
  const end = text.lastIndexOf('\n', text.length - 2) + 1;
  const sum = /^\{"sha256":"([0-9a-f]{64})"\}\n$/.exec(text.slice(end))?.[1];
  if (sum === undefined) throw new SnapshotError('it is cut off');
  return { body: text.slice(0, end), sum };
}

function saveNode(node: string, { served, pods, storedMs, ...rest }: HeldNode, nowMs: number): SavedNode {
  return {
    node,
    ...rest,
    storedAgeMs: ageMs(storedMs, nowMs),
    served: saveServed(served, nowMs),
    pods: pods.map((pod) => ({
      name: pod.name,
      uid: pod.uid,
      ...(pod.isVerified && { isVerified: pod.isVerified }),
      served: saveServed(pod.served, nowMs),
      containers: [...pod.containers.values()],
      ...(pod.absent.size > 0 && { absent: saveAbsent(pod.absent, nowMs) }),
    })),
  };
}

function loadNode(
  { node, storedAgeMs, served, pods, ...rest }: SavedNode,
  thenMs: number,
): readonly [string, HeldNode] {
  const held: HeldNode = {
    ...rest,
    machine: rest.machine && loadHeld(rest.machine),
    served: loadServed(served, thenMs),
    storedMs: thenMs - storedAgeMs,
    pods: pods.map((pod) => loadPod(node, pod, thenMs)),
  };
  return [node, held];
}

function loadPod(node: string, { served, containers, absent = [], ...rest }: SavedPod, thenMs: number): HeldPod {
  const byName = new Map(containers.map((container) => [container.last.name, loadHeld(container)]));
  const since = new Map(absent.map(({ name: of, ageMs }) => [of, thenMs - ageMs]));
  return { node, ...rest, served: loadServed(served, thenMs), containers: byName, absent: since };
}

function saveAbsent(absent: Absent, nowMs: number): NonNullable<SavedPod['absent']> {
  return Array.from(absent, ([name, sinceMs]) => ({ name, ageMs: ageMs(sinceMs, nowMs) }));
}

/**
 * Returns the age to write. What has come since the writing began is as old as that; and what came longer ago than a snapshot can say is of no use,
 * whatever its age.
 */
function ageMs(sinceMs: number, nowMs: number): number {
  return Math.min(Math.max(0, nowMs - sinceMs), longestMs);
}

/** JSON has null for the NaN of a sample without a value. */
function loadHeld<P extends Point>({ last, rival, ...rest }: Held<P>): Held<P> {
  return { last: loadPoint(last), ...rest, ...(rival && { rival: loadPoint(rival) }) };
}

function loadPoint<P extends Point>(point: P): P {
  return (point.memoryBytes as number | null) === null ? { ...point, memoryBytes: Number.NaN } : point;
}

/** What is served of a part of a pod is left out: the next scrape has it again. */
function saveServed<U>({ reason, last }: Served<U>, nowMs: number): SavedServed<U> {
  return { reason, ...(last && { last: { usage: last.usage, ageMs: ageMs(last.sinceMs, nowMs) } }) };
}

function loadServed<U>({ reason, last }: SavedServed<U>, thenMs: number): Served<U> {
  return { reason, ...(last && { last: { usage: last.usage, sinceMs: thenMs - last.ageMs } }) };
}
