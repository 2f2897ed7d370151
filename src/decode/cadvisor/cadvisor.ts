/** Says which series and labels of /metrics/cadvisor mean what, and joins them into one candidate per container cgroup. */
import { type UnlabeledSample, type Sample, noRow } from '../../exposition/sample.ts';
import type { Point } from '../../sample/point.ts';
import { aliveMachine, deadAfterMs } from '../age.ts';
import { type CgroupRow, containerIdOf, isOfRow, kept, pathOf, rowOf } from './cgrouprow.ts';
import type { Steps } from '../steps.ts';
import { AnswerBudget, candidateLimit, checkCount, containerLimit, longFromRows, rowsPerStep } from '../limits.ts';
import { KnownRows } from './knownrows.ts';
import type { Choice, Collector, Doubts, Dialect, PodName } from '../dialect.ts';
import { scrapedColumn } from '../../sample/quantities.ts';
import { Reading, type Readings } from '../reading.ts';
import type { RowNumbers } from '../rownumbers.ts';
import { hasValue, isPlausible, lacksMemory, startTimeMs, toContainerPoint, toMachinePoint } from '../usable.ts';
import { cadvisorFamilies, machineSwap, movingFamilies, scrapeError } from './families.ts';
import type { AnswerTime } from '../sampletime.ts';
import { type Candidate, type Remembered, selecting } from './select.ts';

export const cadvisor: Dialect<CgroupRow, Remembered> = {
  source: 'cadvisor',
  families: cadvisorFamilies,
  moving: movingFamilies,
  // A cgroup's path is its name; what else its rows say of it stays, or they get another length. But a total of CPU is no longer than that of a core.
  identity: { label: 'id', detail: 'cpu' },
  oldestMs: deadAfterMs,
  collect: (rows, numbers) => new CadvisorCollector(rows, numbers),
  kept,
};

/** Takes the samples of one body, their families by index in cadvisorFamilies, and gives what they add up to. */
class CadvisorCollector implements Collector<Remembered> {
  readonly numbers: RowNumbers;
  /** Those of the body before, and then those that are new. */
  readonly #rows: CgroupRow[];
  /** Made for the first row that is not recognised; in most bodies there is none. */
  #known: KnownRows | undefined;
  /** Those that were not recognised, by path: each is told of by several families. */
  #visited: Map<string, number> | undefined;
  /** CPU per core, as kubelets before 1.16 say it, by row and cpu label. */
  readonly #cores = new Map<number, Map<string, Reading>>();
  readonly #swapCapacity = new Reading();
  readonly #budget = new AnswerBudget();
  #scrapeFailed = false;

  /** @param rows what sample numbers stand for; grows. */
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
    const row = this.#placeOf(sample);
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

  /** 1.28 does not say, 1.31 does. */
  get hasSwap(): boolean | undefined {
    const { seen, value } = this.#swapCapacity;
    return seen && isPlausible(value) ? value > 0 : undefined;
  }

  #seenPlaces(): number[] {
    return [...this.#rows.keys()].filter((place) => this.numbers.isAnySeen(place) || this.#cores.has(place));
  }

