/**
 * Says which series of /metrics/resource mean what, and makes pods of them: for nodes where cAdvisor has no containers.
 * Its rows have no cgroup, so a pod has no UID here, and a container is told from its successor by its start time.
 */
import { type UnlabeledSample, type Sample, noRow } from '../../exposition/sample.ts';
import { canBeName, type ContainerPoint, type PodBatch, type Point } from '../../sample/point.ts';
import { aliveMachine, deadAfterMs, oldestAliveMs } from '../age.ts';
import type { Choice, Collector, Dialect } from '../dialect.ts';
import type { Steps } from '../steps.ts';
import {
  AnswerBudget,
  candidateLimit,
  checkCount,
  longFromRows,
  namesakeLimit,
  otherLineLimit,
  rowsPerStep,
} from '../limits.ts';
import type { Lineage } from './lineage.ts';
import { type Identified, pointOfLines } from './lines.ts';
import { quantities } from '../../sample/quantities.ts';
import { Readings } from '../reading.ts';
import type { RowNumbers } from '../rownumbers.ts';
import { hasValue, toMachinePoint } from '../usable.ts';
import type { AnswerTime } from '../sampletime.ts';

/** Families of the machine, by quantity, and then those of containers. */
const read = [
  ...quantities.map(({ resource: { node } }, column) => ({ family: node, column, isOfMachine: true })),
  ...quantities.map(({ resource: { container } }, column) => ({ family: container, column, isOfMachine: false })),
].filter(({ family }) => family !== undefined);

/** All families that are read. */
export const resourceFamilies: readonly string[] = read.map(({ family }) => family ?? '');

/** The column of each family in a row. */
const columnOf: readonly number[] = read.map(({ column }) => column);

const firstContainerFamily = read.findIndex(({ isOfMachine }) => !isOfMachine);

/** What the next answer is read by, also where a broken one comes between. */
interface Remembered {
  /** Of the containers that have had several lines, by namespace, pod and name. */
  readonly lineages: ReadonlyMap<string, readonly Lineage[]>;
  /** The same list as long as no answer is broken. */
  readonly rows: readonly Row[];
}

/** The machine is the row without names. */
interface Row extends Identified {
  readonly namespace: string;
  readonly pod: string;
}

export const resource: Dialect<Row, Remembered> = {
  source: 'resource',
  families: resourceFamilies,
  moving: [...resourceFamilies.keys()],
  identity: 'all labels',
  oldestMs: deadAfterMs,
  collect: (rows, numbers) => new ResourceCollector(rows, numbers),
  kept: (row) => row,
};

/** Takes the samples of one body, their families by index in resourceFamilies, and gives what they add up to. */
class ResourceCollector implements Collector<Remembered> {
  readonly numbers: RowNumbers;
  readonly hasSwap = undefined;
  readonly #rows: Row[];
  #places: Map<string, number> | undefined;
  /** The lines of a container beside its first one. The kubelet sorts equal ones by their time, so the first CPU belongs to the first memory. */
  readonly #otherLines = new Map<number, Readings[]>();
  #otherLineCount = 0;
  readonly #budget = new AnswerBudget();

  constructor(rows: Row[], numbers: RowNumbers) {
    this.#rows = rows;
    this.numbers = numbers;
  }

  visit(sample: Sample): number {
    this.#budget.sample();
    const row = sample.family < firstContainerFamily ? machine : containerRowOf(sample);
    if (row === undefined) return noRow;
    const place = this.#placeOf(row);
    const isFirst = !this.numbers.isSeen(place, columnOf[sample.family]!);
    this.add(place, sample);
    return isFirst ? place : noRow;
  }

  add(row: number, sample: UnlabeledSample): void {
    const column = columnOf[sample.family]!;
    if (!this.numbers.isSeen(row, column)) this.numbers.add(row, column, sample);
    else if (sample.family >= firstContainerFamily) this.#addLine(row, column, sample);
  }

  needsValue(): boolean {
    return true;
  }

  get isPlain(): boolean {
    return this.#otherLines.size === 0;
  }

  #seenPlaces(): number[] {
    return [...this.#rows.keys()].filter((place) => this.numbers.isAnySeen(place));
  }

