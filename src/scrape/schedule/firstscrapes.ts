/**
 * Tracks the first successful scrape of each node that is there at the start. Until then, a usage from a snapshot is
 * served, which is older than what other replicas serve by the age of the snapshot.
 */
import type { Clock } from '../../clock.ts';

export interface FirstScrapes {
  /** Call it before the scrape of a node that is worth the wait. */
  expect(node: string): void;
  /** Call it after each scrape that succeeded. */
  scraped(node: string): void;
  /** Call it for a node that has left. */
  left(node: string): void;
  /** Reports whether each expected node was scraped, or had its time. */
  areOver(): boolean;
}

/**
 * Longest wait for a node after the start and after the first one was scraped, in milliseconds: a kubelet that hangs or
 * refuses delays a replica that is alone by no more.
 */
export const longestFirstScrapeMs = 5_000;

/**
 * Longest wait for the first node, in milliseconds. While no node was scraped, the cause is mostly on our side, such as a
 * missing token for kubelets, and every usage is from the snapshot.
 */
export const longestWithoutScrapeMs = 20_000;

export function createFirstScrapes(clock: Pick<Clock, 'monotonicMs'>): FirstScrapes {
  /** Time of expectation by node. */
  const expected = new Map<string, number>();
  let firstMs: number | undefined;
  return {
    expect: (node) => void expected.set(node, clock.monotonicMs()),
    scraped(node) {
      firstMs ??= clock.monotonicMs();
      expected.delete(node);
    },
    left: (node) => void expected.delete(node),
    areOver() {
      const nowMs = clock.monotonicMs();
      return expected.values().every((expectedMs) => nowMs >= deadlineMs(expectedMs));
    },
  };

  function deadlineMs(expectedMs: number): number {
    if (firstMs === undefined) return expectedMs + longestWithoutScrapeMs;
    return Math.max(expectedMs, firstMs) + longestFirstScrapeMs;
  }
}
