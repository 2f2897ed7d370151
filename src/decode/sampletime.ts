/** Decides which sample times are believed, relative to their response; pure. */
import { latestMs, type Point } from '../sample/point.ts';

/** When a response was sent; milliseconds since the epoch by the node's clock. */
export interface AnswerTime {
  /** Its Date header, in whole seconds; our own time if it has none. */
  readonly nodeTimeMs: number;
  /** The time of samples without one; intervals between such times are by our clock. */
  readonly untimedMs: number;
  /** No sample can be older. */
  readonly earliestMs: number;
}

/** A sample may be this far ahead of the node's clock, in milliseconds: the Date header has whole seconds. */
const futureLimitMs = 5_000;

/** A sample's time cannot be true if it is older by its node's clock, in milliseconds; no kubelet samples so seldom. */
const pastLimitMs = 24 * 3_600_000;

/**
 * Returns the time of a response.
 * @param dateMs its Date header; undefined if it has none, and then any old sample may be of a node whose clock is in the past.
 * @param ourMs our own time.
 */
export function answerTime(dateMs: number | undefined, ourMs: number, untimedMs = dateMs ?? ourMs): AnswerTime {
  return { nodeTimeMs: dateMs ?? ourMs, untimedMs, earliestMs: dateMs === undefined ? 0 : dateMs - pastLimitMs };
}

/** Reports whether a sample's time is believed: it is neither missing, nor in the future, nor impossible. */
export function isTrueTime(timestampMs: number, { nodeTimeMs, earliestMs }: AnswerTime): boolean {
  return timestampMs <= nodeTimeMs + futureLimitMs && timestampMs >= earliestMs && timestampMs !== 0;
}

/**
 * Returns when a sample was taken. A missing time, which protobuf writes as 0, and one in the node's future become the response's. Returns undefined for an impossible
 * time.
 */
export function sampleTime(
  timestampMs: number,
  time: AnswerTime,
): Pick<Point, 'timestampMs' | 'rawTimestampMs' | 'isUntimed'> | undefined {
  if (isTrueTime(timestampMs, time)) return { timestampMs };
  if (Number.isNaN(timestampMs) || timestampMs === 0) return { timestampMs: time.untimedMs, isUntimed: true };
  // Later times are negative ones that were written as unsigned, or none.
  if (timestampMs < time.earliestMs || timestampMs > latestMs) return undefined;
  return { timestampMs: time.nodeTimeMs, rawTimestampMs: timestampMs };
}
