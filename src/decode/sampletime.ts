/** Decides which times of samples are believed, relative to the answer that they came with; pure. */
import { latestMs, type Point } from '../sample/point.ts';

/** When an answer was given; milliseconds since the epoch by the node's clock. */
export interface AnswerTime {
  /** Its Date header, so in whole seconds, or our own time where it has none. */
  readonly nodeTimeMs: number;
  /** The time of samples without one; its intervals are those of our clock. */
  readonly untimedMs: number;
  /** No sample can be from before this. */
  readonly earliestMs: number;
}

/** A sample may be this far ahead of the node's clock, which is known in whole seconds only. */
const futureLimitMs = 5_000;

/** A sample that is older than this by its own node's clock has no time that can be true; no kubelet samples so seldom. */
const pastLimitMs = 24 * 3_600_000;

/**
 * Puts together what is known of an answer's time.
 * @param dateMs its Date header; undefined where it has none, and then nothing tells whether an old sample is of a node that lives in the past.
 * @param ourMs our own time.
 */
export function answerTime(dateMs: number | undefined, ourMs: number, untimedMs = dateMs ?? ourMs): AnswerTime {
  return { nodeTimeMs: dateMs ?? ourMs, untimedMs, earliestMs: dateMs === undefined ? 0 : dateMs - pastLimitMs };
}

/** Reports whether a sample's time is taken as it is: neither missing, nor of the future, nor impossible. */
export function isTrueTime(timestampMs: number, { nodeTimeMs, earliestMs }: AnswerTime): boolean {
  return timestampMs <= nodeTimeMs + futureLimitMs && timestampMs >= earliestMs && timestampMs !== 0;
}

/**
 * Returns when a sample was taken: a missing time, which protobuf also writes as 0, or one in the node's future, becomes that of the answer. Undefined
 * for a time that cannot be.
 */
export function sampleTime(
  timestampMs: number,
  time: AnswerTime,
): Pick<Point, 'timestampMs' | 'rawTimestampMs' | 'isUntimed'> | undefined {
  if (isTrueTime(timestampMs, time)) return { timestampMs };
  if (Number.isNaN(timestampMs) || timestampMs === 0) return { timestampMs: time.untimedMs, isUntimed: true };
  // Later times are negative ones that were written as unsigned, or no times.
  if (timestampMs < time.earliestMs || timestampMs > latestMs) return undefined;
  return { timestampMs: time.nodeTimeMs, rawTimestampMs: timestampMs };
}
