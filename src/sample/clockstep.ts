/** Decides whether a node's clock was set between two scrapes, and which samples may be from before that; pure. */

/** What one response shows of its node's clock, beside our monotonic clock. All in milliseconds. */
export interface ClockReading {
  /** Bounds of the node's time when it wrote the response, since the epoch by the node's clock. */
  readonly earliestMs: number;
  /** Infinity where nothing bounds it. */
  readonly latestMs: number;
  /** The newest sample of the response, by the node's clock; -Infinity where none has a time. */
  readonly newestSampleMs: number;
  /** When the request was sent and its response had come, by our monotonic clock. */
  readonly sentMs: number;
  readonly receivedMs: number;
}

/** A step of a node's clock: the times that samples from before it can have, where they were taken after the previous scrape. By the node's clock. */
export interface ClockStep {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** A Date header has whole seconds. */
const dateResolutionMs = 1_000;

/**
 * How fast a clock may run beside another one without having been set: chrony slews by at most 1/12 (`maxslewrate`), adjtime(3) by 1/2000. No interval is
 * off by more than this share where a step stays unseen.
 */
const slewShare = 0.1;

/** A kubelet has a sample this long after the time that the sample has: cAdvisor stamps it before it reads the cgroup. */
const sampleLagMs = 2_000;

/**
 * Returns what a response shows of its node's clock: the Date header, or without one that a sample is not of the future, and that a sample newer than all of the
 * previous response was taken after that.
 * @param dateMs the Date header; undefined where there is none.
 */
export function readClock(
  dateMs: number | undefined,
  newestSampleMs: number,
  { sentMs, receivedMs }: Pick<ClockReading, 'sentMs' | 'receivedMs'>,
  previous: ClockReading | undefined,
): ClockReading {
  const times = { newestSampleMs, sentMs, receivedMs };
  if (dateMs !== undefined) return { earliestMs: dateMs, latestMs: dateMs + dateResolutionMs, ...times };
  const isNew = previous !== undefined && newestSampleMs > previous.newestSampleMs;
  const latestMs = isNew ? newestSampleMs + receivedMs - previous.sentMs + sampleLagMs : Infinity;
  return { earliestMs: newestSampleMs, latestMs, ...times };
}

/**
 * Returns the step of a node's clock between two responses; undefined where a clock that was not set could have given both. A response may have waited anywhere
 * on its way, so only what no delay and no slewing explains is a step: with a Date header from about 3 s on, plus the time that both responses took.
 */
export function clockStep(previous: ClockReading, current: ClockReading): ClockStep | undefined {
  const elapsedMs = current.receivedMs - previous.sentMs;
  const slewMs = elapsedMs * slewShare;
  // How far the node's clock is ahead of ours, at least and at most.
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
 * Reports whether a sample of the response after a step may have been taken before it. Both clocks can show the same time, so this is also true of some
 * samples from after the step.
 * @param isNew whether the sample is known to have been taken after the previous response.
 */
export function mayPrecede({ earliestMs, latestMs }: ClockStep, sampleMs: number, isNew: boolean): boolean {
  return sampleMs <= latestMs && !(isNew && sampleMs < earliestMs);
}
