/**
 * Decodes /metrics/resource, for nodes where cAdvisor has no containers. Series have no cgroup, so pods have no UID.
 */
import { noRow, type Sample, type UnlabeledSample } from '../../exposition/sample.ts';
import { canBeName, type ContainerPoint, type PodBatch, type Point } from '../../sample/point.ts';
import { aliveMachine, deadAfterMs, oldestAliveMs } from '../age.ts';
import type { Choice, Collector, Dialect } from '../dialect.ts';
import {
  AnswerBudget,
  candidateLimit,
  checkCount,
  longFromRows,
  namesakeLimit,
  otherLineLimit,
  rowsPerStep,
} from '../limits.ts';
import { Readings } from '../reading.ts';
import type { RowNumbers } from '../rownumbers.ts';
import type { AnswerTime } from '../sampletime.ts';
import type { Steps } from '../steps.ts';
import { hasValue, toMachinePoint } from '../usable.ts';
import { columnOf, firstContainerFamily, resourceFamilies } from './families.ts';
import type { Lineage } from './lineage.ts';
import { type ContainerIdentity, pointOfLines } from './lines.ts';

/** Survives a broken body. */
interface LineState {
  /** The lineages of containers with several lines, by namespace, pod and name. */
  readonly lineages: ReadonlyMap<string, readonly Lineage[]>;
  /** The same list until a body is broken. */
  readonly rows: readonly ResourceRow[];
}

/** The machine is the row without names. */
interface ResourceRow extends ContainerIdentity {
  readonly namespace: string;
  readonly pod: string;
}

export const resource: Dialect<ResourceRow, LineState> = {
  source: 'resource',
  families: resourceFamilies,
  moving: [...resourceFamilies.keys()],
  identity: 'all labels',
  oldestMs: deadAfterMs,
  collect: (rows, numbers) => new ResourceCollector(rows, numbers),
  kept: (row) => row,
};

class ResourceCollector implements Collector<LineState> {
  readonly numbers: RowNumbers;
  readonly columns = columnOf;
  readonly hasSwap = undefined;
  readonly #rows: ResourceRow[];
  #indexes: Map<string, number> | undefined;
  /**
   * A container's lines beside the first. The kubelet sorts equal ones by time: the first CPU belongs to the first
   * memory.
   */
  readonly #otherLines = new Map<number, Readings[]>();
  #otherLineCount = 0;
  readonly #budget = new AnswerBudget();

  constructor(rows: ResourceRow[], numbers: RowNumbers) {
    this.#rows = rows;
    this.numbers = numbers;
  }

  visit(sample: Sample): number {
    this.#budget.sample();
    const known = sample.family < firstContainerFamily ? machine : containerRowOf(sample);
    if (known === undefined) return noRow;
    const row = this.#indexOf(known);
    const isFirst = !this.numbers.isSeen(row, columnOf[sample.family]!);
    this.add(row, sample);
    return isFirst ? row : noRow;
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

  *choose(time: AnswerTime, before: LineState = { lineages: new Map(), rows: this.#rows }): Steps<Choice<LineState>> {
    this.#restore(before.rows);
    const rowOf = new Map<Point, number>();
    const lineages = new Map<string, readonly Lineage[]>();
    const containers: SampledContainer[] = [];
    let machinePoint: Point | undefined;
    const isLong = this.#rows.length > longFromRows;
    const seen = [...this.#rows.keys()].filter((row) => this.numbers.isAnySeen(row));
    for (const row of seen) {
      if (row % rowsPerStep === rowsPerStep - 1 && isLong) yield;
      const identity = this.#rows[row]!;
      const readings = this.numbers.readings(row);
      if (isMachine(identity)) {
        machinePoint = toMachinePoint(readings, time);
        if (machinePoint !== undefined) rowOf.set(machinePoint, row);
        continue;
      }
      const lines = [readings, ...(this.#otherLines.get(row) ?? [])];
      const key = keyOf(identity);
      const { point, followed, isOneOfSeveral } = pointOfLines(identity, lines, time, before.lineages.get(key) ?? []);
      if (followed.length > 0) lineages.set(key, followed);
      // Several lines differ by counters, so the next body takes the slow path too.
      containers.push({ identity, row: isOneOfSeveral ? undefined : row, point });
    }
    machinePoint = aliveMachine(
      machinePoint,
      containers.map(({ point }) => point),
      time.nodeTimeMs,
    );
    checkCount(containers.length, candidateLimit, 'rows of containers');
    if (isLong) yield;
    const pods = podsOf(containers, time.nodeTimeMs, rowOf);
    if (isLong) yield;
    if (machinePoint === undefined && !containers.some(({ point }) => hasValue(point)))
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

  #restore(before: readonly ResourceRow[]): void {
    if (before === this.#rows) return;
    const known = new Map(before.map((row) => [keyOf(row), row]));
    for (const row of this.#rows) {
      const { containerId, startSeconds } = known.get(keyOf(row)) ?? row;
      row.containerId ??= containerId;
      row.startSeconds ??= startSeconds;
    }
  }

  #addLine(row: number, column: number, sample: UnlabeledSample): void {
    let lines = this.#otherLines.get(row);
    if (lines === undefined) {
      lines = [];
      this.#otherLines.set(row, lines);
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

  #indexOf(row: ResourceRow): number {
    this.#indexes ??= new Map(this.#rows.map((known, index) => [keyOf(known), index]));
    const key = keyOf(row);
    let index = this.#indexes.get(key);
    if (index === undefined) {
      this.#budget.row(this.#rows.length + 1, key.length);
      index = this.#rows.push(row) - 1;
      this.#indexes.set(key, index);
    }
    return index;
  }
}

interface SampledContainer {
  readonly identity: ResourceRow;
  /** Undefined if its numbers may move. */
  readonly row: number | undefined;
  readonly point: ContainerPoint;
}

function podsOf(
  containers: readonly SampledContainer[],
  nodeTimeMs: number,
  rowOf: Map<Point, number>,
): Map<string, PodBatch> {
  const pods = new Map<string, PodBatch & { readonly containers: ContainerPoint[] }>();
  const limitMs = oldestAliveMs(containers.map(({ point }) => nodeTimeMs - point.timestampMs));
  for (const { identity, row, point } of containers) {
    if (nodeTimeMs - point.timestampMs > limitMs) continue;
    if (row !== undefined) rowOf.set(point, row);
    const podKey = `${identity.namespace}\0${identity.pod}`;
    const pod = pods.get(podKey);
    if (pod !== undefined) pod.containers.push(point);
    else pods.set(podKey, { namespace: identity.namespace, name: identity.pod, uid: undefined, containers: [point] });
  }
  return pods;
}

const machine: ResourceRow = {
  namespace: '',
  pod: '',
  container: '',
  containerId: undefined,
  startSeconds: undefined,
};

function isMachine({ container }: ResourceRow): boolean {
  return container === '';
}

function containerRowOf(sample: Sample): ResourceRow | undefined {
  const namespace = sample.label('namespace');
  const pod = sample.label('pod');
  const container = sample.label('container');
  if (namespace === '' || pod === '' || container === '') return undefined;
  if (!canBeName(namespace) || !canBeName(pod) || !canBeName(container)) return undefined;
  return { namespace, pod, container, containerId: undefined, startSeconds: undefined };
}

function keyOf({ namespace, pod, container }: Pick<ResourceRow, 'namespace' | 'pod' | 'container'>): string {
  return `${namespace}\0${pod}\0${container}`;
}
