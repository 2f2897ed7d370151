/**
 * Writes and reads the storage's state across a restart: a header, a line per node, lines that other modules add, a
 * checksum. Times are ages: the next process has another monotonic clock.
 */
import { createHash } from 'node:crypto';
import type { ClockReading } from '../sample/clockstep.ts';
import type { ContainerPoint, Point, Usage, PodUsage } from '../sample/point.ts';
import { storedFields } from '../sample/quantities.ts';
import type { LastUsage } from './lastusage.ts';
import type { AbsentContainers, ClockState, NodeState, PodState } from './nodestate.ts';
import type { SamplePair } from './samplepair.ts';
import { checkSavedNode, isPossibleTime, longestMs } from './snapshotchecks.ts';

/** A number, increased for changes of other fields, and the quantities; other versions are not read. */
const snapshotVersion = `8 ${storedFields}`;

/** Rejects a snapshot, with the reason. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

export interface Snapshot {
  /** Milliseconds since the epoch. */
  readonly writtenMs: number;
  readonly nodes: readonly (readonly [name: string, node: NodeState])[];
  /** As JSON; the module that wrote them checks them. */
  readonly additions: readonly unknown[];
}

/** In both clocks. */
export interface Instant {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** The JSON of an addition, of a module that has to know its size: values that take megabytes are not written twice. */
export class JsonText {
  readonly text: string;

  constructor(value: unknown) {
    this.text = JSON.stringify(value);
  }
}

/**
 * Returns whole lines. Each node is written as it is when its line is consumed.
 * @param additions JSON values, or their `JsonText`.
 */
export function* writeSnapshot(
  nodes: Iterable<readonly [string, NodeState]>,
  now: Instant,
  additions: Iterable<unknown> = [],
): Generator<string> {
  const hash = createHash('sha256');
  const lineOf = (json: string) => {
    const text = `${json}\n`;
    hash.update(text);
    return text;
  };
  const line = (value: unknown) => lineOf(JSON.stringify(value));
  yield line({ kubegauge: 'snapshot', version: snapshotVersion, writtenMs: now.wallMs } satisfies Header);
  for (const [name, node] of nodes) yield line(saveNode(name, node, now.monotonicMs));
  for (const addition of additions) {
    const { text } = addition instanceof JsonText ? addition : new JsonText(addition);
    yield lineOf(`{"addition":${text}}`);
  }
  yield `${JSON.stringify({ sha256: hash.digest('hex') })}\n`;
}

/** @throws SnapshotError if truncated, changed, too old, invalid, or of another version. */
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
  const saved = lines.map((line, index) => parseLine(line, index + 2));
  return {
    writtenMs,
    nodes: saved.flatMap((each) => ('node' in each ? [loadNode(each, thenMs)] : [])),
    additions: saved.flatMap((each) => ('node' in each ? [] : [each.addition])),
  };
}

function parse(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new SnapshotError(`its line ${number} is no JSON`, { cause });
  }
}

function parseLine(line: string, number: number): SavedNode | SavedAddition {
  const value = parse(line, number);
  if (isAddition(value)) return value;
  try {
    checkSavedNode(value);
  } catch (cause) {
    throw new SnapshotError(`its line ${number} cannot be`, { cause });
  }
  return value as SavedNode;
}

interface SavedAddition {
  readonly addition: unknown;
}

function isAddition(value: unknown): value is SavedAddition {
  return (
    typeof value === 'object' && value !== null && Object.hasOwn(value, 'addition') && !Object.hasOwn(value, 'node')
  );
}

interface Header {
  readonly kubegauge: 'snapshot';
  readonly version: string;
  readonly writtenMs: number;
}

/** JSON omits undefined fields. */
interface SavedNode extends Omit<NodeState, 'machine' | 'lastUsage' | 'pods' | 'storedMs' | 'clock'> {
  readonly node: string;
  readonly machine?: SamplePair | undefined;
  readonly lastUsage: SavedUsage<Usage>;
  readonly storedAgeMs: number;
  readonly clock?: SavedClock;
  readonly pods: readonly SavedPod[];
}

interface SavedClock extends Pick<ClockState, 'startsAfterMs'> {
  readonly reading?: SavedReading | undefined;
  readonly steppedAgeMs?: number | undefined;
}

/** JSON has no Infinity: what is unbounded is omitted. Ages may be negative: clamped, they would make a step. */
interface SavedReading {
  readonly earliestMs?: number | undefined;
  readonly latestMs?: number | undefined;
  readonly newestSampleMs?: number | undefined;
  readonly sentAgeMs: number;
  readonly receivedAgeMs: number;
}

interface SavedPod extends Omit<PodState, 'node' | 'lastUsage' | 'containers' | 'absent'> {
  readonly lastUsage: SavedUsage<PodUsage>;
  readonly containers: readonly SamplePair<ContainerPoint>[];
  readonly absent?: readonly { readonly name: string; readonly ageMs: number }[];
}

interface SavedUsage<U> {
  readonly reason: LastUsage<U>['reason'];
  readonly last?: { readonly usage: U; readonly ageMs: number };
}

