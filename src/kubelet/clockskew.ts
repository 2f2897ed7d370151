/** Tells when a node's clock and ours differ so much that usages look older or younger than they are. */
import type { Explanation } from './explain/explanation.ts';

/** Usages are stale after 45 s or more, so this is harmless yet; but clocks under NTP are never so far apart. */
export const clockSkewLimitMs = 5_000;

/** Between when and when, by our clock, the node wrote its answer. */
export interface RequestTiming {
  readonly askedMs: number;
  readonly answeredMs: number;
}

/**
 * Undefined while the clocks may agree within the limit.
 * @param dateMs the node's clock when it answered, in whole seconds, as a Date header has it.
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
      'synchronise it by NTP (`timedatectl` and `chronyc tracking` on the node tell); if all nodes are said to be wrong, it is the clock of the node that we run on',
  };
}

/** A Date header does not tell how far its second has gone. */
const wholeSecondMs = 1_000;
