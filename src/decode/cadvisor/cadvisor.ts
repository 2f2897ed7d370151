/** Decodes /metrics/cadvisor: joins series into one candidate per container cgroup. */
import { type UnlabeledSample, type Sample, noRow } from '../../exposition/sample.ts';
import type { Point } from '../../sample/point.ts';
import { quantities, scrapedColumn } from '../../sample/quantities.ts';
import { aliveMachine, deadAfterMs } from '../age.ts';
import type { Choice, Collector, Dialect, PodName } from '../dialect.ts';
import { AnswerBudget, candidateLimit, checkCount, longFromRows, rowsPerStep } from '../limits.ts';
import { Reading, type Readings } from '../reading.ts';
import type { RowNumbers } from '../rownumbers.ts';
import type { AnswerTime } from '../sampletime.ts';
import type { Steps } from '../steps.ts';
import { hasValue, isPlausible, startTimeMs, toContainerPoint, toMachinePoint } from '../usable.ts';
import type { CgroupCandidate } from './candidate.ts';
import { type CgroupRow, compact, containerIdOf, isOfRow, pathOf, rowOf } from './cgrouprow.ts';
import { doubtsOf } from './doubts.ts';
import { cadvisorFamilies, machineSwap, movingFamilies, scrapeError } from './families.ts';
import { KnownRows } from './knownrows.ts';
import { selecting, type SelectionState } from './select.ts';

export const cadvisor: Dialect<CgroupRow, SelectionState> = {
  source: 'cadvisor',
  families: cadvisorFamilies,
  moving: movingFamilies,
  // The path identifies a cgroup: other labels stay, or change the length. But a total of CPU is no longer than a
  // core's.
  identity: { label: 'id', detail: 'cpu' },
  oldestMs: deadAfterMs,
  collect: (rows, numbers) => new CadvisorCollector(rows, numbers),
  kept: compact,
};

/** The families of a cgroup are the first ones. */
const cgroupColumns: readonly number[] = [...quantities.keys()];

class CadvisorCollector implements Collector<SelectionState> {
  readonly numbers: RowNumbers;
  readonly columns = cgroupColumns;
  readonly #rows: CgroupRow[];
  /** Most bodies need none. */
  #known: KnownRows | undefined;
  #visited: Map<string, number> | undefined;
  /** Kubelets before 1.16 report CPU per core. */
  readonly #cores = new Map<number, Map<string, Reading>>();
  readonly #swapCapacity = new Reading();
  readonly #budget = new AnswerBudget();
  #scrapeFailed = false;

  constructor(rows: CgroupRow[], numbers: RowNumbers) {
    this.#rows = rows;
    this.numbers = numbers;
  }

