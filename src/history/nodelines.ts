/** The history of one node: which line is whose, and the samples that make its points. */
import type { Layout } from '../sample/batch.ts';
import { mayBeSameContainer } from '../sample/containerid.ts';
import type { PodUsage, Source } from '../sample/point.ts';
import type { PodIdentity } from '../storage/podindex.ts';
import { createSample, type CurrentSample, type CurrentSamples } from '../storage/currentsamples.ts';
import { counterJitterSeconds } from '../storage/samplerules.ts';
import type { PointOrigin, PointRange } from './points.ts';
import { type PointLines, PointRing, type Spacing } from './pointring.ts';
import { type ExistsInApi, machine, PodTable } from './podtable.ts';
import { type CheckedLines, type SavedLines, savedBytes, toBase64, toSavedPods } from './savedhistory.ts';

/** Milliseconds without samples beyond which the mean would be that of an outage. */
const longestMeanMs = 255_000;

export class NodeLines {
  /** The Node's UID; undefined if unknown. */
  uid: string | undefined;
  #ring: PointRing;
  /** The newest slot with a point. */
  #last = -Infinity;
  /** The source of the point in that slot. */
  #source: Source | undefined;
  /** The source of the last scrape; undefined before the first one. */
  #scraped: Source | 'of another process' | undefined;
  /** The source of the last two scrapes; undefined if they differ. */
  #steady: Source | undefined;
  /** Version of the layout that the pods are of. */
  #layoutVersion = Number.NaN;
  #table = PodTable.unreported([]);
  /** The first slot in which a container of the pod had no usage yet; Infinity if all have one. */
  #waitsSince = new Float64Array();
  /** The sample of the last point, by line; NaN without one. */
  #baseMs = new Float64Array(1).fill(Number.NaN);
  #baseSeconds = new Float64Array(1);

  constructor(uid: string | undefined, spacing: Spacing) {
    this.uid = uid;
    this.#ring = new PointRing(spacing, 1, 1);
  }

  /** Returns lines with the points of another process. */
  static restore(
    { uid, last, source, steady, pods, waiting, content, baseMs, baseSeconds }: CheckedLines,
    spacing: Spacing,
  ): NodeLines {
    const lines = new NodeLines(uid, spacing);
    lines.#table = PodTable.unreported(pods);
    lines.#waitsSince = new Float64Array(pods.length).fill(Infinity);
    for (const [pod, slot] of waiting) lines.#waitsSince[pod] = slot;
    lines.#ring = new PointRing(lines.spacing, pods.length + 1, baseMs.length);
    lines.#ring.restore(content, last);
    lines.#last = last;
    lines.#source = source;
    // A stored sample may be of another source.
    lines.#scraped = steady ?? 'of another process';
    lines.#steady = steady;
    lines.#baseMs = Float64Array.from(baseMs);
    lines.#baseSeconds = Float64Array.from(baseSeconds);
    return lines;
  }

