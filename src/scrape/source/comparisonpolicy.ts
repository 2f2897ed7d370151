/** Decides when /metrics/cadvisor is compared with /metrics/resource: after doubtful scrapes in a row, and not again soon. */

export interface ComparisonPolicy {
  /** Takes in a scrape and reports whether to compare now. @param isDoubtful whether something may be missing in it. */
  isDue(isDoubtful: boolean, nowMs: number): boolean;
  /** Takes in a comparison that found nothing missing, or one that failed. */
  settled(how: 'compared' | 'not compared', nowMs: number): void;
}

/** Pods in creation and restarting containers are doubtful for a scrape or two. */
const doubtfulScrapes = 3;

/** Milliseconds between comparisons: the pod of a container in a crash loop stays doubtful. */
const quietMs = 10 * 60_000;

/** Milliseconds until the next try after a failed one: an endpoint that hangs delays the other one's numbers by its timeout. */
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
