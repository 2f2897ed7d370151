/** Adds the wanted series of one body within each cgroup. */
import { noRow, type Sample, type SampleSink } from '../../exposition/sample.ts';
import { nameHash } from '../../namehash.ts';
import { idLimit } from '../../sample/point.ts';
import { columnOf, type SeriesBatch, type SeriesCgroup, type WantedColumns } from '../../sample/seriescolumns.ts';
import { checkCount } from '../limits.ts';
import { type AnswerTime, sampleTime } from '../sampletime.ts';
import { isPlausible } from '../usable.ts';
import { seriesCgroupOf } from './cgroups.ts';
import { partsPerCgroupLimit, wantedCgroupLimit, wantedSeriesLimit } from './serieslimits.ts';

/** A cgroup of the body. */
interface SeenCgroup {
  /** Undefined for one whose series never count. */
  readonly cgroup: SeriesCgroup | undefined;
  /** Undefined until a series of it counts. */
  row: number | undefined;
}

export class SeriesCollector implements SampleSink {
  readonly #columns: WantedColumns;
  readonly #shapes: readonly ReturnType<typeof columnOf>[];
  readonly #cgroups: SeriesCgroup[] = [];
  readonly #seen = new Map<string, SeenCgroup>();
  #lastPath = '';
  #last: SeenCgroup | undefined;
  #series = 0;
  #values = new Float64Array();
  #parts = new Float64Array();
  #counts = new Uint16Array();
  #times = new Float64Array();

  constructor(columns: WantedColumns) {
    this.#columns = columns;
    this.#shapes = columns.map(columnOf);
  }

  /** @throws AnswerTooLongError above a limit. */
  visit(sample: Sample): number {
    this.#series += 1;
    checkCount(this.#series, wantedSeriesLimit, 'series of wanted families');
    const column = sample.family;
    const { of, only, kind, addedOver } = this.#shapes[column]!;
    if (only !== undefined && !hasLabels(sample, only)) return noRow;
    const seen = this.#seenOf(sample);
    const { cgroup } = seen;
    if (cgroup === undefined || (cgroup.kind !== of && cgroup.kind !== 'machine')) return noRow;
    const row = (seen.row ??= this.#addCgroup(cgroup));
    const place = row * this.#columns.length + column;
    const before = this.#values[place]!;
    this.#values[place] = Number.isNaN(before) || addedOver === undefined ? sample.value : before + sample.value;
    if (addedOver !== undefined) this.#addPart(place, sample.label(addedOver));
    const timeMs = this.#times[row]!;
    if (kind !== 'constant' && (Number.isNaN(timeMs) || sample.timestampMs > timeMs)) {
      this.#times[row] = sample.timestampMs;
    }
    return noRow;
  }

  add(): void {
    throw new Error('no wanted series is matched by position');
  }

  needsValue(): boolean {
    return true;
  }

  /** Returns the sums. @param time of the response. */
  batch(time: AnswerTime): SeriesBatch {
    const width = this.#columns.length;
    const count = this.#cgroups.length;
    const timesMs = this.#times.slice(0, count);
    const values = this.#values.slice(0, count * width);
    for (let row = 0; row < count; row += 1) {
      const rawMs = timesMs[row]!;
      const isConstant = !this.#hasTimed(row);
      const timestampMs = isConstant ? Number.NaN : (sampleTime(rawMs, time)?.timestampMs ?? Number.NaN);
      timesMs[row] = timestampMs;
      for (let place = row * width; place < (row + 1) * width; place += 1) {
        if (!isPlausible(values[place]!) || (!isConstant && Number.isNaN(timestampMs))) values[place] = Number.NaN;
      }
    }
    return {
      columns: this.#columns,
      cgroups: this.#cgroups,
      timesMs,
      values,
      parts: this.#parts.slice(0, count * width),
    };
  }

  /** Samples without a time get the response's. */
  #hasTimed(row: number): boolean {
    const width = this.#columns.length;
    return this.#shapes.some(
      ({ kind }, column) => kind !== 'constant' && !Number.isNaN(this.#values[row * width + column]!),
    );
  }

  #seenOf(sample: Sample): SeenCgroup {
    // Series of a cgroup's interfaces follow each other.
    if (this.#last !== undefined && sample.has('id', this.#lastPath)) return this.#last;
    const path = sample.label('id');
    let seen = this.#seen.get(path);
    if (seen === undefined) {
      checkCount(this.#seen.size + 1, wantedCgroupLimit, 'cgroups');
      seen = { cgroup: path.length > idLimit ? undefined : seriesCgroupOf(sample), row: undefined };
      this.#seen.set(path, seen);
    }
    this.#lastPath = path;
    this.#last = seen;
    return seen;
  }

  #addCgroup(cgroup: SeriesCgroup): number {
    const row = this.#cgroups.push(cgroup) - 1;
    if (row >= this.#times.length) this.#grow(Math.max(firstCgroups, 2 * row));
    return row;
  }

  #grow(rows: number): void {
    const width = this.#columns.length;
    const resized = (from: Float64Array, size: number, fill: number) => {
      const to = new Float64Array(size).fill(fill);
      to.set(from);
      return to;
    };
    this.#values = resized(this.#values, rows * width, Number.NaN);
    this.#parts = resized(this.#parts, rows * width, 0);
    this.#times = resized(this.#times, rows, Number.NaN);
    const counts = new Uint16Array(rows * width);
    counts.set(this.#counts);
    this.#counts = counts;
  }

  /** The order of parts does not matter. */
  #addPart(place: number, part: string): void {
    this.#counts[place]! += 1;
    checkCount(this.#counts[place]!, partsPerCgroupLimit, 'interfaces or devices of one cgroup');
    this.#parts[place]! += nameHash(part) + 1;
  }
}

/** A node with ten pods; the arrays grow twofold. */
const firstCgroups = 32;

function hasLabels(sample: Sample, labels: Readonly<Record<string, string>>): boolean {
  for (const name in labels) if (!sample.has(name, labels[name]!)) return false;
  return true;
}
