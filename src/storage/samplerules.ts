/**
 * Decides what a newer sample of one cgroup means beside the last one; pure. The only place of these rules: pods as objects (window.ts) and pods in
 * rows (rows.ts) both call it.
 */

/** What bounds a rate on one node. */
export interface Rules {
  /** CPU cores that nothing on the node can exceed. */
  readonly mostCores: number;
  /** Milliseconds between two samples; a longer interval is no present usage. */
  readonly longestWindowMs: number;
  /** Milliseconds for which the last value stands for a working set of 0. */
  readonly stalenessMs: number;
  /** Milliseconds since the node's previous scrape, by our clock; undefined for the first one. */
  readonly sinceScrapeMs?: number | undefined;
}

/**
 * - news: a later sample of the same counter;
 * - repeated: the same sample again, or one a little older;
 * - no value: the cgroup is reported without a value that can be true, so its last value stands;
 * - ended: a counter and a working set that stay 0, as of a container whose cgroup has outlived it: it uses nothing;
 * - implausible: more CPU than the node can have used since the last sample;
 * - other clock: a time long before the last sample's: the node's clock was set back, or the time is odd;
 * - restart: another counter, or an interval that is too long; the sample starts anew.
 */
export type Judgement = 'news' | 'repeated' | 'no value' | 'ended' | 'implausible' | 'other clock' | 'restart';

/** Bounds the cores of a node whose capacity is unknown, and of any node. */
export const mostCores = 1_024;

/** A rate may exceed the node's capacity by this factor: sample times and counters are not read at the same moment. */
const capacityMargin = 1.25;

/** The longest interval between two samples that any node may have, in milliseconds. */
const longestWindowAtLeastMs = 300_000;

/** Rows of one container never differ by that much in time. */
const clockStepMs = 10_000;

/** cgroup v1 sums per-CPU counters without a lock, so a total may go back by some nanoseconds. */
export const counterJitterSeconds = 1e-6;

/** cAdvisor rounds start times down to whole seconds. */
const startTimeResolutionMs = 1_000;

/** A counter of 0 is believed of containers younger than this, in milliseconds: older ones have used something, so theirs was not reported. */
const zeroCounterMs = 5_000;

/** @param capacityCores of the Node's status; undefined or 0 where it is unknown. */
export function mostCoresOf(capacityCores: number | undefined): number {
  return capacityCores === undefined || !(capacityCores > 0)
    ? mostCores
    : Math.min(mostCores, capacityCores * capacityMargin);
}

/**
 * Returns the longest interval between two samples that is still a window of now. Kubelets that sample each five minutes, and resolutions of an hour,
 * stay served.
 */
export function longestWindowMs(resolutionMs: number, spacingMs: number): number {
  return Math.max(longestWindowAtLeastMs, 2 * resolutionMs, 2 * spacingMs);
}

/**
 * Judges a sample by the last one of the same container or machine. Takes numbers instead of objects because it runs for each row of each scrape.
 * @param startTimeMs when the container started by the newer sample; NaN where that is unknown.
 */
export function judge(
  lastMs: number,
  lastCpuSeconds: number,
  lastMemoryBytes: number,
  nowMs: number,
  cpuSeconds: number,
  memoryBytes: number,
  startTimeMs: number,
  rules: Rules,
): Judgement {
  const intervalMs = nowMs - lastMs;
  const isEmpty = memoryBytes === 0 && lastMemoryBytes > 0;
  if (Number.isNaN(memoryBytes) || (isEmpty && intervalMs <= rules.stalenessMs)) return 'no value';
  // cAdvisor leaves the row out while no CPU was used, so 0 is also what a row that is missing for one scrape looks like.
  if (cpuSeconds === 0 && lastCpuSeconds > 0 && !hasStartedSince(lastMs, startTimeMs)) {
    if (!isEmpty) return 'no value';
    return intervalMs <= rules.longestWindowMs ? 'ended' : 'restart';
  }
  // The node's clock was set back: to wait until it has caught up could take hours.
  if (intervalMs < -clockStepMs) return 'other clock';
  // An older sample has no higher counter.
  if (intervalMs < 0 && cpuSeconds > lastCpuSeconds + counterJitterSeconds) return 'other clock';
  // Kubelets sample every 10 to 30 s whenever they are scraped: the same sample again, or one a little older, is no news.
  if (intervalMs <= 0) return 'repeated';
  if (cpuSeconds < lastCpuSeconds - counterJitterSeconds || intervalMs > rules.longestWindowMs) return 'restart';
  // The whole life of a container is not what it used since its row was missing.
  if (lastCpuSeconds === 0 && cpuSeconds > 0 && !(lastMs - startTimeMs <= zeroCounterMs)) return 'restart';
  return isPossible(cpuSeconds - lastCpuSeconds, intervalMs, rules) ? 'news' : 'implausible';
}

/** Reports whether a container may have started after a sample. @param startTimeMs NaN where it is unknown. */
export function hasStartedSince(sampleMs: number, startTimeMs: number): boolean {
  return startTimeMs + startTimeResolutionMs > sampleMs;
}

/** Reports whether a node can have used so much CPU in that time. */
export function isPossible(cpuSeconds: number, intervalMs: number, rules: Pick<Rules, 'mostCores'>): boolean {
  return cpuSeconds * 1000 <= intervalMs * rules.mostCores;
}
