/** What one node's outcomes mean for when it is scraped next, beside its turns; pure but for the state of the node. */

export interface RetryPolicy {
  /** A scrape gave a batch. @param waiting how many samples in it wait for a second one. */
  scraped(waiting: number): NextScrape;
  /** @param ready whether the API calls the node Ready. */
  failed(ready: boolean): NextScrape;
}

export interface NextScrape {
  /** Scrape once more in between, after so many milliseconds. */
  readonly soonMs: number | undefined;
  /** Miss so many turns. */
  readonly restTurns: number;
}

/** A single failure is most often over at once. */
const retryMs = 2_000;

/**
 * From so many failures on, turns are missed. By then nothing that was known of the node is served any more, so it costs nobody a gap, and a
 * kubelet that struggles is left in peace; a node that turns Ready does not wait.
 */
const patientFailures = 6;

/** The most turns to miss. Where a Ready node does not answer, it may be our own network: when that is back, so must be the numbers. */
const longestRest = { ready: 1, notReady: 3 };

/** @param resolutionMs distance of two turns. */
export function createRetryPolicy(resolutionMs: number): RetryPolicy {
  let failures = 0;
  /** How many scrapes still call for no early one: the early one itself, and the turn after it, or new pods each turn would double the load for ever. */
  let quiet = 0;

  return {
    scraped(waiting) {
      failures = 0;
      const early = waiting > 0 && quiet === 0;
      quiet = early ? 2 : Math.max(0, quiet - 1);
      // Kubelets sample each 10 to 20 s: half way to the next turn is soon enough for the second sample of many.
      return { soonMs: early ? resolutionMs / 2 : undefined, restTurns: 0 };
    },
    failed(ready) {
      failures += 1;
      quiet = Math.max(0, quiet - 1);
      const restTurns = Math.min(
        ready ? longestRest.ready : longestRest.notReady,
        2 ** Math.max(0, failures - patientFailures) - 1,
      );
      return { soonMs: failures === 1 ? retryMs : undefined, restTurns };
    },
  };
}
