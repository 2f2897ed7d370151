/** Detects clocks that differ so much that usages look older or newer than they are. */
import type { Explanation } from './explain/explanation.ts';

/** Usages are stale after 45 s or more, so this is harmless. Clocks under NTP never differ so much. */
export const clockSkewLimitMs = 5_000;

/** By our clock. */
export interface RequestTiming {
  readonly askedMs: number;
  readonly answeredMs: number;
}

/**
 * Returns the skew; undefined within the limit.
 * @param dateMs the Date header, in whole seconds.
 */
export function explainClockSkew(
  node: string,
  dateMs: number,
  { askedMs, answeredMs }: RequestTiming,
): Explanation | undefined {
  const aheadMs = dateMs - answeredMs;
  const behindMs = askedMs - (dateMs + wholeSecondMs);
  const skewMs = Math.max(aheadMs, behindMs);
  if (skewMs <= clockSkewLimitMs) return undefined;
  const seconds = Math.round(skewMs / 1000);
  return {
    code: 'ClockSkew',
    what: `the clock of node ${node} is at least ${seconds} s ${aheadMs > behindMs ? 'ahead of' : 'behind'} ours`,
    remedy:
      'synchronise it by NTP (check `timedatectl` and `chronyc tracking` on the node); if all nodes are reported, the clock of our own node is wrong',
  };
}

const wholeSecondMs = 1_000;
