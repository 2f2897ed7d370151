/**
 * The points of one node's history: a ring of slots for the times of each pod and the values of each container. Typed
 * arrays per node, not per container: 60,000 of these would be larger than their content.
 */
import type { PodUsage } from '../sample/point.ts';
import type { ContainerUsage } from '../storage/rate.ts';
import { combinePoints, isInRange, type PointRange } from './points.ts';
import { RingColumn } from './ringcolumn.ts';
import { decodeValue, encodeValue, noValue } from './valuecode.ts';

/** How points are spread over time. */
export interface Spacing {
  /** Milliseconds that have one point; a slot is the number of such an interval since the epoch, by our clock. */
  readonly intervalMs: number;
  /** Slots that are kept. */
  readonly slots: number;
}

/** A row of times and the lines of values that belong to it. */
export interface PointLines {
  /** The pod's row; 0 is the machine's. */
  readonly row: number;
  readonly firstLine: number;
  /** Names of the containers, one per line. */
  readonly names: readonly string[];
}

/** Successive slots of a ring, by row or line, in order. */
export interface RingContent {
  readonly slots: number;
  readonly times: Uint16Array<ArrayBuffer>;
  readonly windows: Uint16Array<ArrayBuffer>;
  readonly values: Uint8Array<ArrayBuffer>;
}

/** Neighbouring slots of a ring. */
interface SlotRun {
  /** Of the first one, among the slots that are asked for. */
  readonly index: number;
  readonly position: number;
  readonly length: number;
}

/** CPU and memory of a container at one point: two values of 12 bits. */
const pointBytes = 3;

/** Added to a time's distance from the start of its slot, in seconds: clocks of nodes may be wrong by nine hours. */
const timeBias = 32_768;
const noTime = 0;
const latestTime = 65_535;
/** Times within two minutes of the start of their slot take one byte. */
const nearTimes = timeBias - 128;

/** Seconds of a window, as resolutions of up to an hour have, and points that were joined. */
const longestWindowSeconds = 65_535;

export class PointRing {
  readonly spacing: Spacing;
  /** By row and slot. */
  readonly #times: RingColumn;
  readonly #windows: RingColumn;
  /** By line and slot. */
  readonly #values: Uint8Array;

  constructor(spacing: Spacing, rows: number, lines: number) {
    this.spacing = spacing;
    this.#times = new RingColumn(rows * spacing.slots, nearTimes);
    this.#windows = new RingColumn(this.#times.length, 0);
    this.#values = new Uint8Array(lines * spacing.slots * pointBytes);
  }

  /** Sets a row's time, without which its values do not count. Returns false for one too far from our clock's. */
  setTime(row: number, slot: number, timestampMs: number, windowMs: number): boolean {
    const seconds = Math.floor(timestampMs / 1000);
    const time = seconds - this.#startSeconds(slot) + timeBias;
    const isKept = time > noTime && time <= latestTime;
    const at = row * this.spacing.slots + this.#position(slot);
    this.#times.set(at, isKept ? time : noTime);
    // Of whole seconds as the times, so that the windows of successive points meet.
    const window = seconds - Math.floor((timestampMs - windowMs) / 1000);
    this.#windows.set(at, Math.min(Math.max(1, window), longestWindowSeconds));
    return isKept;
  }

  write(line: number, slot: number, cpuNanocores: number, memoryBytes: number): void {
    this.#writeCodes(line, slot, encodeValue(cpuNanocores), encodeValue(memoryBytes));
  }

  writeNothing(line: number, slot: number): void {
    this.#writeCodes(line, slot, noValue, noValue);
  }

