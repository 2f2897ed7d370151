/** Says which series and labels of /metrics/cadvisor mean what, and joins them into one candidate per container cgroup. */
import type { Sample } from '../exposition/sample.ts';
import type { Point } from '../point.ts';
import { isContainerPath, parseCgroup } from './cgroup.ts';
import { Reading, Readings } from './reading.ts';
import type { Candidate } from './select.ts';

/** Every family that is read, and asked for by name[] where the kubelet can filter (1.37 and later). */
export const cadvisorFamilies: readonly string[] = [
  'container_cpu_usage_seconds_total',
  'container_memory_working_set_bytes',
  'container_memory_swap',
  'container_start_time_seconds',
  'container_scrape_error',
  'machine_swap_bytes',
];

/** What the rows of one body are worth. */
export type CadvisorRows =
  | {
      readonly kind: 'rows';
      readonly machine: Point | undefined;
      /** Whether the machine has swap; undefined where the kubelet does not say: 1.28 does not, 1.31 does. */
      readonly hasSwap: boolean | undefined;
      readonly candidates: readonly Candidate[];
      readonly doubts: Doubts;
    }
  | { readonly kind: 'unusable'; readonly reason: string };

/** Why the rows may not be the whole truth: /metrics/resource, which asks the runtime, may know more. */
export interface Doubts {
  /** Pods with a cgroup but without a container that uses anything: in creation, or under gVisor or kata. */
  readonly pods: readonly PodName[];
  /** Whether there are containers' cgroups without labels: cAdvisor did not reach the runtime when it found them. */
  readonly unlabelled: boolean;
}

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** Takes the samples of one body, their families by index in cadvisorFamilies, and gives what they add up to. */
export class CadvisorCollector {
  readonly #machine = new Row('', '', '', '/');
  readonly #containers = new Map<string, Row>();
  /** Every pod that has a cgroup or a sandbox, by podKey. */
  readonly #pods = new Map<string, PodName>();
  readonly #swapCapacity = new Reading();
  #samples = 0;
  #scrapeFailed = false;
  #hasPathsOnly = true;
  #hasUnlabelled = false;

  add(sample: Sample): void {
    const family = cadvisorFamilies[sample.family];
    if (family === undefined) return;
    if (family === 'container_scrape_error') {
      if (sample.value !== 0) this.#scrapeFailed = true;
      return;
    }
    if (family === 'machine_swap_bytes') {
      this.#swapCapacity.add(sample);
      return;
    }
    this.#samples += 1;
    this.#rowOf(sample)?.add(family, sample);
  }

