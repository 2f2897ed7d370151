/** Decides which sample times are believed; pure. */
import { latestMs, type Point } from '../sample/point.ts';

/** When a response was sent, by the node's clock. */
export interface AnswerTime {
  /** The Date header, in whole seconds; ours without one. */
  readonly nodeTimeMs: number;
  /** Time of samples without one, by our clock. */
  readonly untimedMs: number;
  readonly earliestMs: number;
}

/** How far a sample may be ahead of the node's clock: the Date header has whole seconds. */
const futureLimitMs = 5_000;

/** How far it may be behind; no kubelet samples so seldom. */
const pastLimitMs = 24 * 3_600_000;

/**
 * Returns a response's time.
 * @param dateMs its Date header; without it, the node's clock may be in the past, and any old sample is accepted.
 */
export function answerTime(dateMs: number | undefined, ourMs: number, untimedMs = dateMs ?? ourMs): AnswerTime {
  return { nodeTimeMs: dateMs ?? ourMs, untimedMs, earliestMs: dateMs === undefined ? 0 : dateMs - pastLimitMs };
}

/** Reports whether a time is neither missing, nor in the future, nor impossible. */
export function isTrueTime(timestampMs: number, { nodeTimeMs, earliestMs }: AnswerTime): boolean {
  return timestampMs <= nodeTimeMs + futureLimitMs && timestampMs >= earliestMs && timestampMs !== 0;
}

/**
 * Returns a sample's time; undefined if impossible. A missing one (0 in protobuf) or a future one becomes the
 * response's.
 */
export function sampleTime(
  timestampMs: number,
  time: AnswerTime,
): Pick<Point, 'timestampMs' | 'rawTimestampMs' | 'isUntimed'> | undefined {
  if (isTrueTime(timestampMs, time)) return { timestampMs };
  if (Number.isNaN(timestampMs) || timestampMs === 0) return { timestampMs: time.untimedMs, isUntimed: true };
  // Later times are negative ones written as unsigned, or none.
  if (timestampMs < time.earliestMs || timestampMs > latestMs) return undefined;
  return { timestampMs: time.nodeTimeMs, rawTimestampMs: timestampMs };
}