  /** Clears the times of the slots from `first` on, up to `last`. */
  clear(first: number, last: number): void {
    const { slots } = this.spacing;
    for (let slot = Math.max(first, last - slots + 1); slot <= last; slot += 1) {
      for (let at = this.#position(slot); at < this.#times.length; at += slots) this.#times.set(at, noTime);
    }
  }

  /** Reports whether a container has a value at one of the row's points. @param last the newest slot. */
  hasValue(lines: PointLines, container: number, last: number): boolean {
    for (let slot = this.#firstSlot(last); slot <= last; slot += 1) {
      if (this.#hasTime(lines.row, slot) && this.#cpuCode(lines.firstLine + container, slot) !== noValue) return true;
    }
    return false;
  }

  /** Clears the row's times at which no container has a value, since its line is no longer kept. @param last as of hasValue. */
  clearWithoutValue(lines: PointLines, last: number): void {
    for (let slot = this.#firstSlot(last); slot <= last; slot += 1) {
      const isKept = lines.names.some((_, container) => this.#cpuCode(lines.firstLine + container, slot) !== noValue);
      if (!isKept) this.#times.set(lines.row * this.spacing.slots + this.#position(slot), noTime);
    }
  }

  /** Copies a row of another ring with the same spacing. */
  copyRow(from: PointRing, fromRow: number, row: number): void {
    const { slots } = this.spacing;
    this.#times.copy(from.#times, fromRow * slots, slots, row * slots);
    this.#windows.copy(from.#windows, fromRow * slots, slots, row * slots);
  }

  /** As copyRow. */
  copyLine(from: PointRing, fromLine: number, line: number): void {
    const bytes = this.spacing.slots * pointBytes;
    this.#values.set(from.#values.subarray(fromLine * bytes, (fromLine + 1) * bytes), line * bytes);
  }

  /** Returns the oldest slot in which a row has a point; Infinity if there is none. @param last the newest one. */
  oldestSlot(last: number): number {
    const { slots } = this.spacing;
    for (let slot = this.#firstSlot(last); slot <= last; slot += 1) {
      for (let at = this.#position(slot); at < this.#times.length; at += slots) {
        if (this.#times.get(at) !== noTime) return slot;
      }
    }
    return Infinity;
  }

  /** Returns the slots from `first` to `last`, by row or line, in order. */
  read(first: number, last: number): RingContent {
    const slots = last - first + 1;
    const rows = this.#times.length / this.spacing.slots;
    const lines = this.#values.length / (this.spacing.slots * pointBytes);
    const times = new Uint16Array(rows * slots);
    const windows = new Uint16Array(rows * slots);
    const values = new Uint8Array(lines * slots * pointBytes);
    for (const { index, position, length } of this.#runs(first, slots)) {
      for (let row = 0; row < rows; row += 1) {
        const [from, to] = [row * this.spacing.slots + position, row * slots + index];
        this.#times.read(from, times.subarray(to, to + length));
        this.#windows.read(from, windows.subarray(to, to + length));
      }
      for (let line = 0; line < lines; line += 1) {
        const from = (line * this.spacing.slots + position) * pointBytes;
        values.set(this.#values.subarray(from, from + length * pointBytes), (line * slots + index) * pointBytes);
      }
    }
    return { slots, times, windows, values };
  }

  /** Sets what `read` returned, of a ring with as many rows and lines, as the slots up to `last`. Older ones than it has room for are left out. */
  restore({ slots, times, windows, values }: RingContent, last: number): void {
    const rows = this.#times.length / this.spacing.slots;
    const lines = this.#values.length / (this.spacing.slots * pointBytes);
    const omitted = Math.max(0, slots - this.spacing.slots, slots - last - 1);
    for (const run of this.#runs(last - slots + 1 + omitted, slots - omitted)) {
      const { position, length } = run;
      const index = omitted + run.index;
      for (let row = 0; row < rows; row += 1) {
        const [from, to] = [row * slots + index, row * this.spacing.slots + position];
        this.#times.write(to, times.subarray(from, from + length));
        this.#windows.write(to, windows.subarray(from, from + length));
      }
      for (let line = 0; line < lines; line += 1) {
        const from = (line * slots + index) * pointBytes;
        const to = (line * this.spacing.slots + position) * pointBytes;
        this.#values.set(values.subarray(from, from + length * pointBytes), to);
      }
    }
  }

  /** Returns where successive slots are: a ring has them in one piece, or in two. @param count at most the slots that are kept. */
  #runs(first: number, count: number): readonly SlotRun[] {
    const position = this.#position(first);
    const length = Math.min(count, this.spacing.slots - position);
    const run = { index: 0, position, length };
    return length === count ? [run] : [run, { index: length, position: 0, length: count - length }];
  }

  /** Writes the points of another ring whose interval is half of this one's. @param fromLast its newest slot. */
  copyThinned(from: PointRing, fromLast: number, lines: PointLines): void {
    const { intervalMs, slots } = this.spacing;
    const all = { afterMs: -Infinity, slotsAheadMs: 0, stepMs: intervalMs };
    for (const [slot, point] of from.points(lines, fromLast, all)) {
      const to = Math.floor(slot / 2);
      if (to <= Math.floor(fromLast / 2) - slots) continue;
      this.setTime(lines.row, to, point.timestampMs, point.windowMs);
      for (const { name, cpuNanocores, memoryBytes } of point.containers) {
        this.write(lines.firstLine + lines.names.indexOf(name), to, cpuNanocores, memoryBytes);
      }
    }
  }

  /** Returns the points up to a slot, oldest first, each with its last slot. */
  points(lines: PointLines, last: number, range: PointRange): readonly (readonly [slot: number, point: PodUsage])[] {
    return this.#steps(lines.row, last, range).map((slots) => [
      slots.at(-1)!,
      combinePoints(slots.map((slot) => this.#pointAt(lines, slot))),
    ]);
  }

  /** Returns the number of `points`. */
  count(row: number, last: number, range: PointRange): number {
    let count = 0;
    let previous = Number.NaN;
    for (let slot = this.#firstSlot(last); slot <= last; slot += 1) {
      if (!this.#hasPoint(row, slot, range)) continue;
      const step = this.#stepOf(slot, range);
      if (step !== previous) count += 1;
      previous = step;
    }
    return count;
  }

  /** Returns the slots with a point, those of each step together. */
  #steps(row: number, last: number, range: PointRange): readonly (readonly number[])[] {
    const steps: number[][] = [];
    let previous = Number.NaN;
    for (let slot = this.#firstSlot(last); slot <= last; slot += 1) {
      if (!this.#hasPoint(row, slot, range)) continue;
      const step = this.#stepOf(slot, range);
      if (step === previous) steps.at(-1)!.push(slot);
      else steps.push([slot]);
      previous = step;
    }
    return steps;
  }

  /** Returns the oldest slot that is kept. @param last -Infinity without a point. */
  #firstSlot(last: number): number {
    return last === -Infinity ? Infinity : Math.max(0, last - this.spacing.slots + 1);
  }

  #hasTime(row: number, slot: number): boolean {
    return this.#times.get(row * this.spacing.slots + this.#position(slot)) !== noTime;
  }

  #hasPoint(row: number, slot: number, range: PointRange): boolean {
    const time = this.#times.get(row * this.spacing.slots + this.#position(slot));
    return time !== noTime && isInRange(this.#timestampMs(slot, time), slot, this.spacing.intervalMs, range);
  }

  #stepOf(slot: number, { stepMs }: PointRange): number {
    return stepMs === undefined ? slot : Math.floor((slot * this.spacing.intervalMs) / stepMs);
  }

  #pointAt({ row, firstLine, names }: PointLines, slot: number): PodUsage {
    const { slots } = this.spacing;
    const at = row * slots + this.#position(slot);
    const timestampMs = this.#timestampMs(slot, this.#times.get(at));
    const windowMs = this.#windows.get(at) * 1000;
    const containers: ContainerUsage[] = [];
    for (const [index, name] of names.entries()) {
      const cpu = this.#cpuCode(firstLine + index, slot);
      if (cpu === noValue) continue;
      const value = ((firstLine + index) * slots + this.#position(slot)) * pointBytes;
      const memory = (this.#values[value + 1]! >> 4) | (this.#values[value + 2]! << 4);
      const of = { name, timestampMs, windowMs };
      containers.push({ ...of, cpuNanocores: decodeValue(cpu), memoryBytes: decodeValue(memory) });
    }
    containers.sort((a, b) => (a.name < b.name ? -1 : 1));
    return { timestampMs, windowMs, containers };
  }

  #cpuCode(line: number, slot: number): number {
    const at = (line * this.spacing.slots + this.#position(slot)) * pointBytes;
    return this.#values[at]! | ((this.#values[at + 1]! & 0xf) << 8);
  }

  #writeCodes(line: number, slot: number, cpu: number, memory: number): void {
    const at = (line * this.spacing.slots + this.#position(slot)) * pointBytes;
    this.#values[at] = cpu & 0xff;
    this.#values[at + 1] = (cpu >> 8) | ((memory & 0xf) << 4);
    this.#values[at + 2] = memory >> 4;
  }

  #position(slot: number): number {
    return slot % this.spacing.slots;
  }

  #startSeconds(slot: number): number {
    return Math.floor((slot * this.spacing.intervalMs) / 1000);
  }

  #timestampMs(slot: number, time: number): number {
    return (this.#startSeconds(slot) + time - timeBias) * 1000;
  }
}