  /** Returns what `restore` needs; undefined without a point. @param mostSlots that are returned, the newest ones. */
  saved(node: string, mostSlots: number): SavedLines | undefined {
    const oldest = this.#ring.oldestSlot(this.#last);
    if (oldest === Infinity) return undefined;
    const { times, windows, values } = this.#ring.read(Math.max(oldest, this.#last - mostSlots + 1), this.#last);
    return {
      node,
      uid: this.uid,
      intervalMs: this.spacing.intervalMs,
      last: this.#last,
      source: this.#source,
      steady: this.#steady,
      pods: toSavedPods(this.#table.pods),
      waiting: [...this.#waitsSince.entries()].filter(([, slot]) => slot !== Infinity),
      times: toBase64(times),
      windows: toBase64(windows),
      values: toBase64(values),
      baseMs: toBase64(this.#baseMs),
      baseSeconds: toBase64(this.#baseSeconds),
    };
  }

  /** Returns the bytes that `saved` takes without points, and per slot. */
  savedBytes(node: string): ReturnType<typeof savedBytes> {
    return savedBytes(node, this.#table.pods);
  }

  get lastSlot(): number {
    return this.#last;
  }

  /** One per container, and the machine's. */
  get lines(): number {
    return this.#baseMs.length;
  }

  get spacing(): Spacing {
    return this.#ring.spacing;
  }

  /** Takes the source of each scrape. The first sample of another source may be older than the stored one, which is then still served. */
  noteSource(source: Source): void {
    this.#steady = this.#scraped === undefined || this.#scraped === source ? source : undefined;
    this.#scraped = source;
  }

  /**
   * Adds a point of each container with a new sample. Without any, the slot stays free for the next scrape. Returns how
   * many more lines there are.
   */
  add(current: CurrentSamples, slot: number, exists: ExistsInApi): number {
    const before = this.lines;
    if (current.layout.version !== this.#layoutVersion) this.#layOut(current.layout, exists);
    this.#ring.clear(this.#last + 1, slot);
    const sample = createSample();
    let hasPoint = false;
    if (current.readMachine(sample)) {
      const windowMs = this.#addSample(machine.firstLine, slot, sample);
      hasPoint = windowMs > 0 && this.#ring.setTime(machine.row, slot, sample.timestampMs, windowMs);
    }
    for (let pod = 0; pod < this.#table.pods.length; pod += 1) {
      if (this.#addPod(pod, current, slot, sample)) hasPoint = true;
    }
    if (hasPoint) {
      this.#last = slot;
      this.#source = this.#steady;
    }
    return this.lines - before;
  }

  /** Returns the machine's points, oldest first, as those of a pod with one container. */
  machinePoints(range: PointRange): readonly (PodUsage & PointOrigin)[] {
    return this.#pointsOf(machine, range);
  }

  countMachine(range: PointRange): number {
    return this.#ring.count(machine.row, this.#last, range);
  }

  /** Returns a pod's points, oldest first. */
  podPoints(identity: PodIdentity, range: PointRange): readonly (PodUsage & PointOrigin)[] {
    const pod = this.#table.find(identity);
    return pod === undefined ? [] : this.#pointsOf(this.#table.linesOf(pod), range);
  }

  countPod(identity: PodIdentity, range: PointRange): number {
    const pod = this.#table.find(identity);
    return pod === undefined ? 0 : this.#ring.count(pod + 1, this.#last, range);
  }

  /** Joins each two points to one, and keeps half as many. Returns itself. */
  double(): this {
    const { intervalMs, slots } = this.spacing;
    const spacing = { intervalMs: 2 * intervalMs, slots: Math.ceil(slots / 2) };
    const thinned = new PointRing(spacing, this.#table.pods.length + 1, this.#baseMs.length);
    if (this.#last !== -Infinity) {
      thinned.copyThinned(this.#ring, this.#last, machine);
      for (const pod of this.#table.pods.keys()) thinned.copyThinned(this.#ring, this.#last, this.#table.linesOf(pod));
      this.#last = Math.floor(this.#last / 2);
    }
    this.#ring = thinned;
    this.#waitsSince = this.#waitsSince.map((slot) => Math.floor(slot / 2));
    return this;
  }

  #pointsOf(lines: PointLines, range: PointRange): readonly (PodUsage & PointOrigin)[] {
    const source = this.#source;
    return this.#ring
      .points(lines, this.#last, range)
      .map(([slot, point]) => (slot === this.#last && source !== undefined ? { ...point, source } : point));
  }

  #addPod(pod: number, current: CurrentSamples, slot: number, sample: CurrentSample): boolean {
    const index = this.#table.layoutIndex[pod]!;
    if (index < 0) return false;
    const first = this.#table.firstLine(pod);
    const reported = this.#table.reported[pod]!;
    const { length } = this.#table.pods[pod]!.containers;
    // As a list, which waits for a new container while the usage of before is not stale: a sum without it would be too
    // small. The next point is of the time since the last one. A container that never has a usage does not end the line.
    const waitsSince = this.#isWhole(pod, current, sample) ? Infinity : Math.min(this.#waitsSince[pod]!, slot);
    this.#waitsSince[pod] = waitsSince;
    if (waitsSince === slot) return false;
    let oldestMs = Infinity;
    let windowMs = 0;
    for (let container = 0; container < length; container += 1) {
      const line = first + container;
      const hasUsage = container < reported && current.readContainer(index, container, sample);
      const ownMs = hasUsage ? this.#addSample(line, slot, sample) : 0;
      if (ownMs === 0) this.#ring.writeNothing(line, slot);
      // As in combineUsages.
      if (ownMs === 0 || sample.timestampMs >= oldestMs) continue;
      oldestMs = sample.timestampMs;
      windowMs = ownMs;
    }
    return windowMs > 0 && this.#ring.setTime(pod + 1, slot, oldestMs, windowMs);
  }

  #isWhole(pod: number, current: CurrentSamples, sample: CurrentSample): boolean {
    const index = this.#table.layoutIndex[pod]!;
    for (let container = 0; container < this.#table.reported[pod]!; container += 1) {
      if (!current.readContainer(index, container, sample)) return false;
    }
    return true;
  }

  /**
   * Writes a line's point: CPU is the mean since the previous point, or since the previous sample where another counter
   * began meanwhile or an outage ended. Returns the window in milliseconds; 0 without a new sample.
   */
  #addSample(line: number, slot: number, { timestampMs, cpuSeconds, ...served }: CurrentSample): number {
    const sinceMs = timestampMs - this.#baseMs[line]!;
    if (sinceMs === 0) return 0;
    const usedSeconds = cpuSeconds - this.#baseSeconds[line]!;
    const isMean = sinceMs > 0 && sinceMs < longestMeanMs && usedSeconds >= -counterJitterSeconds;
    this.#baseMs[line] = timestampMs;
    this.#baseSeconds[line] = cpuSeconds;
    // Seconds per millisecond are 1e12 nanocores.
    const nanocores = isMean ? Math.max(0, (usedSeconds * 1e12) / sinceMs) : served.cpuNanocores;
    this.#ring.write(line, slot, nanocores, served.memoryBytes);
    return isMean ? sinceMs : served.windowMs;
  }

  /** Lays out the lines as the pods of a layout; a container that had a line keeps it, also over a restart. */
  #layOut(layout: Layout, exists: ExistsInApi): void {
    const old = { table: this.#table, ring: this.#ring, baseMs: this.#baseMs, baseSeconds: this.#baseSeconds };
    const oldWaits = this.#waitsSince;
    const { table, before } = old.table.next(layout, exists, (lines, at) => old.ring.hasValue(lines, at, this.#last));
    this.#table = table;
    this.#layoutVersion = layout.version;
    this.#waitsSince = new Float64Array(table.pods.length).fill(Infinity);
    this.#ring = new PointRing(this.spacing, table.pods.length + 1, table.lineCount);
    this.#baseMs = new Float64Array(table.lineCount).fill(Number.NaN);
    this.#baseSeconds = new Float64Array(table.lineCount);
    const copyLine = (from: number, to: number, isSameCounter: boolean) => {
      this.#ring.copyLine(old.ring, from, to);
      if (!isSameCounter) return;
      this.#baseMs[to] = old.baseMs[from]!;
      this.#baseSeconds[to] = old.baseSeconds[from]!;
    };
    this.#ring.copyRow(old.ring, machine.row, machine.row);
    copyLine(machine.firstLine, machine.firstLine, true);
    for (const [pod, { containers }] of table.pods.entries()) {
      const known = before[pod]!;
      if (known === -1) continue;
      const from = old.table.linesOf(known);
      this.#ring.copyRow(old.ring, from.row, pod + 1);
      this.#waitsSince[pod] = oldWaits[known]!;
      for (const [at, { name, containerId }] of containers.entries()) {
        const line = from.names.indexOf(name);
        if (line === -1) continue;
        const isSame = mayBeSameContainer(old.table.pods[known]!.containers[line]!.containerId, containerId);
        copyLine(from.firstLine + line, table.firstLine(pod) + at, isSame);
      }
      this.#ring.clearWithoutValue(table.linesOf(pod), this.#last);
    }
  }
}
