/** Decides whether a node's clock was set between two scrapes, and which samples are older; pure. */

/** A response's times. */
export interface ResponseTimes {
  /** The Date header, in whole seconds; undefined without one. */
  readonly dateMs: number | undefined;
  /** By our monotonic clock. */
  readonly sentMs: number;
  readonly receivedMs: number;
}

/** Times of a response's samples, by the node's clock. */
export interface SampleTimes {
  /** -Infinity without timed samples. */
  readonly newestMs: number;
  /** The oldest of those newer than the same cgroup's previous sample; Infinity without one. */
  readonly oldestNewMs: number;
}

/** A response's node clock and our monotonic clock. */
export interface ClockReading {
  /** Bounds of the node's time at its response, by its clock. */
  readonly earliestMs: number;
  /** Infinity if unbounded. */
  readonly latestMs: number;
  /** By the node's clock; -Infinity without timed samples, and with a Date header. */
  readonly newestSampleMs: number;
  /** By our monotonic clock. */
  readonly sentMs: number;
  readonly receivedMs: number;
}

/** Bounds, by the node's clock, of samples before the step but after the previous scrape. */
export interface ClockStep {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** Milliseconds: the Date header has whole seconds. */
export const dateResolutionMs = 1_000;

/** chrony slews by at most 1/12 (`maxslewrate`), adjtime(3) by 1/2000. An unseen step distorts no interval by more. */
const slewShare = 0.1;

/** cAdvisor stamps a sample before it reads the cgroup; the kubelet has it this much later at most. */
const sampleLagMs = 2_000;

/**
 * Returns a response's clocks. Without a Date header, no sample is from the future, and one newer than its
 * predecessor was taken after the previous response. The more containers, the closer are these bounds.
 */
export function readClock(
  { dateMs, sentMs, receivedMs }: ResponseTimes,
  { newestMs, oldestNewMs }: SampleTimes,
  previous: ClockReading | undefined,
): ClockReading {
  const times = { newestSampleMs: newestMs, sentMs, receivedMs };
  if (dateMs !== undefined) return { earliestMs: dateMs, latestMs: dateMs + dateResolutionMs, ...times };
  if (previous === undefined) return { earliestMs: newestMs, latestMs: Infinity, ...times };
  const { newestSampleMs } = previous;
  const isNew = newestSampleMs !== -Infinity && newestMs > newestSampleMs;
  const firstMs = Math.min(oldestNewMs, isNew ? newestMs : Infinity);
  return { earliestMs: newestMs, latestMs: firstMs + receivedMs - previous.sentMs + sampleLagMs, ...times };
}

/**
 * Returns a clock's step between two responses; undefined if delay and slewing explain both. With a Date header, it
 * sees steps from about 3 s plus the time of both responses; without one and with few containers, from about a scrape
 * interval.
 */
export function clockStep(previous: ClockReading, current: ClockReading): ClockStep | undefined {
  const elapsedMs = current.receivedMs - previous.sentMs;
  const slewMs = elapsedMs * slewShare;
  // How far the node's clock is ahead of ours.
  const leastBeforeMs = previous.earliestMs - previous.receivedMs;
  const mostBeforeMs = previous.latestMs - previous.sentMs;
  const isAhead = current.earliestMs - current.receivedMs - mostBeforeMs > slewMs;
  const isBack = leastBeforeMs - (current.latestMs - current.sentMs) > slewMs;
  if (!isAhead && !isBack) return undefined;
  return {
    earliestMs: leastBeforeMs + previous.sentMs - sampleLagMs,
    latestMs: mostBeforeMs + current.receivedMs + slewMs,
  };
}

/**
 * Reports whether a sample may precede the step; also true of some later ones, since both clocks can show the same
 * time.
 * @param isNew whether the sample is known to follow the previous response.
 */
export function mayPrecede({ earliestMs, latestMs }: ClockStep, sampleMs: number, isNew: boolean): boolean {
  return sampleMs <= latestMs && !(isNew && sampleMs < earliestMs);
}
