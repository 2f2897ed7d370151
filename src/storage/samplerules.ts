/** Classifies a sample for the fast path (rows.ts) and the slow path (samplepair.ts); pure. */
import type { ClockStep } from '../sample/clockstep.ts';
import { valueLimit } from '../sample/point.ts';

/** Bounds the samples of one node. */
export interface SampleLimits {
  /** CPU cores. */
  readonly mostCores: number;
  /** Working set in bytes. */
  readonly mostMemoryBytes: number;
  /** Milliseconds between samples that still make a present usage. */
  readonly longestWindowMs: number;
  /** Milliseconds for which the last value replaces a working set of 0. */
  readonly stalenessMs: number;
  /** Milliseconds, by our clock; undefined for the first scrape. */
  readonly sinceScrapeMs?: number | undefined;
  readonly step?: ClockStep | undefined;
  /** Whether the first samples may be from before a step that no earlier scrape can show. */
  readonly isSetBack?: boolean | undefined;
  /** See ClockState. */
  readonly startsAfterMs?: number | undefined;
}

/**
 * - newer: a later sample of the same counter;
 * - repeated: the same sample, or a slightly older one;
 * - no value: the cgroup has no possible value; the last one stands;
 * - ended: counter and working set stay 0: the cgroup has outlived its container, whose usage is 0;
 * - implausible: more CPU than the node can have used;
 * - other clock: a time long before the last one: the node's clock was set back, or the time is wrong;
 * - restart: another counter, or too long an interval: the sample has no predecessor.
 */
export type SampleKind = 'newer' | 'repeated' | 'no value' | 'ended' | 'implausible' | 'other clock' | 'restart';

/** Bounds any node, also one of unknown capacity. */
export const mostCores = 1_024;

/**
 * A usage may exceed the capacity: counters and times are not read at once, and a node may grow before its kubelet
 * reports it.
 */
const capacityMargin = 1.25;

const longestWindowAtLeastMs = 300_000;

/** Milliseconds; rows of one container never differ by more. */
const clockStepMs = 10_000;

/** cgroup v1 sums per-CPU counters without a lock: they may fall by nanoseconds. */
export const counterJitterSeconds = 1e-6;

/** cAdvisor rounds down to whole seconds. */
const startTimeResolutionMs = 1_000;

/** Milliseconds; older containers have used CPU, so 0 was missing. */
const zeroCounterMs = 5_000;

/** @param capacityCores undefined or 0 if unknown. */
export function mostCoresOf(capacityCores: number | undefined): number {
  return capacityCores === undefined || !(capacityCores > 0)
    ? mostCores
    : Math.min(mostCores, capacityCores * capacityMargin);
}

/** @param capacityBytes undefined or 0 if unknown. */
export function mostMemoryBytesOf(capacityBytes: number | undefined): number {
  return capacityBytes === undefined || !(capacityBytes > 0)
    ? valueLimit
    : Math.min(valueLimit, capacityBytes * capacityMargin);
}

/** Serves kubelets that sample every five minutes, and resolutions of an hour; in milliseconds. */
export function longestWindowMs(resolutionMs: number, spacingMs: number): number {
  return Math.max(longestWindowAtLeastMs, 2 * resolutionMs, 2 * spacingMs);
}

/**
 * Takes numbers, not objects: it runs for each row of each scrape.
 * @param startTimeMs by the newer sample; NaN if unknown.
 */
export function classifySample(
  lastMs: number,
  lastCpuSeconds: number,
  lastMemoryBytes: number,
  nowMs: number,
  cpuSeconds: number,
  memoryBytes: number,
  startTimeMs: number,
  limits: SampleLimits,
): SampleKind {
  const intervalMs = nowMs - lastMs;
  const isEmpty = memoryBytes === 0 && lastMemoryBytes > 0;
  // Also true for NaN.
  if (!(memoryBytes <= limits.mostMemoryBytes) || (isEmpty && intervalMs <= limits.stalenessMs)) return 'no value';
  // cAdvisor omits the row until CPU was used: 0 may be one missing row.
  const startMs = believedStartMs(startTimeMs, nowMs, limits);
  if (cpuSeconds === 0 && lastCpuSeconds > 0 && !hasStartedSince(lastMs, startMs)) {
    if (!isEmpty) return 'no value';
    return intervalMs <= limits.longestWindowMs ? 'ended' : 'restart';
  }
  // A clock that was set back may need hours to catch up.
  if (intervalMs < -clockStepMs) return 'other clock';
  // An older sample has no higher counter.
  if (intervalMs < 0 && cpuSeconds > lastCpuSeconds + counterJitterSeconds) return 'other clock';
  // Kubelets sample every 10 to 30 s, independently of scrapes.
  if (intervalMs <= 0) return 'repeated';
  if (cpuSeconds < lastCpuSeconds - counterJitterSeconds || intervalMs > limits.longestWindowMs) return 'restart';
  // Otherwise a whole life's CPU would count for one window.
  if (lastCpuSeconds === 0 && cpuSeconds > 0 && !(lastMs - startMs <= zeroCounterMs)) return 'restart';
  return isPossible(cpuSeconds - lastCpuSeconds, intervalMs, limits) ? 'newer' : 'implausible';
}

/**
 * Returns NaN for a start after its sample: the clock was set back since. Later the clock passes it, so one that may be
 * from before a step is not believed then either.
 */
export function believedStartMs(
  startTimeMs: number,
  sampleMs: number,
  { startsAfterMs = -Infinity }: Pick<SampleLimits, 'startsAfterMs'>,
): number {
  return startTimeMs > startsAfterMs && startTimeMs <= sampleMs ? startTimeMs : Number.NaN;
}

/**
 * Reports whether a container may have started after a sample.
 * @param startTimeMs NaN if unknown.
 */
export function hasStartedSince(sampleMs: number, startTimeMs: number): boolean {
  return startTimeMs + startTimeResolutionMs > sampleMs;
}

/** Reports whether a working set exceeds the node's memory. */
export function isTooMuchMemory(memoryBytes: number, limits: Pick<SampleLimits, 'mostMemoryBytes'>): boolean {
  return memoryBytes > limits.mostMemoryBytes;
}

/** Reports whether a node can use that much CPU. */
export function isPossible(cpuSeconds: number, intervalMs: number, limits: Pick<SampleLimits, 'mostCores'>): boolean {
  return isPossibleIncrease(cpuSeconds, intervalMs, limits.mostCores);
}

/** Reports whether a counter can grow so much. Custom metrics from kubelets use it too. */
export function isPossibleIncrease(amount: number, intervalMs: number, mostPerSecond: number): boolean {
  return amount * 1000 <= intervalMs * mostPerSecond;
}
