/** When what cAdvisor tells is doubtful for long enough to be compared with /metrics/resource. */

export interface ComparisonPolicy {
  /** Whether to compare now. @param doubtful whether this scrape left something to doubt. */
  arises(doubtful: boolean, nowMs: number): boolean;
  /** They were compared and nothing was lacking, or could not be compared: whatever it is, it is not worth another look soon. */
  settled(how: 'compared' | 'not compared', nowMs: number): void;
}

/** Pods in creation and containers between two lives look like it for a scrape or two. */
const doubtfulScrapes = 3;

/** A pod whose container crashes again and again has none most of the time, for as long as nobody mends it. */
const quietMs = 10 * 60_000;

/** An endpoint that hangs would hold up the other one's numbers for its timeout, scrape after scrape. */
const retryMs = 60_000;

export function createComparisonPolicy(): ComparisonPolicy {
  let inARow = 0;
  let quietUntilMs = 0;
  return {
    arises(doubtful, nowMs) {
      inARow = doubtful ? inARow + 1 : 0;
      return inARow >= doubtfulScrapes && nowMs >= quietUntilMs;
    },
    settled(how, nowMs) {
      inARow = 0;
      quietUntilMs = nowMs + (how === 'compared' ? quietMs : retryMs);
    },
  };
}
