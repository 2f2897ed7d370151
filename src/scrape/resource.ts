/**
 * Says which series of /metrics/resource mean what, and makes pods of them: for nodes where cAdvisor has no containers.
 * Its rows have no cgroup, so a pod has no UID here, and a container is told from its successor by its start time.
 */
import { type Numbers, type Sample, unremembered } from '../exposition/sample.ts';
import {
  canBeName,
  type ContainerPoint,
  type PodBatch,
  type Point,
  startIdPrefix,
  unknownContainerId,
} from '../point.ts';
import { aliveMachine, deadAfterMs, oldestAliveMs } from './age.ts';
import type { Choice, Collector, Meaning } from './meaning.ts';
import type { Steps } from '../kubelet/turns.ts';
import {
  AnswerBudget,
  candidateLimit,
  checkCount,
  longFromRows,
  namesakeLimit,
  otherLineLimit,
  rowsPerStep,
} from './answerlimits.ts';
import { followLineages, type Lineage } from './lineage.ts';
import { isPlausible, Readings } from './reading.ts';
import { rowFamilies, type RowNumbers, takeRowNumbers } from './rownumbers.ts';
import type { AnswerTime } from './sampletime.ts';

/** Every family that is read, and asked for by name[] where the kubelet can filter. */
export const resourceFamilies: readonly string[] = [
  'node_cpu_usage_seconds_total',
  'node_memory_working_set_bytes',
  'node_swap_usage_bytes',
  'container_cpu_usage_seconds_total',
  'container_memory_working_set_bytes',
  'container_swap_usage_bytes',
  'container_start_time_seconds',
];

/** Which of a row's numbers each family is. */
const columnOf: readonly number[] = [
  rowFamilies.cpu,
  rowFamilies.memory,
  rowFamilies.swap,
  rowFamilies.cpu,
  rowFamilies.memory,
  rowFamilies.swap,
  rowFamilies.start,
];

const firstContainerFamily = resourceFamilies.indexOf('container_cpu_usage_seconds_total');

/** Of the containers that have several lines, by namespace, pod and name. */
type Lineages = ReadonlyMap<string, readonly Lineage[]>;

/** The machine is the row without names. */
interface Row {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export const resource: Meaning<Row, Lineages> = {
  source: 'resource',
  families: resourceFamilies,
  moving: [...resourceFamilies.keys()],
  identity: 'all labels',
  oldestMs: deadAfterMs,
  collect: (rows) => new ResourceCollector(rows),
  kept: (row) => row,
};

/** Takes the samples of one body, their families by index in resourceFamilies, and gives what they add up to. */
class ResourceCollector implements Collector<Lineages> {
  readonly numbers: RowNumbers;
  readonly hasSwap = undefined;
  readonly #rows: Row[];
  #places: Map<string, number> | undefined;
  /** The lines of a container beside its first one. The kubelet sorts equal ones by their time, so the first CPU belongs to the first memory. */
  readonly #otherLines = new Map<number, Readings[]>();
  #otherLineCount = 0;
  readonly #budget = new AnswerBudget();

  constructor(rows: Row[]) {
    this.#rows = rows;
    this.numbers = takeRowNumbers(rows.length);
  }

  visit(sample: Sample): number {
    this.#budget.sample();
    const row = sample.family < firstContainerFamily ? machine : rowOf(sample);
    if (row === undefined) return unremembered;
    const place = this.#placeOf(row);
    const isFirst = !this.numbers.isSeen(place, columnOf[sample.family]!);
    this.add(place, sample);
    return isFirst ? place : unremembered;
  }

  add(row: number, sample: Numbers): void {
    const column = columnOf[sample.family]!;
    if (!this.numbers.isSeen(row, column)) this.numbers.add(row, column, sample);
    else if (sample.family >= firstContainerFamily) this.#addLine(row, column, sample);
  }

  isWanted(): boolean {
    return true;
  }

  get isPlain(): boolean {
    return this.#otherLines.size === 0;
  }

  #seenPlaces(): number[] {
    return [...this.#rows.keys()].filter((place) => this.numbers.isAnySeen(place));
  }

