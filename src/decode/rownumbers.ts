/** The numbers of one body by row and family, as they come in. */
import type { UnlabeledSample } from '../exposition/sample.ts';
import { type Reading, Readings } from './reading.ts';

/** Families that are told of each row. */
export const rowFamilies = { cpu: 0, memory: 1, swap: 2, start: 3 } as const;

const perRow = 4;

/**
 * Checks a source's list of families: each one of rows is at its place in rowFamilies, and each other one is handled apart. A family that is neither would be
 * written over another number, or into the next row.
 * @param ofRows their names, by place.
 * @param apart names of the families that are not of rows.
 * @throws Error that names the family.
 */
export function checkFamilies(families: readonly string[], ofRows: readonly string[], apart: readonly string[]): void {
  for (const [index, name] of families.entries()) {
    if (ofRows[index] === name || apart.includes(name)) continue;
    throw new Error(
      `family ${name} has no place in a row of ${perRow} numbers: give it one in rowFamilies, or handle it apart`,
    );
  }
}

/** No sample can have this time. */
const unseen = -Infinity;

export class RowNumbers {
  #values: Float64Array;
  #times: Float64Array;

  /** @param rows how many there will be, most likely. */
  constructor(rows: number) {
    this.#values = new Float64Array(rows * perRow);
    this.#times = new Float64Array(rows * perRow).fill(unseen);
  }

  /** For how many rows there is room. */
  get rows(): number {
    return this.#times.length / perRow;
  }

  /** Forgets all, for another body. */
  clear(): void {
    this.#values.fill(0);
    this.#times.fill(unseen);
  }

  /**
   * Keeps the sample unless the one before is younger: kubelets send two for one where a container's cgroup outlived it.
   * @throws RangeError for a family that a row has no place for.
   */
  add(row: number, family: number, { value, timestampMs }: Pick<UnlabeledSample, 'value' | 'timestampMs'>): void {
    if (!(family < perRow)) throw noPlace(family);
    const at = row * perRow + family;
    if (at >= this.#times.length) this.#grow(row);
    if (timestampMs < this.#times[at]!) return;
    this.#values[at] = value;
    this.#times[at] = timestampMs;
  }

  isSeen(row: number, family: number): boolean {
    if (!(family < perRow)) return false;
    const time = this.#times[row * perRow + family];
    return time !== undefined && time !== unseen;
  }

  isAnySeen(row: number): boolean {
    for (let family = 0; family < perRow; family += 1) if (this.isSeen(row, family)) return true;
    return false;
  }

  /** 0 where there is none. */
  value(row: number, family: number): number {
    return this.#values[row * perRow + family] ?? 0;
  }

  timestampMs(row: number, family: number): number {
    return this.#times[row * perRow + family] ?? unseen;
  }

  readings(row: number): Readings {
    const readings = new Readings();
    this.#fill(readings.cpu, row, rowFamilies.cpu);
    this.#fill(readings.memory, row, rowFamilies.memory);
    this.#fill(readings.swap, row, rowFamilies.swap);
    this.#fill(readings.start, row, rowFamilies.start);
    return readings;
  }

  #fill(reading: Reading, row: number, family: number): void {
    if (!this.isSeen(row, family)) return;
    reading.seen = true;
    reading.value = this.value(row, family);
    reading.timestampMs = this.timestampMs(row, family);
  }

  #grow(row: number): void {
    const values = new Float64Array(2 * (row + 1) * perRow);
    const times = new Float64Array(values.length).fill(unseen);
    values.set(this.#values);
    times.set(this.#times);
    this.#values = values;
    this.#times = times;
  }
}

function noPlace(family: number): RangeError {
  return new RangeError(`family ${family} has no place in a row of ${perRow} numbers`);
}

/** Bodies that arrive at a time; more only when kubelets respond slowly. */
const spareLimit = 64;
/** Buffers for more rows, as one node with leaked cgroups needs, would be kept, and cleared with each body, for all others. */
const spareRows = 4_096;

/** Lends the buffers for the numbers of a body. */
export interface RowNumbersPool {
  /** Returns an empty buffer; give it back, or leave it to the garbage collector. */
  take(rows: number): RowNumbers;
  giveBack(numbers: RowNumbers): void;
}

/**
 * Returns a pool for the decoders of one thread. Typed arrays are outside of V8's heap: to allocate them takes longer than to fill them, so a buffer serves one
 * body after the other, of any node.
 */
export function createRowNumbersPool(): RowNumbersPool {
  const spares: RowNumbers[] = [];
  return {
    take: (rows) => spares.pop() ?? new RowNumbers(rows),
    giveBack(numbers) {
      if (spares.length === spareLimit || numbers.rows > spareRows) return;
      numbers.clear();
      spares.push(numbers);
    },
  };
}
