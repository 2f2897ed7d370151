/** Decides when to compare the two endpoints: after doubtful scrapes in a row, not again soon. */

export interface ComparisonPolicy {
  /** @param isDoubtful whether something may be missing. */
  isDue(isDoubtful: boolean, nowMs: number): boolean;
  settled(how: 'compared' | 'not compared', nowMs: number): void;
}

/** Pods in creation and restarting containers are doubtful for a scrape or two. */
const doubtfulScrapes = 3;

/** Between comparisons: a container in a crash loop keeps its pod doubtful. */
const quietMs = 10 * 60_000;

/** After a failed one: an endpoint that hangs delays the other one's numbers by its timeout. */
const retryMs = 60_000;

export function createComparisonPolicy(): ComparisonPolicy {
  let doubtfulInARow = 0;
  let quietUntilMs = 0;
  return {
    isDue(isDoubtful, nowMs) {
      doubtfulInARow = isDoubtful ? doubtfulInARow + 1 : 0;
      return doubtfulInARow >= doubtfulScrapes && nowMs >= quietUntilMs;
    },
    settled(how, nowMs) {
      doubtfulInARow = 0;
      quietUntilMs = nowMs + (how === 'compared' ? quietMs : retryMs);
    },
  };
}