  *choose(time: AnswerTime, before: Lineages = new Map()): Steps<Choice<Lineages>> {
    const places = new Map<Point, number>();
    const lineages = new Map<string, readonly Lineage[]>();
    const points: { readonly row: Row; readonly place: number; readonly point: ContainerPoint }[] = [];
    let machinePoint: Point | undefined;
    const isLong = this.#rows.length > longFromRows;
    const seen = this.#seenPlaces();
    for (const place of seen) {
      if (place % rowsPerStep === rowsPerStep - 1 && isLong) yield;
      const row = this.#rows[place]!;
      const readings = this.numbers.readings(place);
      if (isMachine(row)) {
        machinePoint = readings.toMachinePoint(time);
        if (machinePoint !== undefined) places.set(machinePoint, place);
        continue;
      }
      const lines = [readings, ...(this.#otherLines.get(place) ?? [])];
      const key = keyOf(row);
      const { point, followed } = toContainerPoint(row.container, lines, time, before.get(key) ?? []);
      if (followed !== undefined) lineages.set(key, followed);
      if (point !== undefined) points.push({ row, place, point });
    }
    machinePoint = aliveMachine(
      machinePoint,
      points.map(({ point }) => point),
      time.nodeTimeMs,
    );
    checkCount(points.length, candidateLimit, 'rows of containers');
    if (isLong) yield;
    const pods = podsOf(points, time.nodeTimeMs, places);
    if (isLong) yield;
    if (machinePoint === undefined && pods.size === 0) return { kind: 'unusable', reason: 'no usable rows' };
    const rows = seen.length;
    return {
      kind: 'chosen',
      machine: machinePoint,
      pods: [...pods.values()],
      places,
      rows,
      doubts: undefined,
      seen,
      carried: lineages,
    };
  }

  #addLine(place: number, column: number, sample: Numbers): void {
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

/** The pods of the containers that are still sampled. @param places gets the place of each. */
function podsOf(
  points: readonly { readonly row: Row; readonly place: number; readonly point: ContainerPoint }[],
  nodeTimeMs: number,
  places: Map<Point, number>,
): Map<string, PodBatch> {
  const pods = new Map<string, PodBatch & { readonly containers: ContainerPoint[] }>();
  const limitMs = oldestAliveMs(points.map(({ point }) => nodeTimeMs - point.timestampMs));
  for (const { row, place, point } of points) {
    if (nodeTimeMs - point.timestampMs > limitMs) continue;
    places.set(point, place);
    const podKey = `${row.namespace}\0${row.pod}`;
    const pod = pods.get(podKey);
    if (pod !== undefined) pod.containers.push(point);
    else pods.set(podKey, { namespace: row.namespace, name: row.pod, uid: undefined, containers: [point] });
  }
  return pods;
}

const machine: Row = { namespace: '', pod: '', container: '' };

function isMachine({ container }: Row): boolean {
  return container === '';
}

/** Undefined where a name is missing, or cannot be one. */
function rowOf(sample: Sample): Row | undefined {
  const row = { namespace: sample.label('namespace'), pod: sample.label('pod'), container: sample.label('container') };
  if (row.namespace === '' || row.pod === '' || row.container === '') return undefined;
  return canBeName(row.namespace) && canBeName(row.pod) && canBeName(row.container) ? row : undefined;
}

function keyOf({ namespace, pod, container }: Row): string {
  return `${namespace}\0${pod}\0${container}`;
}

interface Chosen {
  readonly point: ContainerPoint | undefined;
  /** Where there were several lines to choose from. */
  readonly followed?: readonly Lineage[];
}

function toContainerPoint(
  name: string,
  lines: readonly Readings[],
  time: AnswerTime,
  before: readonly Lineage[],
): Chosen {
  // A line is of a container that runs only if it has both; where a start time is told, there is one for all.
  const whole = lines.filter(({ cpu, memory }) => cpu.seen && memory.seen);
  const [readings = lines[0]] = whole;
  if (readings === undefined) return { point: undefined };
  if (whole.length > 1) return newestOf(name, whole, time, before);
  const point = readings.toPointOrUnusable(time);
  const startTimeMs = readings.startTimeMs();
  // The exact value tells more than the milliseconds: runtimes give nanoseconds.
  const containerId = startTimeMs === undefined ? unknownContainerId : `${startIdPrefix}${readings.start.value}`;
  return { point: { name, containerId, startTimeMs, ...point } };
}

/**
 * The line that came last is of the pod that has the name now. Which of them the start time belongs to, nobody knows. A counter that cannot be does not
 * say which line it is in: where it may be the last one's, the container has no value now, so that no other line stands in for it.
 */
function newestOf(name: string, lines: readonly Readings[], time: AnswerTime, before: readonly Lineage[]): Chosen {
  const counted = lines.filter(({ cpu }) => isPlausible(cpu.value));
  const followed = followLineages(
    before,
    counted.map(({ cpu }) => cpu.value),
  );
  const last = Math.max(0, ...before.map(({ generation }) => generation));
  const generation = Math.max(...followed.map((lineage) => lineage.generation));
  const odd = generation < last ? lines.find((line) => !counted.includes(line)) : undefined;
  const readings = odd ?? counted[followed.findIndex((lineage) => lineage.generation === generation)];
  if (readings === undefined) return { point: undefined, followed };
  const containerId = `line:${odd === undefined ? generation : last}`;
  const point = { name, containerId, startTimeMs: undefined, ...readings.toPointOrUnusable(time) };
  return { point, followed: odd === undefined ? followed : before };
}