  visit(sample: Sample): number {
    const { family } = sample;
    this.#budget.sample();
    if (family === scrapeError) {
      if (sample.value !== 0) this.#scrapeFailed = true;
      return noRow;
    }
    if (family === machineSwap) {
      this.#swapCapacity.add(sample);
      return noRow;
    }
    const row = this.#rowOf(sample);
    if (family === scrapedColumn.cpu && this.#addCore(row, sample)) return noRow;
    this.numbers.add(row, family, sample);
    return row;
  }

  add(row: number, sample: UnlabeledSample): void {
    this.numbers.add(row, sample.family, sample);
  }

  needsValue(row: number): boolean {
    const kind = this.#rows[row]?.kind;
    return kind === 'container' || kind === 'machine';
  }

  get isPlain(): boolean {
    return !this.#scrapeFailed && this.#cores.size === 0;
  }

  /** Kubelet 1.28 does not report it, 1.31 does. */
  get hasSwap(): boolean | undefined {
    const { seen, value } = this.#swapCapacity;
    return seen && isPlausible(value) ? value > 0 : undefined;
  }

  *choose(time: AnswerTime, before: SelectionState | undefined): Steps<Choice<SelectionState>> {
    const isLong = this.#rows.length > longFromRows;
    const seen = this.#seenRows();
    if (isLong) yield;
    const reason = this.#whyUnusable(seen);
    if (isLong) yield;
    if (reason !== undefined) return { kind: 'unusable', reason };
    const candidates: CgroupCandidate[] = [];
    const valueless: PodName[] = [];
    const rowOfPoint = new Map<Point, number>();
    let machine: Point | undefined;
    let rowCount = 0;
    for (const row of seen) {
      const { kind, namespace, pod } = this.#rows[row]!;
      if (kind === 'machine' || kind === 'container') rowCount += 1;
      if (kind === 'machine') machine = toMachinePoint(this.#readingsOf(row), time);
      const candidate = kind === 'container' ? toCandidate(this.#rows[row]!, this.#readingsOf(row), time) : undefined;
      if (candidate !== undefined) checkCount(candidates.push(candidate), candidateLimit, 'rows of containers');
      else if (kind === 'container') valueless.push({ namespace, name: pod });
      if (row % rowsPerStep === rowsPerStep - 1 && isLong) yield;
      const point = kind === 'machine' ? machine : candidate?.point;
      if (point !== undefined) rowOfPoint.set(point, row);
    }
    machine = aliveMachine(
      machine,
      candidates.flatMap(({ point }) => point ?? []),
      time.nodeTimeMs,
    );
    if (machine === undefined && candidates.every(({ point }) => !hasValue(point))) {
      return { kind: 'unusable', reason: 'no usable rows' };
    }
    const { pods, state } = yield* selecting(candidates, time.nodeTimeMs, before);
    const rows = seen.map((row) => this.#rows[row]!);
    const doubts = { pods: doubtsOf(rows, candidates, valueless), unlabelled: rows.some(isUnlabelledContainer) };
    return { kind: 'chosen', machine, pods, rowOf: rowOfPoint, rowCount, doubts, seen, carried: state };
  }

  #seenRows(): number[] {
    return [...this.#rows.keys()].filter((row) => this.numbers.isAnySeen(row) || this.#cores.has(row));
  }

  /** Judges the body without knowing its pods. */
  #whyUnusable(seen: readonly number[]): string | undefined {
    if (this.#scrapeFailed) return 'the kubelet failed to read its containers (container_scrape_error is 1)';
    if (seen.length === 0) return 'no container rows (Windows, or nothing sampled yet)';
    // The runtime's CPU has whole seconds. cAdvisor's IDs are paths; the machine may have a row in either case.
    if (seen.some((row) => this.#rows[row]?.hasPath !== true)) return 'no cgroup paths (PodAndContainerStatsFromCRI)';
    // Without labels, cAdvisor does not reach the runtime: never with cri-dockerd, until the kubelet restarts with
    // others. A pod in creation rightly has no container rows.
    const rows = seen.map((row) => this.#rows[row]!);
    const hasContainer = rows.some(({ kind }) => kind === 'container');
    return !hasContainer && rows.some(isUnlabelledContainer) ? 'no labelled container rows' : undefined;
  }

  #rowOf(sample: Sample): number {
    const path = sample.label('id');
    const before = this.#visited?.get(path);
    if (before !== undefined && isOfRow(this.#rows[before]!, sample)) return before;
    const row = this.#indexOf(rowOf(sample));
    // The root needs more labels to be identified.
    if (path !== '/') (this.#visited ??= new Map()).set(path, row);
    return row;
  }

  #indexOf(row: CgroupRow): number {
    this.#known ??= new KnownRows(this.#rows);
    const known = this.#known.indexOf(row);
    if (known !== undefined) return known;
    const { path, namespace, pod, container, pointId } = row;
    const characters = Math.max(path.length, pointId.length) + namespace.length + pod.length + container.length;
    this.#budget.row(this.#rows.length + 1, characters);
    const added = this.#rows.push(this.#known.share(row)) - 1;
    this.#known.add(row, added);
    return added;
  }

  #addCore(row: number, sample: Sample): boolean {
    const cpu = sample.label('cpu');
    if (cpu === 'total' || cpu === '') return false;
    let cores = this.#cores.get(row);
    if (cores === undefined) {
      cores = new Map();
      this.#cores.set(row, cores);
    }
    let core = cores.get(cpu);
    if (core === undefined) {
      this.#budget.text(cpu.length);
      core = new Reading();
      cores.set(cpu, core);
    }
    core.add(sample);
    return true;
  }

  #readingsOf(row: number): Readings {
    const readings = this.numbers.readings(row);
    const { cpu } = readings;
    if (cpu.seen) return readings;
    for (const core of this.#cores.get(row)?.values() ?? []) {
      cpu.seen = true;
      cpu.value += core.value;
      cpu.timestampMs = core.timestampMs;
    }
    return readings;
  }
}

/** Two periods of cAdvisor's slowest housekeeping. */
const firstSampleMs = 60_000;

function isUnlabelledContainer(row: CgroupRow): boolean {
  return row.isUnlabelledContainer;
}

function toCandidate(row: CgroupRow, readings: Readings, time: AnswerTime): CgroupCandidate | undefined {
  const { namespace, pod, container: name, folder, pointId: containerId } = row;
  const startedMs = startTimeMs(readings.start.value);
  // Without both series, it was just started or is dead.
  const isThere = readings.cpu.seen || readings.memory.seen;
  if (!isThere && !isJustStarted(startedMs, time.nodeTimeMs)) return undefined;
  if (folder === undefined) throw new Error('the row of a container has a folder');
  const { podUid, trusted, depth } = folder;
  return {
    namespace,
    pod,
    path: pathOf(row),
    cgroup: { containerId: containerIdOf(row), podUid, trusted, depth },
    hasCpu: readings.cpu.seen,
    point: isThere ? toContainerPoint({ name, containerId, startTimeMs: startedMs }, readings, time) : undefined,
  };
}

/** An old container without samples is dead. */
function isJustStarted(startedMs: number | undefined, nodeTimeMs: number): boolean {
  return startedMs !== undefined && nodeTimeMs - startedMs < firstSampleMs;
}
