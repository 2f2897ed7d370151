/** Decides by a node's recent results about extra and skipped scrapes. */

export interface RetryPolicy {
  /** @param waiting how many samples need a second one. */
  scraped(waiting: number): NextScrape;
  failed(ready: boolean): NextScrape;
}

export interface NextScrape {
  /** Undefined for none. */
  readonly extraAfterMs: number | undefined;
  readonly skip: number;
}

/** A single failure is mostly over at once. */
const retryMs = 2_000;
/** Retries before the first success, each after twice the time of the one before: readiness may wait for it. */
const firstRetries = 3;

/**
 * Failures in a row before scrapes are skipped: by then nothing of the node is served, and a struggling kubelet is
 * spared. A node that turns Ready is scraped at once.
 */
const failuresBeforeSkipping = 6;

/** The most scheduled scrapes to skip. Failures of Ready nodes may be our network's; their numbers must be back soon. */
const longestSkip = { ready: 1, notReady: 3 };

/** Creates the policy of one node. */
export function createRetryPolicy(resolutionMs: number): RetryPolicy {
  let failures = 0;
  let hasSucceeded = false;
  /** Scrapes left without an extra one: otherwise new pods in each scrape would double the load. */
  let withoutExtra = 0;

  return {
    scraped(waiting) {
      failures = 0;
      hasSucceeded = true;
      const hasExtra = waiting > 0 && withoutExtra === 0;
      withoutExtra = hasExtra ? 2 : Math.max(0, withoutExtra - 1);
      // Kubelets sample each 10 to 20 s, so many second samples exist after half an interval.
      return { extraAfterMs: hasExtra ? resolutionMs / 2 : undefined, skip: 0 };
    },
    failed(ready) {
      failures += 1;
      withoutExtra = Math.max(0, withoutExtra - 1);
      const skip = Math.min(
        ready ? longestSkip.ready : longestSkip.notReady,
        2 ** Math.max(0, failures - failuresBeforeSkipping) - 1,
      );
      const isRetried = failures <= (hasSucceeded ? 1 : firstRetries);
      return { extraAfterMs: isRetried ? retryMs * 2 ** (failures - 1) : undefined, skip };
    },
  };
}
