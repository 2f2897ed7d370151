/** Decides by a node's recent results whether it gets an extra scrape, or skips some; pure but for one node's state. */

export interface RetryPolicy {
  /** Takes in a successful scrape. @param waiting how many of its samples need a second one. */
  scraped(waiting: number): NextScrape;
  /** Takes in a failed scrape. @param ready whether the API reports the node as Ready. */
  failed(ready: boolean): NextScrape;
}

export interface NextScrape {
  /** Milliseconds until an extra scrape; undefined for none. */
  readonly extraAfterMs: number | undefined;
  /** Scheduled scrapes to skip. */
  readonly skip: number;
}

/** Milliseconds; a single failure is mostly over at once. */
const retryMs = 2_000;

/**
 * Failures in a row before scheduled scrapes are skipped. By then nothing of the node is served any more, so skipping makes no gap and spares a struggling kubelet.
 * A node that turns Ready is scraped at once.
 */
const failuresBeforeSkipping = 6;

/** The most scheduled scrapes to skip. If a Ready node does not answer, our own network may be at fault; its numbers must be back soon after it. */
const longestSkip = { ready: 1, notReady: 3 };

/** @param resolutionMs the scrape interval. */
export function createRetryPolicy(resolutionMs: number): RetryPolicy {
  let failures = 0;
  /** Scrapes that may not ask for an extra one: the extra one and the next scheduled one. Otherwise a node with new pods in each scrape has twice the load. */
  let withoutExtra = 0;

  return {
    scraped(waiting) {
      failures = 0;
      const hasExtra = waiting > 0 && withoutExtra === 0;
      withoutExtra = hasExtra ? 2 : Math.max(0, withoutExtra - 1);
      // Kubelets sample each 10 to 20 s, so many second samples are there after half an interval.
      return { extraAfterMs: hasExtra ? resolutionMs / 2 : undefined, skip: 0 };
    },
    failed(ready) {
      failures += 1;
      withoutExtra = Math.max(0, withoutExtra - 1);
      const skip = Math.min(
        ready ? longestSkip.ready : longestSkip.notReady,
        2 ** Math.max(0, failures - failuresBeforeSkipping) - 1,
      );
      return { extraAfterMs: failures === 1 ? retryMs : undefined, skip };
    },
  };
}