  *choose(time: AnswerTime, before: Remembered = { lineages: new Map(), rows: this.#rows }): Steps<Choice<Remembered>> {
    this.#recall(before.rows);
    const rowOf = new Map<Point, number>();
    const lineages = new Map<string, readonly Lineage[]>();
    const points: Told[] = [];
    let machinePoint: Point | undefined;
    const isLong = this.#rows.length > longFromRows;
    const seen = this.#seenPlaces();
    for (const place of seen) {
      if (place % rowsPerStep === rowsPerStep - 1 && isLong) yield;
      const row = this.#rows[place]!;
      const readings = this.numbers.readings(place);
      if (isMachine(row)) {
        machinePoint = toMachinePoint(readings, time);
        if (machinePoint !== undefined) rowOf.set(machinePoint, place);
        continue;
      }
      const lines = [readings, ...(this.#otherLines.get(place) ?? [])];
      const key = keyOf(row);
      const { point, followed, isOneOfSeveral } = pointOfLines(row, lines, time, before.lineages.get(key) ?? []);
      if (followed.length > 0) lineages.set(key, followed);
      // Several lines are told apart by their counters, so the next answer is looked at, too.
      points.push({ row, place: isOneOfSeveral ? undefined : place, point });
    }
    machinePoint = aliveMachine(
      machinePoint,
      points.map(({ point }) => point),
      time.nodeTimeMs,
    );
    checkCount(points.length, candidateLimit, 'rows of containers');
    if (isLong) yield;
    const pods = podsOf(points, time.nodeTimeMs, rowOf);
    if (isLong) yield;
    if (machinePoint === undefined && !points.some(({ point }) => hasValue(point)))
      return { kind: 'unusable', reason: 'no usable rows' };
    return {
      kind: 'chosen',
      machine: machinePoint,
      pods: [...pods.values()],
      rowOf,
      rowCount: seen.length,
      doubts: undefined,
      seen,
      carried: { lineages, rows: this.#rows },
    };
  }

  /** Gives rows that were made anew what was known of them. */
  #recall(before: readonly Row[]): void {
    if (before === this.#rows) return;
    const known = new Map(before.map((row) => [keyOf(row), row]));
    for (const row of this.#rows) {
      const { containerId, startSeconds } = known.get(keyOf(row)) ?? row;
      row.containerId ??= containerId;
      row.startSeconds ??= startSeconds;
    }
  }

  #addLine(place: number, column: number, sample: UnlabeledSample): void {
    let lines = this.#otherLines.get(place);
    if (lines === undefined) {
      lines = [];
      this.#otherLines.set(place, lines);
    }
    let line = lines.find((readings) => !readings.at(column).seen);
    if (line === undefined) {
      line = new Readings();
      lines.push(line);
      this.#otherLineCount += 1;
      checkCount(lines.length, namesakeLimit, 'lines of one container');
      checkCount(this.#otherLineCount, otherLineLimit, 'lines of containers that have one already');
    }
    line.at(column).add(sample);
  }

  #placeOf(row: Row): number {
    this.#places ??= new Map(this.#rows.map((known, place) => [keyOf(known), place]));
    const key = keyOf(row);
    let place = this.#places.get(key);
    if (place === undefined) {
      this.#budget.row(this.#rows.length + 1, key.length);
      place = this.#rows.push(row) - 1;
      this.#places.set(key, place);
    }
    return place;
  }
}

/** One container of an answer. */
interface Told {
  readonly row: Row;
  /** Where its numbers will be in the next answer, too; undefined where that is not sure. */
  readonly place: number | undefined;
  readonly point: ContainerPoint;
}

/** The pods of the containers that are still sampled. @param rowOf gets the row of each. */
function podsOf(points: readonly Told[], nodeTimeMs: number, rowOf: Map<Point, number>): Map<string, PodBatch> {
  const pods = new Map<string, PodBatch & { readonly containers: ContainerPoint[] }>();
  const limitMs = oldestAliveMs(points.map(({ point }) => nodeTimeMs - point.timestampMs));
  for (const { row, place, point } of points) {
    if (nodeTimeMs - point.timestampMs > limitMs) continue;
    if (place !== undefined) rowOf.set(point, place);
    const podKey = `${row.namespace}\0${row.pod}`;
    const pod = pods.get(podKey);
    if (pod !== undefined) pod.containers.push(point);
    else pods.set(podKey, { namespace: row.namespace, name: row.pod, uid: undefined, containers: [point] });
  }
  return pods;
}

const machine: Row = { namespace: '', pod: '', container: '', containerId: undefined, startSeconds: undefined };

function isMachine({ container }: Row): boolean {
  return container === '';
}

/** Undefined where a name is missing, or cannot be one. */
function containerRowOf(sample: Sample): Row | undefined {
  const namespace = sample.label('namespace');
  const pod = sample.label('pod');
  const container = sample.label('container');
  if (namespace === '' || pod === '' || container === '') return undefined;
  if (!canBeName(namespace) || !canBeName(pod) || !canBeName(container)) return undefined;
  return { namespace, pod, container, containerId: undefined, startSeconds: undefined };
}

function keyOf({ namespace, pod, container }: Pick<Row, 'namespace' | 'pod' | 'container'>): string {
  return `${namespace}\0${pod}\0${container}`;
}
