/** The series of one cgroup as they come in, and which of their values are believed; the same for both endpoints. */
import type { Sample } from '../exposition/sample.ts';
import { latestMs, type Point, valueLimit } from '../sample/point.ts';
import { type AnswerTime, sampleTime } from './sampletime.ts';

/** The latest sample of one series; kubelets send two for one where a container's cgroup outlived it. */
export class Reading {
  seen = false;
  value = 0;
  /** NaN where the sample has no time. */
  timestampMs = Number.NaN;

  /** Keeps the sample unless the one before is younger; without times, the last one counts. */
  add(sample: Pick<Sample, 'value' | 'timestampMs'>): void {
    if (sample.timestampMs < this.timestampMs) return;
    this.seen = true;
    this.value = sample.value;
    this.timestampMs = sample.timestampMs;
  }
}

/** What one container, or the machine, is said to use. */
export class Readings {
  readonly cpu: Reading;
  readonly memory: Reading;
  readonly swap = new Reading();
  readonly start = new Reading();

  constructor(cpu = new Reading(), memory = new Reading()) {
    this.cpu = cpu;
    this.memory = memory;
  }

  /** By the numbers of rowFamilies. */
  at(family: number): Reading {
    return [this.cpu, this.memory, this.swap, this.start][family] ?? this.cpu;
  }

  /** Undefined without a working set, and where a value or the time cannot be true. */
  toPoint(answer: AnswerTime): Point | undefined {
    const { cpu, memory, swap } = this;
    if (!memory.seen || !isPlausible(memory.value) || !isPlausible(cpu.value)) return undefined;
    const time = this.#time(answer);
    if (time === undefined) return undefined;
    return {
      ...time,
      // Kubelets leave the row out while no CPU was used: zero is a value, and what cpu holds without a sample.
      cpuSeconds: cpu.value,
      memoryBytes: memory.value,
      swapBytes: swap.seen && isPlausible(swap.value) ? swap.value : undefined,
    };
  }

  /**
   * Returns a point also where a value is missing or cannot be true: the container is there, so its pod must not look whole without it. The working
   * set is NaN then.
   */
  toPointOrUnusable(answer: AnswerTime): Point {
    const { cpu } = this;
    return (
      this.toPoint(answer) ?? {
        ...(this.#time(answer) ?? { timestampMs: answer.nodeTimeMs }),
        cpuSeconds: isPlausible(cpu.value) ? cpu.value : 0,
        memoryBytes: Number.NaN,
        swapBytes: undefined,
      }
    );
  }

  /** The same, but a machine that uses nothing is not believed: old cAdvisors on cgroup v2 have said so. */
  toMachinePoint(answer: AnswerTime): Point | undefined {
    const point = this.toPoint(answer);
    return point !== undefined && point.cpuSeconds > 0 && point.memoryBytes > 0 ? point : undefined;
  }

  #time(answer: AnswerTime) {
    const { seen, timestampMs } = this.cpu.seen ? this.cpu : this.memory;
    return seen ? sampleTime(timestampMs, answer) : undefined;
  }

  /** Whole milliseconds; undefined where there is none, or the zero time of Go, which is negative. */
  startTimeMs(): number | undefined {
    return startTimeMs(this.start.value);
  }
}

/** Whole milliseconds of a start time in seconds; undefined where it cannot be true. */
export function startTimeMs(seconds: number): number | undefined {
  return seconds > 0 && seconds * 1000 <= latestMs ? Math.trunc(seconds * 1000) : undefined;
}

/** Reports whether a sample has a value that can be true. */
export function hasValue(point: Pick<Point, 'memoryBytes'> | undefined): boolean {
  return point !== undefined && !Number.isNaN(point.memoryBytes);
}

/** Reports whether a working set is none of a container that runs: 0, or NaN where none can be true. */
export function lacksMemory(memoryBytes: number): boolean {
  return !(memoryBytes > 0);
}

/** CPU seconds or bytes that can be true; NaN is not. */
export function isPlausible(value: number): boolean {
  return value >= 0 && value <= valueLimit;
}