function split(text: string): { readonly body: string; readonly sum: string } {
  const end = text.lastIndexOf('\n', text.length - 2) + 1;
  const sum = /^\{"sha256":"([0-9a-f]{64})"\}\n$/.exec(text.slice(end))?.[1];
  if (sum === undefined) throw new SnapshotError('it is cut off');
  return { body: text.slice(0, end), sum };
}

function saveNode(node: string, { lastUsage, pods, storedMs, clock, ...rest }: NodeState, nowMs: number): SavedNode {
  return {
    node,
    ...rest,
    ...(clock && { clock: saveClock(clock, nowMs) }),
    storedAgeMs: ageMs(storedMs, nowMs),
    lastUsage: saveUsage(lastUsage, nowMs),
    pods: pods.map((pod) => ({
      name: pod.name,
      uid: pod.uid,
      ...(pod.isVerified && { isVerified: pod.isVerified }),
      lastUsage: saveUsage(pod.lastUsage, nowMs),
      containers: [...pod.containers.values()],
      ...(pod.absent.size > 0 && { absent: saveAbsent(pod.absent, nowMs) }),
    })),
  };
}

function loadNode(
  { node, storedAgeMs, lastUsage, clock, pods, ...rest }: SavedNode,
  thenMs: number,
): readonly [string, NodeState] {
  const state: NodeState = {
    ...rest,
    machine: rest.machine && loadPair(rest.machine),
    lastUsage: loadUsage(lastUsage, thenMs),
    storedMs: thenMs - storedAgeMs,
    clock: clock && loadClock(clock, thenMs),
    pods: pods.map((pod) => loadPod(node, pod, thenMs)),
  };
  return [node, state];
}

function saveClock({ reading, steppedMs, startsAfterMs }: ClockState, nowMs: number): SavedClock {
  return {
    reading: reading && saveReading(reading, nowMs),
    steppedAgeMs: steppedMs === undefined ? undefined : ageMs(steppedMs, nowMs),
    startsAfterMs: finite(startsAfterMs),
  };
}

function saveReading(reading: ClockReading, nowMs: number): SavedReading | undefined {
  const sentAgeMs = nowMs - reading.sentMs;
  const receivedAgeMs = nowMs - reading.receivedMs;
  if (Math.max(Math.abs(sentAgeMs), Math.abs(receivedAgeMs)) > longestMs) return undefined;
  const { earliestMs, latestMs, newestSampleMs } = reading;
  return {
    earliestMs: finite(earliestMs),
    latestMs: finite(latestMs),
    newestSampleMs: finite(newestSampleMs),
    sentAgeMs,
    receivedAgeMs,
  };
}

/** Returns undefined for a time that is unbounded, or cannot be read again. */
function finite(ms: number | undefined): number | undefined {
  return ms !== undefined && isPossibleTime(ms) ? ms : undefined;
}

function loadClock({ reading, steppedAgeMs, startsAfterMs }: SavedClock, thenMs: number): ClockState {
  return {
    reading: reading && {
      earliestMs: reading.earliestMs ?? -Infinity,
      latestMs: reading.latestMs ?? Infinity,
      newestSampleMs: reading.newestSampleMs ?? -Infinity,
      sentMs: thenMs - reading.sentAgeMs,
      receivedMs: thenMs - reading.receivedAgeMs,
    },
    steppedMs: steppedAgeMs === undefined ? undefined : thenMs - steppedAgeMs,
    startsAfterMs,
  };
}

function loadPod(node: string, { lastUsage, containers, absent = [], ...rest }: SavedPod, thenMs: number): PodState {
  const byName = new Map(containers.map((container) => [container.last.name, loadPair(container)]));
  const since = new Map(absent.map(({ name: of, ageMs }) => [of, thenMs - ageMs]));
  return { node, ...rest, lastUsage: loadUsage(lastUsage, thenMs), containers: byName, absent: since };
}

function saveAbsent(absent: AbsentContainers, nowMs: number): NonNullable<SavedPod['absent']> {
  return Array.from(absent, ([name, sinceMs]) => ({ name, ageMs: ageMs(sinceMs, nowMs) }));
}

/** Returns 0 for what came since the writing began, and at most what can be read. */
function ageMs(sinceMs: number, nowMs: number): number {
  return Math.min(Math.max(0, nowMs - sinceMs), longestMs);
}

/** JSON has null for NaN. */
function loadPair<P extends Point>({ last, rival, ...rest }: SamplePair<P>): SamplePair<P> {
  return { last: loadPoint(last), ...rest, ...(rival && { rival: loadPoint(rival) }) };
}

function loadPoint<P extends Point>(point: P): P {
  return (point.memoryBytes as number | null) === null ? { ...point, memoryBytes: Number.NaN } : point;
}

/** The next scrape makes a pod's part again. */
function saveUsage<U>({ reason, last }: LastUsage<U>, nowMs: number): SavedUsage<U> {
  return { reason, ...(last && { last: { usage: last.usage, ageMs: ageMs(last.sinceMs, nowMs) } }) };
}

function loadUsage<U>({ reason, last }: SavedUsage<U>, thenMs: number): LastUsage<U> {
  return { reason, ...(last && { last: { usage: last.usage, sinceMs: thenMs - last.ageMs } }) };
}