  /** The node's clock at the time of the answer, in milliseconds since the epoch. */
  finish(nodeTimeMs: number): CadvisorRows {
    const reason = this.#whyUnusable();
    if (reason !== undefined) return { kind: 'unusable', reason };
    const candidates: Candidate[] = [];
    for (const row of this.#containers.values()) {
      const candidate = row.toCandidate(nodeTimeMs);
      if (candidate !== undefined) candidates.push(candidate);
    }
    const machine = this.#machine.toMachinePoint(nodeTimeMs);
    if (machine === undefined && candidates.every(({ point }) => point === undefined))
      return { kind: 'unusable', reason: 'no usable rows' };
    const hasSwap = this.#swapCapacity.seen ? this.#swapCapacity.value > 0 : undefined;
    return { kind: 'rows', machine, hasSwap, candidates, doubts: this.#doubts(candidates) };
  }

  #doubts(candidates: readonly Candidate[]): Doubts {
    const told = new Set<string>();
    for (const { namespace, pod, hasCpu, point } of candidates) {
      if (point === undefined || hasCpu || point.memoryBytes > 0) told.add(podKey(namespace, pod));
    }
    const pods = [...this.#pods].filter(([key]) => !told.has(key)).map(([, pod]) => pod);
    return { pods, unlabelled: this.#hasUnlabelled };
  }

  /** As far as one body can tell without knowing which pods there should be. */
  #whyUnusable(): string | undefined {
    if (this.#scrapeFailed) return 'the kubelet failed to read its containers (container_scrape_error is 1)';
    if (this.#samples === 0) return 'no container rows (Windows, or nothing sampled yet)';
    // Taken from the runtime, CPU comes in whole seconds. cAdvisor's IDs are paths; the machine may have a row in either case.
    if (!this.#hasPathsOnly) return 'no cgroup paths (PodAndContainerStatsFromCRI)';
    // A pod in creation has no container rows, for a good reason. Containers without labels mean that cAdvisor does not
    // reach the runtime: never with cri-dockerd, until the kubelet restarts with others.
    if (this.#containers.size === 0 && this.#hasUnlabelled) return 'no labelled container rows';
    return undefined;
  }

  /** The row that the sample belongs to; undefined for slices, pods, sandboxes and what nobody has labelled. */
  #rowOf(sample: Sample): Row | undefined {
    const path = sample.label('id');
    if (!path.startsWith('/')) this.#hasPathsOnly = false;
    const container = sample.label('container');
    const namespace = sample.label('namespace');
    const pod = sample.label('pod');
    if (container === '' && namespace === '' && pod === '') {
      if (path === '/' && sample.label('name') === '' && sample.label('image') === '') return this.#machine;
      if (!this.#hasUnlabelled && isContainerPath(path)) this.#hasUnlabelled = true;
      return undefined;
    }
    if (namespace === '' || pod === '') return undefined;
    // The sandbox is container="POD" with dockershim and CRI-O, and "" with containerd, as the pod itself.
    if (container === '' || container === 'POD') {
      const key = podKey(namespace, pod);
      if (!this.#pods.has(key)) this.#pods.set(key, { namespace, name: pod });
      return undefined;
    }
    const key = `${path}\0${namespace}\0${pod}\0${container}`;
    let row = this.#containers.get(key);
    if (row === undefined) {
      row = new Row(namespace, pod, container, path);
      this.#containers.set(key, row);
    }
    return row;
  }
}

/** Two rounds of cAdvisor's slowest housekeeping. */
const firstSampleMs = 60_000;

function podKey(namespace: string, pod: string): string {
  return `${namespace}/${pod}`;
}

/** One cgroup with one set of labels. */
class Row {
  readonly #namespace: string;
  readonly #pod: string;
  readonly #container: string;
  readonly #path: string;
  readonly #readings = new Readings();
  /** CPU per core, as kubelets before 1.16 say it, by the cpu label. */
  readonly #cores = new Map<string, Reading>();

  constructor(namespace: string, pod: string, container: string, path: string) {
    this.#namespace = namespace;
    this.#pod = pod;
    this.#container = container;
    this.#path = path;
  }

  add(family: string, sample: Sample): void {
    switch (family) {
      case 'container_cpu_usage_seconds_total':
        this.#addCpu(sample);
        return;
      case 'container_memory_working_set_bytes':
        this.#readings.memory.add(sample);
        return;
      case 'container_memory_swap':
        this.#readings.swap.add(sample);
        return;
      case 'container_start_time_seconds':
        this.#readings.start.add(sample);
        return;
    }
  }

  toCandidate(nodeTimeMs: number): Candidate | undefined {
    this.#sumCores();
    const point = this.#readings.toPoint(nodeTimeMs);
    if (point === undefined && !this.#isJustStarted(nodeTimeMs)) return undefined;
    const cgroup = parseCgroup(this.#path);
    return {
      namespace: this.#namespace,
      pod: this.#pod,
      path: this.#path,
      cgroup,
      hasCpu: this.#readings.cpu.seen,
      point: point && {
        name: this.#container,
        // A cgroup elsewhere under the same ID, as leaked ones, counts on its own: where it comes or goes, there is no rate between the two.
        containerId: `${cgroup.containerId}@${cgroup.depth}`,
        startTimeMs: this.#readings.startTimeMs(),
        ...point,
      },
    };
  }

  toMachinePoint(nodeTimeMs: number): Point | undefined {
    this.#sumCores();
    return this.#readings.toMachinePoint(nodeTimeMs);
  }

  /** A container that was found and not yet sampled. An old one without samples is dead. */
  #isJustStarted(nodeTimeMs: number): boolean {
    const startTimeMs = this.#readings.startTimeMs();
    return !this.#readings.memory.seen && startTimeMs !== undefined && nodeTimeMs - startTimeMs < firstSampleMs;
  }

  #addCpu(sample: Sample): void {
    const cpu = sample.label('cpu');
    if (cpu === 'total' || cpu === '') {
      this.#readings.cpu.add(sample);
      return;
    }
    let core = this.#cores.get(cpu);
    if (core === undefined) {
      core = new Reading();
      this.#cores.set(cpu, core);
    }
    core.add(sample);
  }

  #sumCores(): void {
    const { cpu } = this.#readings;
    if (cpu.seen) return;
    for (const core of this.#cores.values()) {
      cpu.seen = true;
      cpu.value += core.value;
      cpu.timestampMs = core.timestampMs;
    }
  }
}
