/** The series of one cgroup as they come in, and which of their values are believed; the same for both endpoints. */
import type { Sample } from '../exposition/sample.ts';
import type { Point } from '../point.ts';

/** More than any machine has or uses: 2^60 is an exbibyte, or 36 billion years of CPU; kubelets have sent 2^64. */
const valueLimit = 2 ** 60;

/** A sample may be this far ahead of the node's clock, which is known in whole seconds only. */
export const futureLimitMs = 5_000;

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
  readonly cpu = new Reading();
  readonly memory = new Reading();
  readonly swap = new Reading();
  readonly start = new Reading();

  /** By the numbers of rowFamilies. */
  at(family: number): Reading {
    return [this.cpu, this.memory, this.swap, this.start][family] ?? this.cpu;
  }

  /** Undefined without a working set, and where a value cannot be true. Node time in milliseconds since the epoch. */
  toPoint(nodeTimeMs: number): Point | undefined {
    const { cpu, memory, swap } = this;
    if (!memory.seen || !isPlausible(memory.value) || !isPlausible(cpu.value)) return undefined;
    return {
      ...sampleTime(cpu.seen ? cpu.timestampMs : memory.timestampMs, nodeTimeMs),
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
  toPointOrUnusable(nodeTimeMs: number): Point {
    const { cpu, memory } = this;
    return (
      this.toPoint(nodeTimeMs) ?? {
        ...sampleTime(cpu.seen ? cpu.timestampMs : memory.timestampMs, nodeTimeMs),
        cpuSeconds: isPlausible(cpu.value) ? cpu.value : 0,
        memoryBytes: Number.NaN,
        swapBytes: undefined,
      }
    );
  }

  /** The same, but a machine that uses nothing is not believed: old cAdvisors on cgroup v2 have said so. */
  toMachinePoint(nodeTimeMs: number): Point | undefined {
    const point = this.toPoint(nodeTimeMs);
    return point !== undefined && point.cpuSeconds > 0 && point.memoryBytes > 0 ? point : undefined;
  }

  /** Whole milliseconds; undefined where there is none, or the zero time of Go, which is negative. */
  startTimeMs(): number | undefined {
    return startTimeMs(this.start.value);
  }
}

/** Whole milliseconds of a start time in seconds; undefined where it cannot be true. */
export function startTimeMs(seconds: number): number | undefined {
  return seconds > 0 && isPlausible(seconds) ? Math.trunc(seconds * 1000) : undefined;
}

/** CPU seconds or bytes that can be true; NaN is not. */
export function isPlausible(value: number): boolean {
  return value >= 0 && value <= valueLimit;
}

/** A missing time, or one in the node's future, becomes the time of the answer. */
function sampleTime(timestampMs: number, nodeTimeMs: number): Pick<Point, 'timestampMs' | 'isTimeGuessed'> {
  if (timestampMs > nodeTimeMs + futureLimitMs) return { timestampMs: nodeTimeMs, isTimeGuessed: true };
  return { timestampMs: Number.isNaN(timestampMs) ? nodeTimeMs : timestampMs };
}