  *choose(time: AnswerTime, before: Remembered | undefined): Steps<Choice<Remembered>> {
    const isLong = this.#rows.length > longFromRows;
    const seen = this.#seenPlaces();
    if (isLong) yield;
    const reason = this.#whyUnusable(seen);
    if (isLong) yield;
    if (reason !== undefined) return { kind: 'unusable', reason };
    const candidates: Candidate[] = [];
    /** Pods with a container of which nothing but its start is known. */
    const valueless: PodName[] = [];
    const rowOf = new Map<Point, number>();
    let machine: Point | undefined;
    let rowCount = 0;
    for (const place of seen) {
      const row = this.#rows[place];
      if (row?.kind === 'machine' || row?.kind === 'container') rowCount += 1;
      if (row?.kind === 'machine') machine = toMachinePoint(this.#readingsOf(place), time);
      const candidate = row?.kind === 'container' ? toCandidate(row, this.#readingsOf(place), time) : undefined;
      if (candidate !== undefined) checkCount(candidates.push(candidate), candidateLimit, 'rows of containers');
      else if (row?.kind === 'container') valueless.push({ namespace: row.namespace, name: row.pod });
      if (place % rowsPerStep === rowsPerStep - 1 && isLong) yield;
      const point = row?.kind === 'machine' ? machine : candidate?.point;
      if (point !== undefined) rowOf.set(point, place);
    }
    machine = aliveMachine(
      machine,
      candidates.flatMap(({ point }) => point ?? []),
      time.nodeTimeMs,
    );
    if (machine === undefined && candidates.every(({ point }) => !hasValue(point))) {
      return { kind: 'unusable', reason: 'no usable rows' };
    }
    const { pods, remembered } = yield* selecting(candidates, time.nodeTimeMs, before);
    const doubts = this.#doubts(seen, candidates, valueless);
    return { kind: 'chosen', machine, pods, rowOf, rowCount, doubts, seen, carried: remembered };
  }

  #doubts(seen: readonly number[], candidates: readonly Candidate[], valueless: readonly PodName[]): Doubts {
    /** Names by namespace: to join the two for each row, again and again, took as long as to choose between all. */
    const known = new Map<string, Set<string>>();
    const doubted = new Map<string, Set<string>>();
    const pods = valueless.filter(({ namespace, name }) => addTo(doubted, namespace, name));
    for (const { namespace, pod, point } of candidates) {
      if (point !== undefined && lacksMemory(point.memoryBytes) && addTo(doubted, namespace, pod)) {
        pods.push({ namespace, name: pod });
      }
      addTo(known, namespace, pod);
    }
    for (const place of seen) {
      const row = this.#rows[place];
      if (row?.kind !== 'pod') continue;
      const { namespace, pod: name } = row;
      if (addTo(known, namespace, name) && addTo(doubted, namespace, name)) pods.push({ namespace, name });
    }
    checkCount(pods.length, containerLimit, 'pods without a container that uses anything');
    return { pods, unlabelled: this.#hasUnlabelled(seen) };
  }

  /** As far as one body can tell without knowing which pods there should be. */
  #whyUnusable(seen: readonly number[]): string | undefined {
    if (this.#scrapeFailed) return 'the kubelet failed to read its containers (container_scrape_error is 1)';
    if (seen.length === 0) return 'no container rows (Windows, or nothing sampled yet)';
    // Taken from the runtime, CPU comes in whole seconds. cAdvisor's IDs are paths; the machine may have a row in either case.
    if (seen.some((place) => this.#rows[place]?.hasPath !== true)) {
      return 'no cgroup paths (PodAndContainerStatsFromCRI)';
    }
    // A pod in creation has no container rows, for a good reason. Containers without labels mean that cAdvisor does not
    // reach the runtime: never with cri-dockerd, until the kubelet restarts with others.
    if (!seen.some((place) => this.#rows[place]?.kind === 'container') && this.#hasUnlabelled(seen)) {
      return 'no labelled container rows';
    }
    return undefined;
  }

  #hasUnlabelled(seen: readonly number[]): boolean {
    return seen.some((place) => this.#rows[place]?.isUnlabelledContainer === true);
  }

  #placeOf(sample: Sample): number {
    const path = sample.label('id');
    const before = this.#visited?.get(path);
    if (before !== undefined && isOfRow(this.#rows[before]!, sample)) return before;
    const place = this.#placeOfRow(rowOf(sample));
    // What the root is takes more labels to tell.
    if (path !== '/') (this.#visited ??= new Map()).set(path, place);
    return place;
  }

  #placeOfRow(row: CgroupRow): number {
    this.#known ??= new KnownRows(this.#rows);
    const place = this.#known.placeOf(row);
    if (place !== undefined) return place;
    const { path: own, namespace, pod, container, pointId } = row;
    this.#budget.row(
      this.#rows.length + 1,
      Math.max(own.length, pointId.length) + namespace.length + pod.length + container.length,
    );
    const added = this.#rows.push(this.#known.share(row)) - 1;
    this.#known.add(row, added);
    return added;
  }

  /** False where the sample is of all cores. */
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

/** Two rounds of cAdvisor's slowest housekeeping. */
const firstSampleMs = 60_000;

/** False where it was there. */
function addTo(known: Map<string, Set<string>>, namespace: string, name: string): boolean {
  let names = known.get(namespace);
  if (names === undefined) known.set(namespace, (names = new Set()));
  const { size } = names;
  return names.add(name).size > size;
}

function toCandidate(row: CgroupRow, readings: Readings, time: AnswerTime): Candidate | undefined {
  const { namespace, pod, container: name, folder, pointId: containerId } = row;
  const started = startTimeMs(readings.start.value);
  // A container with one of its rows is there; without both it was just started, or is dead.
  const isThere = readings.cpu.seen || readings.memory.seen;
  if (!isThere && !isJustStarted(started, time.nodeTimeMs)) return undefined;
  if (folder === undefined) throw new Error('the row of a container has a folder');
  const { podUid, trusted, depth } = folder;
  return {
    namespace,
    pod,
    path: pathOf(row),
    cgroup: { containerId: containerIdOf(row), podUid, trusted, depth },
    hasCpu: readings.cpu.seen,
    point: isThere ? toContainerPoint({ name, containerId, startTimeMs: started }, readings, time) : undefined,
  };
}

/** A container that was found and not yet sampled. An old one without samples is dead. */
function isJustStarted(startedMs: number | undefined, nodeTimeMs: number): boolean {
  return startedMs !== undefined && nodeTimeMs - startedMs < firstSampleMs;
}
