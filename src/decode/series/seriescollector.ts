/** Adds the wanted series of one body within each cgroup. */
import { noRow, type Sample, type SampleSink } from '../../exposition/sample.ts';
import { nameHash } from '../../namehash.ts';
import { idLimit } from '../../sample/point.ts';
import {
  columnOf,
  type SeriesBatch,
  type SeriesCgroup,
  type SeriesColumn,
  type WantedColumns,
} from '../../sample/seriescolumns.ts';
import { checkCount, textLimit } from '../limits.ts';
import { type AnswerTime, sampleTime } from '../sampletime.ts';
import { isPlausible } from '../usable.ts';
import { seriesCgroupOf } from './cgroups.ts';
import { isCountedElsewhere } from './interfaces.ts';
import { type KnownSeries, type RecognisedSeries, unwantedRow } from './knownseries.ts';
import { isStacked } from './stackedparts.ts';
import { partsPerCgroupLimit, wantedCgroupLimit, wantedSeriesLimit } from './serieslimits.ts';

/** A cgroup of a body. */
interface SeenCgroup {
  readonly path: string;
  /** Undefined for one whose series never count. */
  readonly cgroup: SeriesCgroup | undefined;
  /** Undefined until a series of it counts. */
  row: number | undefined;
}

/** The series and cgroups of a body, by which the next one of the node is recognised. */
export interface KnownBody {
  readonly columns: WantedColumns;
  readonly series: KnownSeries;
  /** By row. */
  readonly cgroups: readonly SeenCgroup[];
}

export class SeriesCollector implements SampleSink {
  readonly #columns: WantedColumns;
  readonly #shapes: readonly ReturnType<typeof columnOf>[];
  readonly #known: KnownBody;
  /** By row of the previous body. */
  readonly #rows: Int32Array;
  readonly #found: SeenCgroup[] = [];
  readonly #hasFamily: Uint8Array;
  readonly #recognised: RecognisedSeries = { row: 0, part: 0, value: Number.NaN, timestampMs: Number.NaN };
  /** By path; most bodies need none. */
  #seen: Map<string, SeenCgroup> | undefined;
  #last: SeenCgroup | undefined;
  #series = 0;
  /** Characters of cgroups' labels, which are kept until the next body. */
  #text = 0;
  #values = new Float64Array();
  #parts = new Float64Array();
  #counts = new Uint16Array();
  /** The highest of the stacked parts, by place; NaN or undefined without one. */
  #highest: Float64Array | undefined;
  #times = new Float64Array();

  constructor(known: KnownBody) {
    this.#known = known;
    this.#columns = known.columns;
    this.#shapes = known.columns.map(columnOf);
    this.#hasFamily = new Uint8Array(known.columns.length);
    this.#rows = new Int32Array(known.cgroups.length).fill(unwantedRow);
    known.series.beginBody();
    this.#grow(Math.max(firstCgroups, known.cgroups.length));
  }

  /** Reports whether the body had series of a family. */
  hasFamily(family: number): boolean {
    return this.#hasFamily[family] === 1;
  }

  /** Fast path: reads the numbers of a series of the previous body. `visit` is the slow path. See seriesdecoder.test.ts. */
  recognise(view: DataView, start: number, stop: number, family: number): boolean {
    const recognised = this.#recognised;
    if (!this.#known.series.recognise(view, start, stop, family, recognised)) return false;
    this.#count(family);
    const row = recognised.row === unwantedRow ? unwantedRow : this.#rowOf(recognised.row);
    this.#known.series.keep(family, row);
    if (row !== unwantedRow) this.#add(row, family, recognised.value, recognised.timestampMs, recognised.part);
    return true;
  }

  /** @throws AnswerTooLongError above a limit. */
  visit(sample: Sample): number {
    const column = sample.family;
    this.#count(column);
    const shape = this.#shapes[column]!;
    const { of, only, addedOver } = shape;
    const counts =
      (only === undefined || hasLabels(sample, only)) &&
      !(addedOver === 'interface' && isCountedElsewhere(sample.label(addedOver)));
    const seen = counts ? this.#seenOf(sample) : undefined;
    const cgroup = seen?.cgroup;
    let row = unwantedRow;
    let part = 0;
    if (seen !== undefined && cgroup !== undefined && (cgroup.kind === of || cgroup.kind === 'machine')) {
      row = seen.row ??= this.#addCgroup(seen);
      part = addedOver === undefined ? 0 : partOf(shape, sample.label(addedOver));
      this.#add(row, column, sample.value, sample.timestampMs, part);
    }
    this.#known.series.note(column, row, part, sample);
    return noRow;
  }

  add(): void {
    throw new Error('no wanted series is passed without its labels');
  }

  needsValue(): boolean {
    return true;
  }

  /** Returns the sums, and the known body for the next one. @param time of the response. */
  end(time: AnswerTime): { readonly batch: SeriesBatch; readonly known: KnownBody } {
    this.#joinStacked();
    const width = this.#columns.length;
    const count = this.#found.length;
    const timesMs = this.#times.slice(0, count);
    const values = this.#values.slice(0, count * width);
    for (let row = 0; row < count; row += 1) {
      const isConstant = !this.#hasTimed(row);
      // Samples without a time get the response's.
      const timestampMs = isConstant ? Number.NaN : (sampleTime(timesMs[row]!, time)?.timestampMs ?? Number.NaN);
      timesMs[row] = timestampMs;
      for (let place = row * width; place < (row + 1) * width; place += 1) {
        if (!isPlausible(values[place]!) || (!isConstant && Number.isNaN(timestampMs))) values[place] = Number.NaN;
      }
    }
    const cgroups = this.#found.map(({ cgroup }) => cgroup!);
    const parts = this.#parts.slice(0, count * width);
    this.#known.series.endBody();
    return {
      batch: { columns: this.#columns, cgroups, timesMs, values, parts },
      known: { ...this.#known, cgroups: this.#found },
    };
  }

  #count(family: number): void {
    this.#series += 1;
    checkCount(this.#series, wantedSeriesLimit, 'series of wanted families');
    this.#hasFamily[family] = 1;
  }

  #add(row: number, column: number, value: number, timestampMs: number, part: number): void {
    const place = row * this.#columns.length + column;
    const before = this.#values[place]!;
    if (part === 0) this.#values[place] = value;
    else {
      if (part < 0) this.#addStacked(place, value);
      else this.#values[place] = Number.isNaN(before) ? value : before + value;
      this.#counts[place]! += 1;
      checkCount(this.#counts[place]!, partsPerCgroupLimit, 'interfaces or devices of one cgroup');
      // The order of parts does not matter.
      this.#parts[place]! += part;
    }
    const timeMs = this.#times[row]!;
    if (this.#shapes[column]!.kind !== 'constant' && (Number.isNaN(timeMs) || timestampMs > timeMs)) {
      this.#times[row] = timestampMs;
    }
  }

  #addStacked(place: number, value: number): void {
    this.#highest ??= new Float64Array(this.#values.length).fill(Number.NaN);
    const before = this.#highest[place]!;
    if (!(value <= before)) this.#highest[place] = value;
  }

  /** Takes the highest of the stacked parts where it is above the sum of the others. */
  #joinStacked(): void {
    for (const [place, highest] of (this.#highest ?? []).entries()) {
      if (highest >= 0 && !(this.#values[place]! >= highest)) this.#values[place] = highest;
    }
  }

  #hasTimed(row: number): boolean {
    const first = row * this.#columns.length;
    for (let column = 0; column < this.#columns.length; column += 1) {
      if (this.#shapes[column]!.kind !== 'constant' && !Number.isNaN(this.#values[first + column]!)) return true;
    }
    return false;
  }

  #rowOf(before: number): number {
    let row = this.#rows[before]!;
    if (row === unwantedRow) row = this.#findAgain(before);
    return row;
  }

  /** The slow path may have met the cgroup already. */
  #findAgain(before: number): number {
    const { path, cgroup } = this.#known.cgroups[before]!;
    const seen = this.#seen?.get(path) ?? { path, cgroup, row: undefined };
    seen.row ??= this.#addCgroup(seen);
    this.#rows[before] = seen.row;
    return seen.row;
  }

  #seenOf(sample: Sample): SeenCgroup {
    // Series of a cgroup's interfaces follow each other.
    if (this.#last !== undefined && sample.has('id', this.#last.path)) return this.#last;
    this.#seen ??= new Map(this.#found.map((found) => [found.path, found]));
    const path = sample.label('id');
    let seen = this.#seen.get(path);
    if (seen === undefined) {
      checkCount(this.#seen.size + 1, wantedCgroupLimit, 'cgroups');
      seen = { path, cgroup: path.length > idLimit ? undefined : seriesCgroupOf(sample), row: undefined };
      this.#text += path.length + (seen.cgroup?.namespace.length ?? 0) + (seen.cgroup?.pod.length ?? 0);
      checkCount(this.#text, textLimit, 'characters of cgroups');
      this.#seen.set(path, seen);
    }
    this.#last = seen;
    return seen;
  }

  #addCgroup(seen: SeenCgroup): number {
    const row = this.#found.push(seen) - 1;
    this.#seen?.set(seen.path, seen);
    if (row >= this.#times.length) this.#grow(2 * row);
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
    if (this.#highest !== undefined) this.#highest = resized(this.#highest, rows * width, Number.NaN);
    this.#parts = resized(this.#parts, rows * width, 0);
    this.#times = resized(this.#times, rows, Number.NaN);
    const counts = new Uint16Array(rows * width);
    counts.set(this.#counts);
    this.#counts = counts;
  }
}

/** A node with ten pods; the arrays grow twofold. */
const firstCgroups = 32;

/** Returns the identity of a part: never 0, below 0 for stacked ones. */
function partOf(shape: SeriesColumn, name: string): number {
  const part = (nameHash(name) >>> 2) + 1;
  return isStacked(shape, name) ? -part : part;
}

function hasLabels(sample: Sample, labels: Readonly<Record<string, string>>): boolean {
  for (const name in labels) if (!sample.has(name, labels[name]!)) return false;
  return true;
}
